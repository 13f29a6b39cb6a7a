#include "cli/client/spu_client.h"

#include <grpcpp/channel.h>

#include <utility>

#include "base/status_macros.h"
#include "cli/client/unary_call.h"
#include "daemon/grpc_channel.h"
#include "tidemark/log/v1/log.grpc.pb.h"
#include "tidemark/space/v1/volume_service.grpc.pb.h"

namespace tidemark::client {

using log::v1::LogService;
using space::v1::VolumeService;

struct SpuClient::Stubs {
  Stubs(std::string endpoint, base::Duration call_deadline)
      : peer{"SPU", std::move(endpoint), "is tidemark-spu running there?"},
        deadline(call_deadline),
        channel(daemon::NewChannel(peer.endpoint)),
        volumes(channel),
        log(channel) {}

  Peer peer;
  base::Duration deadline;
  std::shared_ptr<grpc::Channel> channel;
  VolumeService::Stub volumes;
  LogService::Stub log;
};

SpuClient::SpuClient(std::string endpoint, base::Duration deadline)
    : stubs_(std::make_unique<Stubs>(std::move(endpoint), deadline)) {}
SpuClient::~SpuClient() = default;

const std::string& SpuClient::endpoint() const { return stubs_->peer.endpoint; }

absl::StatusOr<space::v1::ListVolumesResponse> SpuClient::ListVolumes() const {
  return UnaryCall(stubs_->volumes, &VolumeService::Stub::ListVolumes,
                   space::v1::ListVolumesRequest(), stubs_->deadline, stubs_->peer);
}

absl::StatusOr<space::v1::Explanation> SpuClient::Explain(const std::string& volume) const {
  space::v1::ExplainVolumeRequest request;
  request.set_volume(volume);
  TM_ASSIGN_OR_RETURN(auto response, UnaryCall(stubs_->volumes, &VolumeService::Stub::ExplainVolume,
                                               request, stubs_->deadline, stubs_->peer));
  return std::move(*response.mutable_explanation());
}

absl::StatusOr<space::v1::PlanReclaimResponse> SpuClient::PlanReclaim(
    const std::string& volume) const {
  space::v1::PlanReclaimRequest request;
  request.set_volume(volume);
  return UnaryCall(stubs_->volumes, &VolumeService::Stub::PlanReclaim, request, stubs_->deadline,
                   stubs_->peer);
}

absl::StatusOr<space::v1::ReclaimResponse> SpuClient::Reclaim(const std::string& volume) const {
  space::v1::ReclaimRequest request;
  request.set_volume(volume);
  return UnaryCall(stubs_->volumes, &VolumeService::Stub::Reclaim, request, stubs_->deadline,
                   stubs_->peer);
}

absl::StatusOr<space::v1::HoldVolumeResponse> SpuClient::Hold(const std::string& volume,
                                                              const std::string& who,
                                                              const std::string& why) const {
  space::v1::HoldVolumeRequest request;
  request.set_volume(volume);
  request.set_who(who);
  request.set_why(why);
  return UnaryCall(stubs_->volumes, &VolumeService::Stub::HoldVolume, request, stubs_->deadline,
                   stubs_->peer);
}

absl::StatusOr<space::v1::ReleaseVolumeResponse> SpuClient::Release(const std::string& volume,
                                                                    const std::string& who) const {
  space::v1::ReleaseVolumeRequest request;
  request.set_volume(volume);
  request.set_who(who);
  return UnaryCall(stubs_->volumes, &VolumeService::Stub::ReleaseVolume, request, stubs_->deadline,
                   stubs_->peer);
}

absl::StatusOr<log::v1::TrimResponse> SpuClient::Trim(std::uint64_t partition_id,
                                                      std::int64_t before_offset) const {
  log::v1::TrimRequest request;
  request.set_partition_id(partition_id);
  request.set_before_offset(before_offset);
  return UnaryCall(stubs_->log, &LogService::Stub::Trim, request, stubs_->deadline, stubs_->peer);
}

absl::StatusOr<log::v1::ListOffsetsResponse> SpuClient::ListOffsets(
    const log::v1::ListOffsetsRequest& request) const {
  return UnaryCall(stubs_->log, &LogService::Stub::ListOffsets, request, stubs_->deadline,
                   stubs_->peer);
}

absl::StatusOr<log::v1::ListLocalPartitionsResponse> SpuClient::ListLocalPartitions() const {
  return UnaryCall(stubs_->log, &LogService::Stub::ListLocalPartitions,
                   log::v1::ListLocalPartitionsRequest(), stubs_->deadline, stubs_->peer);
}

}  // namespace tidemark::client
