#include "tests/cli/fake/fake_controller.h"

#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

#include "daemon/rpc_error.h"
#include "tidemark/sc/v1/admin.grpc.pb.h"

namespace tidemark::cli {

using grpc::ServerContext;
using grpc::Status;
using namespace sc::v1;  // NOLINT(google-build-using-namespace): request and response names

struct FakeController::Services final : TopicService::Service,
                                        PartitionService::Service,
                                        SpuService::Service,
                                        EventService::Service {
  explicit Services(FakeController& owner) : fake(owner) {
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
    builder.RegisterService(static_cast<TopicService::Service*>(this));
    builder.RegisterService(static_cast<PartitionService::Service*>(this));
    builder.RegisterService(static_cast<SpuService::Service*>(this));
    builder.RegisterService(static_cast<EventService::Service*>(this));
    server = builder.BuildAndStart();
  }
  ~Services() override { server->Shutdown(std::chrono::system_clock::now()); }

  Status CreateTopic(ServerContext*, const CreateTopicRequest* request,
                     CreateTopicResponse* response) override {
    fake.created = *request;
    if (!fake.create_answer.ok()) return daemon::ToGrpc(fake.create_answer);
    response->mutable_topic()->set_name(request->name());
    for (int i = 0; i < request->partitions(); ++i) {
      Partition& partition = *response->add_partitions();
      partition.set_topic(request->name());
      partition.set_index(i);
      partition.set_status(PARTITION_STATUS_OFFLINE);
    }
    return Status::OK;
  }
  Status ListTopics(ServerContext*, const ListTopicsRequest*,
                    ListTopicsResponse* response) override {
    *response = fake.topics;
    return Status::OK;
  }
  Status DeleteTopic(ServerContext*, const DeleteTopicRequest* request,
                     DeleteTopicResponse* response) override {
    for (const Topic& topic : fake.topics.topics()) {
      if (topic.name() != request->name()) continue;
      response->set_partitions(topic.partitions());
      return Status::OK;
    }
    return Status(grpc::StatusCode::NOT_FOUND, "no such topic");
  }
  Status ListPartitions(ServerContext*, const ListPartitionsRequest* request,
                        ListPartitionsResponse* response) override {
    for (const Partition& partition : fake.partitions.partitions()) {
      if (request->topic().empty() || request->topic() == partition.topic()) {
        *response->add_partitions() = partition;
      }
    }
    return Status::OK;
  }
  Status WatchPartitions(ServerContext*, const WatchPartitionsRequest*,
                         grpc::ServerWriter<WatchPartitionsResponse>* writer) override {
    for (const auto& change : fake.partition_changes) writer->Write(change);
    return Status::OK;
  }
  Status ListSpus(ServerContext*, const ListSpusRequest*, ListSpusResponse* response) override {
    *response = fake.spus;
    return Status::OK;
  }
  Status ListEvents(ServerContext*, const ListEventsRequest* request,
                    ListEventsResponse* response) override {
    fake.listed_events = *request;
    *response = fake.events;
    return Status::OK;
  }
  Status WatchEvents(ServerContext*, const WatchEventsRequest*,
                     grpc::ServerWriter<WatchEventsResponse>* writer) override {
    for (const auto& more : fake.more_events) writer->Write(more);
    return Status::OK;
  }

  FakeController& fake;
  int port = 0;
  std::unique_ptr<grpc::Server> server;
};

FakeController::FakeController() : services_(std::make_unique<Services>(*this)) {}
FakeController::~FakeController() = default;

std::string FakeController::endpoint() const {
  return "127.0.0.1:" + std::to_string(services_->port);
}

}  // namespace tidemark::cli
