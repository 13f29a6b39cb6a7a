#include "cli/client/controller_client.h"

#include <grpcpp/channel.h>

#include <utility>

#include "cli/client/unary_call.h"
#include "daemon/grpc_channel.h"
#include "tidemark/sc/v1/admin.grpc.pb.h"

namespace tidemark::client {

using namespace sc::v1;  // NOLINT(google-build-using-namespace): request and response names

struct ControllerClient::Stubs {
  Stubs(std::string endpoint, base::Duration call_deadline)
      : peer{"SC", std::move(endpoint),
             "is tidemark-sc running? --sc or TIDEMARK_SC; an SPU answers by itself: "
             "tidemark --spu ADDRESS volume explain"},
        deadline(call_deadline),
        channel(daemon::NewChannel(peer.endpoint)),
        topics(channel),
        partitions(channel),
        spus(channel),
        events(channel) {}

  Peer peer;
  base::Duration deadline;
  std::shared_ptr<grpc::Channel> channel;
  // Mutable: a call does not change what a client is, but gRPC's stubs are not const.
  mutable TopicService::Stub topics;
  mutable PartitionService::Stub partitions;
  mutable SpuService::Stub spus;
  mutable EventService::Stub events;
};

ControllerClient::ControllerClient(std::string endpoint, base::Duration deadline)
    : stubs_(std::make_unique<Stubs>(std::move(endpoint), deadline)) {}
ControllerClient::~ControllerClient() = default;

const std::string& ControllerClient::endpoint() const { return stubs_->peer.endpoint; }

absl::StatusOr<CreateTopicResponse> ControllerClient::CreateTopic(
    const CreateTopicRequest& request) const {
  return UnaryCall(stubs_->topics, &TopicService::Stub::CreateTopic, request, stubs_->deadline,
                   stubs_->peer);
}

absl::StatusOr<ListTopicsResponse> ControllerClient::ListTopics() const {
  return UnaryCall(stubs_->topics, &TopicService::Stub::ListTopics, ListTopicsRequest(),
                   stubs_->deadline, stubs_->peer);
}

absl::StatusOr<DeleteTopicResponse> ControllerClient::DeleteTopic(const std::string& name) const {
  DeleteTopicRequest request;
  request.set_name(name);
  return UnaryCall(stubs_->topics, &TopicService::Stub::DeleteTopic, request, stubs_->deadline,
                   stubs_->peer);
}

absl::StatusOr<ListPartitionsResponse> ControllerClient::ListPartitions(
    const std::string& topic) const {
  ListPartitionsRequest request;
  request.set_topic(topic);
  return UnaryCall(stubs_->partitions, &PartitionService::Stub::ListPartitions, request,
                   stubs_->deadline, stubs_->peer);
}

absl::StatusOr<ListSpusResponse> ControllerClient::ListSpus() const {
  return UnaryCall(stubs_->spus, &SpuService::Stub::ListSpus, ListSpusRequest(), stubs_->deadline,
                   stubs_->peer);
}

absl::StatusOr<ReplaceSpuResponse> ControllerClient::ReplaceSpu(const std::string& spu_id) const {
  ReplaceSpuRequest request;
  request.set_spu_id(spu_id);
  return UnaryCall(stubs_->spus, &SpuService::Stub::ReplaceSpu, request, stubs_->deadline,
                   stubs_->peer);
}

absl::StatusOr<ListEventsResponse> ControllerClient::ListEvents(
    const ListEventsRequest& request) const {
  return UnaryCall(stubs_->events, &EventService::Stub::ListEvents, request, stubs_->deadline,
                   stubs_->peer);
}

namespace {

// Reads a server stream until the callback has enough, a stop is asked for or the server ends it.
template <typename Response, typename Open>
absl::Status ReadStream(Open open, std::stop_token stop, const Peer& peer,
                        const std::function<bool(const Response&)>& on_message) {
  grpc::ClientContext context;
  const auto reader = open(context);
  const std::stop_callback cancel(stop, [&context] { context.TryCancel(); });
  bool enough = false;
  Response response;
  while (!enough && reader->Read(&response)) enough = !on_message(response);
  if (enough) context.TryCancel();
  const grpc::Status status = reader->Finish();
  if (enough || stop.stop_requested()) return absl::OkStatus();
  if (status.ok()) {
    return absl::UnavailableError(peer.name + " at " + peer.endpoint + " ended the stream");
  }
  return StatusOf(status, context, peer);
}

}  // namespace

absl::Status ControllerClient::WatchPartitions(
    const std::string& topic, std::stop_token stop,
    const std::function<bool(const WatchPartitionsResponse&)>& on_change) const {
  WatchPartitionsRequest request;
  request.set_topic(topic);
  return ReadStream<WatchPartitionsResponse>(
      [&](grpc::ClientContext& context) {
        return stubs_->partitions.WatchPartitions(&context, request);
      },
      stop, stubs_->peer, on_change);
}

absl::Status ControllerClient::WatchEvents(
    std::uint64_t after_number, std::stop_token stop,
    const std::function<bool(const WatchEventsResponse&)>& on_events) const {
  WatchEventsRequest request;
  request.set_after_number(after_number);
  return ReadStream<WatchEventsResponse>(
      [&](grpc::ClientContext& context) { return stubs_->events.WatchEvents(&context, request); },
      stop, stubs_->peer, on_events);
}

}  // namespace tidemark::client
