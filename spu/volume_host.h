// What an operator may ask of the volumes on this SPU.
//
// The seam between VolumeService and the loop.
//
// Threading: every call and every callback on the loop.
// Errors:    kNotFound / kInvalidArgument for a selector that names no or several volumes, with
// what
//            there is; otherwise what the volume says.
#pragma once

#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "base/ids.h"
#include "tidemark/space/v1/volume_service.pb.h"

namespace tidemark::spu {

class VolumeHost {
 public:
  using Explained = absl::AnyInvocable<void(absl::StatusOr<tidemark::space::v1::Explanation>)>;
  using Reclaimed = absl::AnyInvocable<void(absl::StatusOr<tidemark::space::v1::ReclaimResponse>)>;
  using Changed = absl::AnyInvocable<void(absl::StatusOr<base::Generation>)>;

  virtual ~VolumeHost() = default;

  virtual std::string SpuId() const = 0;
  virtual std::vector<tidemark::space::v1::Volume> ListVolumes() const = 0;
  // `selector`: a UUID, a unique prefix of one, a path, or empty for the only one.
  virtual void Explain(const std::string& selector, Explained done) = 0;
  virtual absl::StatusOr<tidemark::space::v1::PlanReclaimResponse> PlanReclaim(
      const std::string& selector) const = 0;
  virtual void Reclaim(const std::string& selector, Reclaimed done) = 0;
  // `done` when the hold is durable.
  virtual void Hold(const std::string& selector, const std::string& who, const std::string& why,
                    Changed done) = 0;
  virtual void Release(const std::string& selector, const std::string& who, Changed done) = 0;
};

}  // namespace tidemark::spu
