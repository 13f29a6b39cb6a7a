// The volumes, as an operator sees and changes them.
//
// Threading: confined to the loop.
#pragma once

#include <string>
#include <vector>

#include "daemon/loop/event_loop.h"
#include "spu/volume/volume_set.h"
#include "spu/volume_host.h"

namespace tidemark::spu {

class LocalVolumes final : public VolumeHost {
 public:
  LocalVolumes(daemon::EventLoop& loop, const VolumeSet& volumes, std::string spu_id)
      : loop_(loop), volumes_(volumes), spu_id_(std::move(spu_id)) {}

  std::string SpuId() const override { return spu_id_; }
  std::vector<tidemark::space::v1::Volume> ListVolumes() const override;
  void Explain(const std::string& selector, Explained done) override;
  absl::StatusOr<tidemark::space::v1::PlanReclaimResponse> PlanReclaim(
      const std::string& selector) const override;
  void Reclaim(const std::string& selector, Reclaimed done) override;
  void Hold(const std::string& selector, const std::string& who, const std::string& why,
            Changed done) override;
  void Release(const std::string& selector, const std::string& who, Changed done) override;

  // Answers those whose change is durable now.
  void OnVolumeChanged(const base::Uuid& volume);

 private:
  struct WaitingChange {
    base::Uuid volume;
    bool held;
    Changed done;
  };
  void Change(const std::string& selector, const monitor::SpaceEvent& event, bool held,
              Changed done);

  daemon::EventLoop& loop_;
  const VolumeSet& volumes_;
  const std::string spu_id_;
  std::vector<WaitingChange> waiting_;
};

}  // namespace tidemark::spu
