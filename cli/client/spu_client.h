// One SPU as a person or a client program asks it: its volumes and its partitions.
//
// Threading: any thread; calls block up to their deadline.
// Errors:    kUnavailable if the SPU cannot be reached, kDeadlineExceeded if it does not answer;
//            otherwise what the SPU said, with its Refusal where it gave one (rpc_status.h).
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "base/clock.h"
#include "cli/client/controller_client.h"
#include "tidemark/log/v1/log.pb.h"
#include "tidemark/space/v1/volume_service.pb.h"

namespace tidemark::client {

class SpuClient {
 public:
  explicit SpuClient(std::string endpoint, base::Duration deadline = kCallDeadline);
  ~SpuClient();

  // `volume`: uuid, a unique prefix of it, or the path. Empty: the only one there is.
  absl::StatusOr<space::v1::ListVolumesResponse> ListVolumes() const;
  absl::StatusOr<space::v1::Explanation> Explain(const std::string& volume) const;
  absl::StatusOr<space::v1::PlanReclaimResponse> PlanReclaim(const std::string& volume) const;
  absl::StatusOr<space::v1::ReclaimResponse> Reclaim(const std::string& volume) const;
  absl::StatusOr<space::v1::HoldVolumeResponse> Hold(const std::string& volume,
                                                     const std::string& who,
                                                     const std::string& why) const;
  absl::StatusOr<space::v1::ReleaseVolumeResponse> Release(const std::string& volume,
                                                           const std::string& who) const;

  absl::StatusOr<log::v1::TrimResponse> Trim(std::uint64_t partition_id,
                                             std::int64_t before_offset) const;
  absl::StatusOr<log::v1::ListOffsetsResponse> ListOffsets(
      const log::v1::ListOffsetsRequest& request) const;
  // What the SPU holds itself, for when the SC is away.
  absl::StatusOr<log::v1::ListLocalPartitionsResponse> ListLocalPartitions() const;

  const std::string& endpoint() const;

 private:
  struct Stubs;
  std::unique_ptr<Stubs> stubs_;
};

}  // namespace tidemark::client
