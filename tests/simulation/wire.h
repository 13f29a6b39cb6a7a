// The streams between the SPU and the controller, and what a network does to them.
//
// As gRPC: messages of one direction of one stream arrive in order, or the stream is gone. And
// worse, for a while: lost, repeated, overtaking each other, late, one way only, half open. A
// protocol that stands that stands gRPC.
//
// Lifetime:  the Scheduler and both ends outlive it.
// Threading: one thread.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>

#include "sc/core/effect.h"
#include "spu/core/link_effect.h"
#include "tests/simulation/scheduler.h"
#include "tidemark/sc/v1/control.pb.h"

namespace tidemark::simulation {

class Wire {
 public:
  class ControllerEnd {
   public:
    virtual ~ControllerEnd() = default;
    virtual bool running() const = 0;
    virtual void StreamOpened(sc::StreamId stream) = 0;
    virtual void StreamClosed(sc::StreamId stream) = 0;
    virtual void Arrived(sc::StreamId stream, const sc::v1::AttachRequest& message) = 0;
  };
  class SpuEnd {
   public:
    virtual ~SpuEnd() = default;
    virtual void StreamClosed(spu::LinkStreamId stream) = 0;
    virtual void Arrived(spu::LinkStreamId stream, const sc::v1::AttachResponse& message) = 0;
  };

  // On the way more than once, and remembered: shared.
  using Request = std::shared_ptr<const sc::v1::AttachRequest>;
  using Response = std::shared_ptr<const sc::v1::AttachResponse>;

  Wire(std::uint64_t seed, Scheduler& scheduler) : random_(seed), scheduler_(scheduler) {}
  void Connect(ControllerEnd& controller, SpuEnd& spu) {
    controller_ = &controller;
    spu_ = &spu;
  }

  // The SPU's side.
  void Open(spu::LinkStreamId link);
  void SendToController(spu::LinkStreamId link, sc::v1::AttachRequest message);
  void CloseBySpu(spu::LinkStreamId link);
  void SpuDied(bool seen);
  // The controller's side.
  void SendToSpu(sc::StreamId stream, sc::v1::AttachResponse message);
  void CloseByController(sc::StreamId stream);
  void ControllerDied(bool seen);

  // The world's side. Times: until when.
  void CutAll(bool controller_sees_it);
  void Noise(base::MonotonicTime until) { noise_until_ = until; }
  void Slow(base::MonotonicTime until) { slow_until_ = until; }
  void BlockToController(base::MonotonicTime until) { deaf_controller_until_ = until; }
  void BlockToSpu(base::MonotonicTime until) { deaf_spu_until_ = until; }
  // A message of the past: on the live stream, or on one that nobody listens to.
  void Inject(Request message, bool new_stream);
  void Calm();

  const std::deque<Request>& past() const { return past_; }
  const std::deque<Request>& past_hellos() const { return past_hellos_; }
  std::uint64_t lost() const { return lost_; }
  std::uint64_t repeated() const { return repeated_; }
  std::uint64_t overtaken() const { return overtaken_; }

 private:
  struct Stream {
    sc::StreamId id;
    spu::LinkStreamId link;  // 0: nobody listens
    bool spu_end = true;
    bool controller_end = true;
    base::MonotonicTime last_to_controller;
    base::MonotonicTime last_to_spu;
  };
  using StreamPtr = std::shared_ptr<Stream>;

  StreamPtr OpenStream(spu::LinkStreamId link);
  StreamPtr FindByLink(spu::LinkStreamId link) const;
  // When it arrives; moves `last` on, unless it overtakes.
  base::MonotonicTime ArrivalTime(base::MonotonicTime deaf_until, base::MonotonicTime& last);
  // 0: it is lost; 2: it comes twice.
  int CopiesThatArrive();
  bool Noisy() const { return scheduler_.now() < noise_until_; }
  void DeliverToController(const StreamPtr& stream, const Request& message);
  void DeliverToSpu(const StreamPtr& stream, const Response& message);
  void TellController(const StreamPtr& stream, base::Duration within);
  void TellSpu(const StreamPtr& stream, base::Duration within);
  void Forget();

  Random random_;
  Scheduler& scheduler_;
  ControllerEnd* controller_ = nullptr;
  SpuEnd* spu_ = nullptr;
  std::map<std::uint64_t, StreamPtr> streams_;
  std::uint64_t newest_stream_ = 0;
  base::MonotonicTime noise_until_;
  base::MonotonicTime slow_until_;
  base::MonotonicTime deaf_controller_until_;
  base::MonotonicTime deaf_spu_until_;
  std::deque<Request> past_;
  std::deque<Request> past_hellos_;
  std::uint64_t lost_ = 0;
  std::uint64_t repeated_ = 0;
  std::uint64_t overtaken_ = 0;
};

}  // namespace tidemark::simulation
