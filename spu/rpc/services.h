// The gRPC services of an SPU. The only place in spu/ that knows the generated services.
//
// Lifetime:  outlives the server it is registered with; the hosts outlive it.
// Threading: gRPC calls in on its threads; everything is handed to the loop.
#pragma once

#include <memory>
#include <vector>

#include "daemon/loop/event_loop.h"
#include "spu/partition_host.h"
#include "spu/volume_host.h"

namespace grpc {
class Service;
}  // namespace grpc

namespace tidemark::spu {

class Services {
 public:
  Services(daemon::EventLoop& loop, PartitionHost& partitions, VolumeHost& volumes);
  ~Services();

  std::vector<grpc::Service*> all() const;
  // Ends all streams: what is outstanding is answered first. On the loop.
  void Drain();
  std::size_t streams() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace tidemark::spu
