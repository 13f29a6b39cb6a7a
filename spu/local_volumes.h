// The volumes, as an operator sees and changes them.
//
// A hold or a release is answered when a record is durable that was decided after it. Several may
// be in one record; then the last of them is what the record says, and the others are told so.
// A release waits for a reading that began after it: a volume at rest is looked at every 5 s, and
// may have been filled since.
//
// Threading: confined to the loop.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "daemon/loop/event_loop.h"
#include "daemon/loop/timer.h"
#include "spu/volume/volume_set.h"
#include "spu/volume_host.h"

namespace tidemark::spu {

class LocalVolumes final : public VolumeHost {
 public:
  LocalVolumes(daemon::EventLoop& loop, const VolumeSet& volumes, std::string spu_id)
      : loop_(loop),
        volumes_(volumes),
        spu_id_(std::move(spu_id)),
        look_again_(loop, [this] { LookAgain(); }) {}

  std::string SpuId() const override { return spu_id_; }
  std::vector<tidemark::space::v1::Volume> ListVolumes() const override;
  void Explain(const std::string& selector, Explained done) override;
  absl::StatusOr<tidemark::space::v1::PlanReclaimResponse> PlanReclaim(
      const std::string& selector) const override;
  void Reclaim(const std::string& selector, Reclaimed done) override;
  void Hold(const std::string& selector, const std::string& who, const std::string& why,
            Changed done) override;
  void Release(const std::string& selector, const std::string& who, Changed done) override;

  // A hold or release that is not durable by then is answered with UNAVAILABLE.
  void set_deadline(base::Duration deadline) { deadline_ = deadline; }

  // Answers those whose change is durable now.
  void OnVolumeChanged(const base::Uuid& volume);

 private:
  struct Wish {
    bool held = false;
    std::string who;
    std::string why;  // of a hold

    std::string ToString() const;
    bool operator==(const Wish&) const = default;
  };
  struct WaitingChange {
    std::uint64_t number = 0;
    base::Uuid volume;
    Wish wish;
    base::MonotonicTime asked_at;
    // The change is in every record after this one, and in none before. Unset: it has still to be
    // told to the volume.
    std::optional<base::Generation> newest_before;
    std::unique_ptr<daemon::Timer> deadline;
    Changed done;
  };

  void Change(const std::string& selector, Wish wish, Changed done);
  // Those that wait to be told and may be: all of them, or those with a reading after them.
  void TellWaiting(Volume& volume, bool all);
  // The reading that was under way when a release came is none after it: asks for the next.
  void LookAgain();
  void GiveUp(std::uint64_t number);

  daemon::EventLoop& loop_;
  const VolumeSet& volumes_;
  const std::string spu_id_;
  base::Duration deadline_ = std::chrono::seconds(5);
  std::uint64_t changes_ = 0;
  std::vector<WaitingChange> waiting_;  // in the order of their calls
  daemon::Timer look_again_;
};

}  // namespace tidemark::spu
