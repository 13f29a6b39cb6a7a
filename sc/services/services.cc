#include "sc/services/services.h"

#include <utility>

#include "daemon/loop_unary.h"
#include "sc/core/view.h"
#include "sc/services/control_stream.h"
#include "sc/services/event_watch.h"
#include "sc/services/partition_watch.h"
#include "tidemark/sc/v1/admin.grpc.pb.h"
#include "tidemark/sc/v1/control.grpc.pb.h"

namespace tidemark::sc {
namespace {

using daemon::EventLoop;
using daemon::OnLoop;
using daemon::UnaryDone;
using grpc::CallbackServerContext;
using grpc::ServerUnaryReactor;

// Fills in the response of a call that is answered later.
template <typename Response>
auto Answer(Response* response, UnaryDone done) {
  return [response, done = std::move(done)](absl::StatusOr<Response> result) mutable {
    if (result.ok()) *response = *std::move(result);
    done(result.status());
  };
}

class ControlRpc final : public v1::ControlService::CallbackService {
 public:
  ControlRpc(EventLoop& loop, Controller& controller) : loop_(loop), controller_(controller) {}

  grpc::ServerBidiReactor<v1::AttachRequest, v1::AttachResponse>* Attach(
      CallbackServerContext* context) override {
    return daemon::OpenStream<ControlStream>(loop_, controller_, context);
  }

 private:
  EventLoop& loop_;
  Controller& controller_;
};

class TopicRpc final : public v1::TopicService::CallbackService {
 public:
  TopicRpc(EventLoop& loop, Controller& controller) : loop_(loop), controller_(controller) {}

  ServerUnaryReactor* CreateTopic(CallbackServerContext* context,
                                  const v1::CreateTopicRequest* request,
                                  v1::CreateTopicResponse* response) override {
    return OnLoop(loop_, context, [this, request, response](UnaryDone done) {
      controller_.CreateTopic(*request, Answer(response, std::move(done)));
    });
  }

  ServerUnaryReactor* ListTopics(CallbackServerContext* context, const v1::ListTopicsRequest*,
                                 v1::ListTopicsResponse* response) override {
    return OnLoop(loop_, context, [this, response](UnaryDone done) {
      for (v1::Topic& topic : controller_.topics().Topics()) {
        *response->add_topics() = std::move(topic);
      }
      done(absl::OkStatus());
    });
  }

  ServerUnaryReactor* DeleteTopic(CallbackServerContext* context,
                                  const v1::DeleteTopicRequest* request,
                                  v1::DeleteTopicResponse* response) override {
    return OnLoop(loop_, context, [this, request, response](UnaryDone done) {
      controller_.DeleteTopic(*request, Answer(response, std::move(done)));
    });
  }

 private:
  EventLoop& loop_;
  Controller& controller_;
};

class PartitionRpc final : public v1::PartitionService::CallbackService {
 public:
  PartitionRpc(EventLoop& loop, Controller& controller) : loop_(loop), controller_(controller) {}

  ServerUnaryReactor* ListPartitions(CallbackServerContext* context,
                                     const v1::ListPartitionsRequest* request,
                                     v1::ListPartitionsResponse* response) override {
    return OnLoop(loop_, context, [this, request, response](UnaryDone done) {
      for (v1::Partition& partition :
           ViewPartitions(controller_.core(), controller_.topics(), request->topic())) {
        *response->add_partitions() = std::move(partition);
      }
      done(absl::OkStatus());
    });
  }

  grpc::ServerWriteReactor<v1::WatchPartitionsResponse>* WatchPartitions(
      CallbackServerContext*, const v1::WatchPartitionsRequest* request) override {
    return daemon::OpenStream<PartitionWatch>(loop_, controller_, request->topic());
  }

 private:
  EventLoop& loop_;
  Controller& controller_;
};

class SpuRpc final : public v1::SpuService::CallbackService {
 public:
  SpuRpc(EventLoop& loop, Controller& controller) : loop_(loop), controller_(controller) {}

  ServerUnaryReactor* ListSpus(CallbackServerContext* context, const v1::ListSpusRequest*,
                               v1::ListSpusResponse* response) override {
    return OnLoop(loop_, context, [this, response](UnaryDone done) {
      for (v1::Spu& spu : ViewSpus(controller_.core(), controller_.topics(), controller_.Now())) {
        *response->add_spus() = std::move(spu);
      }
      response->set_cluster_id(controller_.core().cluster().cluster_id.ToBytes());
      response->set_store_epoch(controller_.core().cluster().store_epoch);
      if (const auto problem = controller_.StoreProblem()) {
        response->mutable_store_problem()->set_why(*problem);
      }
      done(absl::OkStatus());
    });
  }

  ServerUnaryReactor* ReplaceSpu(CallbackServerContext* context,
                                 const v1::ReplaceSpuRequest* request,
                                 v1::ReplaceSpuResponse* response) override {
    return OnLoop(loop_, context, [this, request, response](UnaryDone done) {
      controller_.ReplaceSpu(*request, Answer(response, std::move(done)));
    });
  }

 private:
  EventLoop& loop_;
  Controller& controller_;
};

class EventRpc final : public v1::EventService::CallbackService {
 public:
  EventRpc(EventLoop& loop, Controller& controller) : loop_(loop), controller_(controller) {}

  ServerUnaryReactor* ListEvents(CallbackServerContext* context,
                                 const v1::ListEventsRequest* request,
                                 v1::ListEventsResponse* response) override {
    return OnLoop(loop_, context, [this, request, response](UnaryDone done) {
      const EventQuery query{.contains = request->contains(),
                             .limit = request->limit(),
                             .after_number = request->after_number(),
                             .before_number = request->before_number(),
                             .since_unix_ms = request->since_unix_ms(),
                             .until_unix_ms = request->until_unix_ms()};
      controller_.ListEvents(query, [response, done = std::move(done)](
                                        absl::StatusOr<std::vector<EventRecord>> events) mutable {
        if (events.ok()) {
          for (EventRecord& event : *events) *response->add_events() = std::move(event);
        }
        done(events.status());
      });
    });
  }

  grpc::ServerWriteReactor<v1::WatchEventsResponse>* WatchEvents(
      CallbackServerContext*, const v1::WatchEventsRequest* request) override {
    return daemon::OpenStream<EventWatch>(loop_, controller_, request->after_number());
  }

 private:
  EventLoop& loop_;
  Controller& controller_;
};

}  // namespace

Services::Services(EventLoop& loop, Controller& controller) {
  services_.push_back(std::make_unique<ControlRpc>(loop, controller));
  services_.push_back(std::make_unique<TopicRpc>(loop, controller));
  services_.push_back(std::make_unique<PartitionRpc>(loop, controller));
  services_.push_back(std::make_unique<SpuRpc>(loop, controller));
  services_.push_back(std::make_unique<EventRpc>(loop, controller));
}

Services::~Services() = default;

std::vector<grpc::Service*> Services::all() const {
  std::vector<grpc::Service*> all;
  for (const auto& service : services_) all.push_back(service.get());
  return all;
}

std::vector<std::string> Services::HealthNames() {
  return {v1::ControlService::service_full_name(), v1::TopicService::service_full_name(),
          v1::PartitionService::service_full_name(), v1::SpuService::service_full_name(),
          v1::EventService::service_full_name()};
}

}  // namespace tidemark::sc
