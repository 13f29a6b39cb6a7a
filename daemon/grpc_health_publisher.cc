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
      if (!stopping_ && !refresh_) wake_.WaitFor(mutex_, interval_);
      if (stopping_) return;
      refresh_ = false;
    }
  });
}

GrpcHealthPublisher::~GrpcHealthPublisher() {
  {
    base::MutexLock lock(mutex_);
    stopping_ = true;
    wake_.NotifyAll();
  }
  thread_.join();
}

void GrpcHealthPublisher::Refresh() {
  base::MutexLock lock(mutex_);
  refresh_ = true;
  wake_.NotifyAll();
}

void GrpcHealthPublisher::Publish() {
  const bool ready = health_->Ok(HealthQuestion::kReady);
  server_.SetServing("liveness", health_->Ok(HealthQuestion::kLive));
  server_.SetServing("readiness", ready);
  server_.SetServing("startup", health_->Ok(HealthQuestion::kStarted));
  server_.SetServing("", ready);
}

}  // namespace tidemark::daemon
