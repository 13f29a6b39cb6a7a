// Keeps grpc.health.v1's `liveness`, `readiness`, `startup` and `""` (as readiness) equal to the
// HTTP answers, from a thread of its own, so that a stuck loop shows there too.
//
// Lifetime:  destroyed before the server it publishes to.
// Threading: owner's thread; Refresh() from any.
#pragma once

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
#include "daemon/grpc_server.h"
#include "daemon/health.h"

namespace tidemark::daemon {

class GrpcHealthPublisher {
 public:
  // For GrpcServerOptions::health_services.
  static std::vector<std::string> Services();  // "liveness", "readiness", "startup"

  GrpcHealthPublisher(GrpcServer& server, std::shared_ptr<const HealthRegistry> health,
                      base::Duration interval);
  ~GrpcHealthPublisher();

  // Something is known to have changed: publish now, not when the interval is over.
  void Refresh();

 private:
  void Publish();

  GrpcServer& server_;
  const std::shared_ptr<const HealthRegistry> health_;
  const base::Duration interval_;
  base::Mutex mutex_;
  base::CondVar wake_;
  bool stopping_ TM_GUARDED_BY(mutex_) = false;
  bool refresh_ TM_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace tidemark::daemon
