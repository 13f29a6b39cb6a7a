#include "tests/simulation/wire.h"

#include <algorithm>
#include <utility>

namespace tidemark::simulation {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::size_t kPastMessages = 64;
constexpr std::size_t kPastHellos = 16;
// How long TCP and keepalive may take to find a peer that is gone.
constexpr base::Duration kHalfOpen = seconds(15);

}  // namespace

Wire::StreamPtr Wire::OpenStream(spu::LinkStreamId link) {
  auto stream = std::make_shared<Stream>();
  stream->id = sc::StreamId(++newest_stream_);
  stream->link = link;
  stream->spu_end = link.value() != 0;
  streams_[newest_stream_] = stream;
  return stream;
}

void Wire::Open(spu::LinkStreamId link) {
  StreamPtr stream = OpenStream(link);
  if (!controller_->running()) {
    stream->controller_end = false;
    TellSpu(stream, milliseconds(5));
    return;
  }
  controller_->StreamOpened(stream->id);
}

Wire::StreamPtr Wire::FindByLink(spu::LinkStreamId link) const {
  for (const auto& [id, stream] : streams_) {
    if (stream->spu_end && stream->link == link) return stream;
  }
  return nullptr;
}

base::MonotonicTime Wire::ArrivalTime(base::MonotonicTime deaf_until, base::MonotonicTime& last) {
  const bool slow = scheduler_.now() < slow_until_;
  base::MonotonicTime at =
      scheduler_.now() + microseconds(50) + random_.Within(slow ? seconds(3) : milliseconds(8));
  at = std::max(at, deaf_until);
  if (Noisy() && random_.Chance(200)) {
    ++overtaken_;
    return scheduler_.now() + random_.Within(milliseconds(500));
  }
  last = std::max(last + base::Duration(1), at);
  return last;
}

int Wire::CopiesThatArrive() {
  if (Noisy() && random_.Chance(100)) {
    ++lost_;
    return 0;
  }
  if (Noisy() && random_.Chance(120)) {
    ++repeated_;
    return 2;
  }
  return 1;
}

void Wire::SendToController(spu::LinkStreamId link, sc::v1::AttachRequest sent) {
  const StreamPtr stream = FindByLink(link);
  if (stream == nullptr) return;
  const auto message = std::make_shared<const sc::v1::AttachRequest>(std::move(sent));
  past_.push_back(message);
  if (past_.size() > kPastMessages) past_.pop_front();
  if (message->has_hello()) past_hellos_.push_back(message);
  if (past_hellos_.size() > kPastHellos) past_hellos_.pop_front();
  DeliverToController(stream, message);
}

void Wire::DeliverToController(const StreamPtr& stream, const Request& message) {
  const int copies = CopiesThatArrive();
  for (int i = 0; i < copies; ++i) {
    scheduler_.At(ArrivalTime(deaf_controller_until_, stream->last_to_controller),
                  Owner::kController, [this, stream, message] {
                    if (stream->controller_end && controller_->running()) {
                      controller_->Arrived(stream->id, *message);
                    }
                  });
  }
}

void Wire::SendToSpu(sc::StreamId id, sc::v1::AttachResponse message) {
  const auto found = streams_.find(id.value());
  if (found == streams_.end() || !found->second->controller_end) return;
  DeliverToSpu(found->second, std::make_shared<const sc::v1::AttachResponse>(std::move(message)));
}

void Wire::DeliverToSpu(const StreamPtr& stream, const Response& message) {
  if (!stream->spu_end) return;
  const int copies = CopiesThatArrive();
  for (int i = 0; i < copies; ++i) {
    scheduler_.At(ArrivalTime(deaf_spu_until_, stream->last_to_spu), Owner::kSpu,
                  [this, stream, message] {
                    if (stream->spu_end) spu_->Arrived(stream->link, *message);
                  });
  }
}

// After everything that is on its way.
void Wire::TellController(const StreamPtr& stream, base::Duration within) {
  const base::MonotonicTime at = std::max(scheduler_.now(), stream->last_to_controller) +
                                 microseconds(10) + random_.Within(within);
  scheduler_.At(at, Owner::kController, [this, stream] {
    if (!std::exchange(stream->controller_end, false) || !controller_->running()) return;
    controller_->StreamClosed(stream->id);
    Forget();
  });
}

void Wire::TellSpu(const StreamPtr& stream, base::Duration within) {
  const base::MonotonicTime at =
      std::max(scheduler_.now(), stream->last_to_spu) + microseconds(10) + random_.Within(within);
  scheduler_.At(at, Owner::kSpu, [this, stream] {
    if (!std::exchange(stream->spu_end, false)) return;
    spu_->StreamClosed(stream->link);
    Forget();
  });
}

void Wire::CloseBySpu(spu::LinkStreamId link) {
  const StreamPtr stream = FindByLink(link);
  if (stream == nullptr) return;
  stream->spu_end = false;
  TellController(stream, milliseconds(5));
}

void Wire::CloseByController(sc::StreamId id) {
  const auto found = streams_.find(id.value());
  if (found == streams_.end()) return;
  const StreamPtr stream = found->second;
  if (!std::exchange(stream->controller_end, false)) return;
  TellSpu(stream, milliseconds(5));
  controller_->StreamClosed(id);
}

void Wire::SpuDied(bool seen) {
  for (const auto& [id, stream] : streams_) {
    if (stream->link.value() == 0 || !std::exchange(stream->spu_end, false)) continue;
    TellController(stream, seen ? milliseconds(5) : kHalfOpen);
  }
  Forget();
}

void Wire::ControllerDied(bool seen) {
  for (const auto& [id, stream] : streams_) {
    stream->controller_end = false;
    if (stream->spu_end) TellSpu(stream, seen ? milliseconds(5) : kHalfOpen);
  }
  Forget();
}

void Wire::CutAll(bool controller_sees_it) {
  for (const auto& [id, stream] : streams_) {
    if (stream->spu_end) TellSpu(stream, milliseconds(2));
    if (stream->controller_end) {
      TellController(stream, controller_sees_it ? milliseconds(2) : kHalfOpen);
    }
  }
}

void Wire::Inject(Request message, bool new_stream) {
  if (!controller_->running()) return;
  StreamPtr target;
  if (!new_stream) {
    for (const auto& [id, stream] : streams_) {
      if (stream->controller_end && stream->spu_end) target = stream;
    }
  }
  if (target == nullptr) {
    target = OpenStream(spu::LinkStreamId(0));
    controller_->StreamOpened(target->id);
    TellController(target, seconds(2));
  }
  scheduler_.After(random_.Within(milliseconds(5)), Owner::kController,
                   [this, target, message = std::move(message)] {
                     if (target->controller_end && controller_->running()) {
                       controller_->Arrived(target->id, *message);
                     }
                   });
}

void Wire::Calm() {
  noise_until_ = slow_until_ = deaf_controller_until_ = deaf_spu_until_ = scheduler_.now();
}

void Wire::Forget() {
  std::erase_if(streams_, [](const auto& entry) {
    return !entry.second->spu_end && !entry.second->controller_end;
  });
}

}  // namespace tidemark::simulation
