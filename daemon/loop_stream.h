// A bidirectional gRPC stream whose every event happens on the loop.
//
// gRPC's callbacks come on gRPC's threads; here they only Post(). A derived class sees OnMessage,
// OnReadsDone, OnWritable and OnClosed on the loop, one at a time, and needs no mutex. The next
// message is read only when ReadNext() is called, so a peer cannot send faster than the loop takes;
// one write is outstanding at a time, so a peer that does not read costs one message.
//
// Lifetime:  deletes itself, on the loop, after OnClosed(). Callbacks that may come later hold
//            alive() weakly. The loop must run until the server has shut down.
// Threading: constructed by gRPC; everything else on the loop.
#pragma once

#include <grpcpp/support/server_callback.h>

#include <memory>
#include <optional>
#include <utility>

#include "daemon/loop/event_loop.h"

namespace tidemark::daemon {

template <typename Request, typename Response>
class LoopStream : public grpc::ServerBidiReactor<Request, Response> {
 public:
  explicit LoopStream(EventLoop& loop) : loop_(loop) {}

  // Called once by whoever constructed it (see OpenStream()): posted from the constructor,
  // OnOpened() could run on the loop before the derived part exists.
  void Open() {
    Post([this] { OnOpened(); });
  }

  // Ends the stream as soon as the write in flight is done; the first call wins.
  void End(grpc::Status status) {
    loop_.AssertOnLoop();
    if (ending_.has_value()) return;
    ending_ = std::move(status);
    if (!writing_) FinishNow();
  }

 protected:
  ~LoopStream() override = default;

  // Called once, before anything else. The default starts reading.
  virtual void OnOpened() { ReadNext(); }
  virtual void OnMessage(Request&& message) = 0;
  // The peer has sent its last message.
  virtual void OnReadsDone() = 0;
  // A write has ended and another may start.
  virtual void OnWritable() = 0;
  // The peer has gone. End() has been called.
  virtual void OnCancelled() {}
  // The last call; no member may be used afterwards.
  virtual void OnClosed() {}

  void ReadNext() {
    if (reading_ || reads_done_ || ending_.has_value()) return;
    reading_ = true;
    this->StartRead(&incoming_);
  }

  bool writable() const { return !writing_ && !ending_.has_value(); }
  bool ending() const { return ending_.has_value(); }
  // gRPC has been told the end, and may be done with the call and its context at any moment.
  bool finished() const { return finished_; }

  // Only when writable().
  void Write(Response&& response) {
    loop_.AssertOnLoop();
    TM_CHECK(writable());
    writing_ = true;
    outgoing_ = std::move(response);
    this->StartWrite(&outgoing_);
  }

  std::weak_ptr<const bool> alive() const { return alive_; }
  EventLoop& loop() { return loop_; }

 private:
  template <typename Callback>
  void Post(Callback callback) {
    loop_.PostControl(std::move(callback));
  }

  void OnReadDone(bool ok) final {
    Post([this, ok] {
      reading_ = false;
      if (ok) {
        if (!ending_.has_value()) OnMessage(std::move(incoming_));
      } else {
        reads_done_ = true;
        if (!ending_.has_value()) OnReadsDone();
      }
    });
  }

  void OnWriteDone(bool ok) final {
    Post([this, ok] {
      writing_ = false;
      if (ending_.has_value()) {
        FinishNow();
      } else if (ok) {
        OnWritable();
      }  // else the peer is gone: OnCancel follows
    });
  }

  void OnCancel() final {
    Post([this] {
      if (!ending_.has_value()) OnCancelled();
      End(grpc::Status::CANCELLED);
    });
  }

  void OnDone() final {
    if (!loop_.PostControl([this] {
          OnClosed();
          delete this;
        })) {
      delete this;
    }
  }

  void FinishNow() {
    if (finished_) return;
    finished_ = true;
    this->Finish(*ending_);
  }

  EventLoop& loop_;
  Request incoming_;
  Response outgoing_;
  bool reading_ = false;
  bool reads_done_ = false;
  bool writing_ = false;
  bool finished_ = false;
  std::optional<grpc::Status> ending_;
  std::shared_ptr<const bool> alive_ = std::make_shared<const bool>(true);
};

// A new Stream, opened: what a service returns to gRPC.
template <typename Stream, typename... Args>
Stream* OpenStream(Args&&... args) {
  auto* stream = new Stream(std::forward<Args>(args)...);
  stream->Open();
  return stream;
}

}  // namespace tidemark::daemon
