// A server-streaming gRPC call whose every event happens on the loop: daemon::LoopStream without a
// reading side.
//
// Lifetime:  deletes itself, on the loop, after OnClosed().
// Threading: constructed by gRPC, then Open(); everything else on the loop.
#pragma once

#include <grpcpp/support/server_callback.h>

#include <optional>
#include <utility>

#include "base/check.h"
#include "daemon/loop/event_loop.h"

namespace tidemark::sc {

template <typename Response>
class WatchStream : public grpc::ServerWriteReactor<Response> {
 public:
  explicit WatchStream(daemon::EventLoop& loop) : loop_(loop) {}

  // Once, by whoever constructed it: not before the derived part exists.
  void Open() {
    loop_.PostControl([this] { OnOpened(); });
  }

  // As soon as the write in flight is done; the first call wins.
  void End(grpc::Status status) {
    loop_.AssertOnLoop();
    if (ending_.has_value()) return;
    ending_ = std::move(status);
    if (!writing_) this->Finish(*ending_);
  }

 protected:
  ~WatchStream() override = default;

  virtual void OnOpened() = 0;
  // A write has ended and another may start.
  virtual void OnWritable() = 0;
  // The last call; no member may be used afterwards.
  virtual void OnClosed() = 0;

  bool writable() const { return !writing_ && !ending_.has_value(); }
  bool ending() const { return ending_.has_value(); }

  // Only when writable().
  void Write(Response&& response) {
    TM_CHECK(writable());
    writing_ = true;
    outgoing_ = std::move(response);
    this->StartWrite(&outgoing_);
  }

 private:
  void OnWriteDone(bool ok) final {
    loop_.PostControl([this, ok] {
      writing_ = false;
      if (ending_.has_value()) {
        this->Finish(*ending_);
      } else if (ok) {
        OnWritable();
      }  // else the peer is gone: OnCancel follows
    });
  }

  void OnCancel() final {
    loop_.PostControl([this] { End(grpc::Status::CANCELLED); });
  }

  void OnDone() final {
    if (!loop_.PostControl([this] {
          OnClosed();
          delete this;
        })) {
      delete this;
    }
  }

  daemon::EventLoop& loop_;
  Response outgoing_;
  bool writing_ = false;
  std::optional<grpc::Status> ending_;
};

}  // namespace tidemark::sc
