#include "daemon/grpc_health_publisher.h"

#include <utility>

namespace tidemark::daemon {

std::vector<std::string> GrpcHealthPublisher::Services() {
  return {"liveness", "readiness", "startup"};
}

GrpcHealthPublisher::GrpcHealthPublisher(GrpcServer& server,
                                         std::shared_ptr<const HealthRegistry> health,
                                         base::Duration interval)
    : server_(server), health_(std::move(health)), interval_(interval) {
  thread_ = std::thread([this] {
    for (;;) {
      Publish();
      base::MutexLock lock(mutex_);
      if (!stopping_) stopped_.WaitFor(mutex_, interval_);
      if (stopping_) return;
    }
  });
}

GrpcHealthPublisher::~GrpcHealthPublisher() {
  {
    base::MutexLock lock(mutex_);
    stopping_ = true;
    stopped_.NotifyAll();
  }
  thread_.join();
}

void GrpcHealthPublisher::Publish() {
  const bool ready = health_->Ok(HealthQuestion::kReady);
  server_.SetServing("liveness", health_->Ok(HealthQuestion::kLive));
  server_.SetServing("readiness", ready);
  server_.SetServing("startup", health_->Ok(HealthQuestion::kStarted));
  server_.SetServing("", ready);
}

}  // namespace tidemark::daemon
