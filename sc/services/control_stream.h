// One SPU's Attach call: queues what the controller sends, bounded, one write at a time.
//
// Lifetime:  deletes itself (LoopStream).
// Threading: as LoopStream.
#pragma once

#include <grpcpp/server_context.h>

#include <cstddef>
#include <deque>
#include <optional>

#include "daemon/loop_stream.h"
#include "sc/controller.h"

namespace tidemark::sc {

class ControlStream final : public daemon::LoopStream<v1::AttachRequest, v1::AttachResponse>,
                            private ControlPeer {
 public:
  ControlStream(daemon::EventLoop& loop, Controller& controller,
                grpc::CallbackServerContext* context)
      : LoopStream(loop), controller_(controller), context_(context) {
    // At once, not in its turn on the loop: the SPU shall know that it has reached us.
    StartSendInitialMetadata();
  }

 private:
  void OnOpened() override;
  void OnMessage(v1::AttachRequest&& message) override;
  void OnReadsDone() override;
  void OnWritable() override { Pump(); }
  void OnClosed() override;

  void Send(v1::AttachResponse&& message) override;
  void CloseWhenSent(const absl::Status& why) override;
  // Of a write that hangs: without one the end is on its way already.
  void Cancel() override {
    if (!finished()) context_->TryCancel();
  }

  void Pump();

  Controller& controller_;
  grpc::CallbackServerContext* const context_;  // gRPC's, until finished()
  StreamId id_;
  std::deque<v1::AttachResponse> queue_;
  std::size_t queued_bytes_ = 0;
  std::optional<absl::Status> closing_;
};

}  // namespace tidemark::sc
