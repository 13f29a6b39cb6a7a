#include "sc/services/control_stream.h"

#include <utility>

#include "base/byte_size.h"
#include "daemon/log.h"
#include "daemon/rpc_error.h"

namespace tidemark::sc {
namespace {

// A peer that reads at all stays far below; the bytes allow one full list of assignments.
constexpr std::size_t kQueuedMessages = 1024;
constexpr std::size_t kQueuedBytes = 8 * base::kMiB;

}  // namespace

void ControlStream::OnOpened() {
  id_ = controller_.Attach(this);
  ReadNext();
}

void ControlStream::OnMessage(v1::AttachRequest&& message) {
  // A Hello whose SPU has given up waiting: a session for it would cost a transaction and help
  // nobody. After a long stop or in a storm there may be many, before the live ones in the queue.
  if (message.has_hello() && context_->IsCancelled()) return;
  controller_.Receive(id_, message);
  ReadNext();
}

void ControlStream::OnReadsDone() { CloseWhenSent(absl::OkStatus()); }

void ControlStream::OnClosed() { controller_.Detach(id_); }

void ControlStream::Send(v1::AttachResponse&& message) {
  if (ending() || closing_.has_value()) return;
  queued_bytes_ += message.ByteSizeLong();
  queue_.push_back(std::move(message));
  if (queue_.size() > kQueuedMessages || queued_bytes_ > kQueuedBytes) {
    daemon::Log(daemon::LogLevel::kWarn, "control.peer_does_not_read",
                {{"stream", id_.value()},
                 {"queued_messages", queue_.size()},
                 {"queued_bytes", queued_bytes_}});
    queue_.clear();
    queued_bytes_ = 0;
    End({grpc::StatusCode::UNAVAILABLE, "the peer does not read"});
    Cancel();
    return;
  }
  Pump();
}

void ControlStream::CloseWhenSent(const absl::Status& why) {
  if (closing_.has_value()) return;
  closing_ = why;
  Pump();
}

void ControlStream::Pump() {
  if (!writable()) return;
  if (queue_.empty()) {
    if (closing_.has_value()) End(daemon::ToGrpc(*closing_));
    return;
  }
  v1::AttachResponse next = std::move(queue_.front());
  queue_.pop_front();
  queued_bytes_ -= next.ByteSizeLong();
  Write(std::move(next));
}

}  // namespace tidemark::sc
