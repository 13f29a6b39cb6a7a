// The controller's gRPC services, as tidemark/sc/v1/{control,admin}.proto say.
//
// Lifetime:  outlives the server it is given to; the controller outlives it.
// Threading: gRPC's threads; every call is answered from the loop.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "daemon/loop/event_loop.h"
#include "sc/controller.h"

namespace grpc {
class Service;
}  // namespace grpc

namespace tidemark::sc {

class Services {
 public:
  Services(daemon::EventLoop& loop, Controller& controller);
  ~Services();
  Services(const Services&) = delete;
  Services& operator=(const Services&) = delete;

  std::vector<grpc::Service*> all() const;
  // Full names, for grpc.health.v1.
  static std::vector<std::string> HealthNames();

 private:
  std::vector<std::unique_ptr<grpc::Service>> services_;
};

}  // namespace tidemark::sc
