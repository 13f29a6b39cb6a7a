// What goes wrong in the world: each kind of fault, carried out.
#include <algorithm>
#include <cerrno>
#include <memory>
#include <utility>

#include "tests/simulation/world.h"

namespace tidemark::simulation {
namespace {

namespace event = monitor::event;
using std::chrono::milliseconds;
using std::chrono::seconds;

}  // namespace

base::MonotonicTime World::Until(const Fault& fault, base::Duration longest) const {
  Random random(fault.amount);
  return scheduler_.now() + random.Within(longest);
}

void World::Apply(const Fault& fault) {
  const bool fired = ApplyToWire(fault) || ApplyToController(fault) || ApplyToSpu(fault) ||
                     ApplyToSpace(fault) || ApplyToDisk(fault) || ApplyToSlots(fault) ||
                     ApplyByPeople(fault);
  if (fired) ++outcome_.fired[static_cast<std::size_t>(fault.kind)];
  if (story_) story_(DescribeFault(fault) + (fired ? "" : "   (nothing to break)"));
}

bool World::ApplyToWire(const Fault& fault) {
  switch (fault.kind) {
    case FaultKind::kCut:
      wire_.CutAll(true);
      return true;
    case FaultKind::kHalfOpen:
      wire_.CutAll(false);
      return true;
    case FaultKind::kNoise:
      wire_.Noise(Until(fault, seconds(6)));
      return true;
    case FaultKind::kSlowWire:
      wire_.Slow(Until(fault, seconds(5)));
      return true;
    case FaultKind::kDeafController:
      wire_.BlockToController(Until(fault, seconds(8)));
      return true;
    case FaultKind::kDeafSpu:
      wire_.BlockToSpu(Until(fault, seconds(8)));
      return true;
    case FaultKind::kReplay:
      if (wire_.past().empty() || !controller_.running()) return false;
      wire_.Inject(wire_.past()[fault.amount % wire_.past().size()], fault.amount % 3 == 0);
      return true;
    case FaultKind::kOldHello:
      if (wire_.past_hellos().empty() || !controller_.running()) return false;
      wire_.Inject(wire_.past_hellos()[fault.amount % wire_.past_hellos().size()], true);
      return true;
    case FaultKind::kClone: {
      if (wire_.past_hellos().empty() || !controller_.running()) return false;
      sc::v1::AttachRequest hello = *wire_.past_hellos().back();
      hello.mutable_hello()->set_boot_nonce(fault.amount);
      // A copied disk that was started once more than ours, or as often.
      hello.mutable_hello()->set_boot_count(spu_.boots() + fault.amount % 2);
      wire_.Inject(std::make_shared<const sc::v1::AttachRequest>(std::move(hello)), true);
      return true;
    }
    default:
      return false;
  }
}

bool World::ApplyToController(const Fault& fault) {
  switch (fault.kind) {
    case FaultKind::kKillController:
      if (!controller_.running()) return false;
      controller_.Kill(fault.amount % 3 != 0);
      RestartControllerSoon(fault);
      return true;
    case FaultKind::kDieBetween:
      if (!controller_.running()) return false;
      controller_.DieBetween(static_cast<int>(fault.amount % 12));
      scheduler_.After(seconds(2), Owner::kWorld, [this] { StartController(); });
      return true;
    case FaultKind::kStoreFails:
      controller_.FailStoreUntil(Until(fault, seconds(4)));
      return true;
    case FaultKind::kStoreHangs:
      controller_.HangStoreUntil(Until(fault, seconds(6)));
      return true;
    case FaultKind::kStopController:
      scheduler_.Pause(Owner::kController, Until(fault, seconds(8)));
      return true;
    default:
      return false;
  }
}

bool World::ApplyToSpu(const Fault& fault) {
  switch (fault.kind) {
    case FaultKind::kKillSpu:
    case FaultKind::kPowerCut:
      if (!spu_.running()) return false;
      spu_.Kill(fault.kind == FaultKind::kPowerCut, fault.amount % 2 != 0);
      RestartSpuSoon(fault);
      return true;
    case FaultKind::kDieAtCall:
      if (!spu_.running()) return false;
      spu_.volume(fault.volume).disk().DieAfter(static_cast<int>(fault.amount % 12));
      return true;
    case FaultKind::kStopSpu:
      scheduler_.Pause(Owner::kSpu, Until(fault, seconds(8)));
      return true;
    default:
      return false;
  }
}

// Who else uses the filesystem, and how much of it there is.
bool World::ApplyToSpace(const Fault& fault) {
  SimVolume& volume = spu_.volume(fault.volume);
  SimFileSystem& disk = volume.disk();
  Random random(fault.amount);
  switch (fault.kind) {
    case FaultKind::kForeignFills:
      return disk.ForeignTakes(disk.TrueAvailable() - random.Bytes(6 * base::kMiB)) > 0;
    case FaultKind::kForeignGives: {
      const std::int64_t had = disk.foreign_bytes();
      disk.ForeignGives(random.Bytes(48 * base::kMiB));
      return had > 0;
    }
    case FaultKind::kForeignSnatches:
      Snatch(fault.volume, Until(fault, seconds(4)), Random(fault.amount));
      return true;
    case FaultKind::kStealAtTaking:
      volume.StealAtTaking(random.Bytes(24 * base::kMiB));
      return true;
    case FaultKind::kInodesGone:
      disk.ForeignTakesInodes(disk.InodesAvailable() - random.Bytes(120));
      return true;
    case FaultKind::kInodesBack:
      disk.ForeignTakesInodes(-4096);
      return true;
    case FaultKind::kVolumeGrows:
      disk.Grow(random.Bytes(8 * base::kMiB));
      return true;
    case FaultKind::kLateFrees:
      disk.FreeLate(true);
      scheduler_.At(Until(fault, seconds(5)), Owner::kWorld, [&disk] {
        disk.FreeLate(false);
        disk.ReleaseLate();
      });
      return true;
    default:
      return false;
  }
}

bool World::ApplyToDisk(const Fault& fault) {
  SimVolume& volume = spu_.volume(fault.volume);
  SimFileSystem& disk = volume.disk();
  Random random(fault.amount);
  const auto be = [&](StatvfsMood mood, base::Duration longest) {
    disk.SetMood(mood);
    scheduler_.At(Until(fault, longest), Owner::kWorld, [&disk, mood] {
      if (disk.mood() == mood) disk.SetMood(StatvfsMood::kHonest);
    });
    return true;
  };
  switch (fault.kind) {
    case FaultKind::kStatvfsFails:
      return be(StatvfsMood::kFails, seconds(12));
    case FaultKind::kStatvfsAbsurd:
      return be(random.Chance(500) ? StatvfsMood::kAbsurd : StatvfsMood::kNoTotal, seconds(12));
    case FaultKind::kStatvfsFlatters:
      return be(StatvfsMood::kFlatters, seconds(8));
    case FaultKind::kStatvfsHangs:
      volume.HangReadingsUntil(Until(fault, seconds(12)));
      return true;
    case FaultKind::kOtherDisk:
      return be(StatvfsMood::kElsewhere, seconds(2));
    case FaultKind::kReadOnly:
      return be(StatvfsMood::kReadOnly, seconds(2));
    case FaultKind::kSyncFails:
      disk.FailNextSync();
      return true;
    case FaultKind::kWriteFails:
      disk.FailNextWrite();
      return true;
    case FaultKind::kNoSpaceAtAllocation:
      disk.FailNextAllocation(ENOSPC);
      return true;
    case FaultKind::kQuotaAtAllocation:
      disk.FailNextAllocation(EDQUOT);
      return true;
    case FaultKind::kQuotaLimits:
      if (disk.LeftByQuota()) return false;
      disk.LimitTo(random.Bytes(base::kMiB));
      scheduler_.At(Until(fault, seconds(20)), Owner::kWorld,
                    [&disk] { disk.LimitTo(std::nullopt); });
      return true;
    case FaultKind::kReserveEaten:
      if (random.Chance(500) && spu_.running()) {
        spu_.Kill(false, true);
        RestartSpuSoon(fault);
        if (random.Chance(500)) volume.EatReserveAtTaking();
      }
      volume.LoseReserve();
      return true;
    default:
      return false;
  }
}

// A neighbour who watches for space that becomes free, and takes it.
void World::Snatch(std::size_t volume, base::MonotonicTime until, Random random) {
  if (healing_ || scheduler_.now() >= until) return;
  SimFileSystem& disk = spu_.volume(volume).disk();
  disk.ForeignTakes(disk.TrueAvailable() - 2 * base::kMiB);
  const base::Duration pause = random.Within(milliseconds(300));
  scheduler_.After(pause, Owner::kWorld,
                   [this, volume, until, random] { Snatch(volume, until, random); });
}

// What happens to the verdict's slots while nobody runs over them.
bool World::ApplyToSlots(const Fault& fault) {
  SimVolume& volume = spu_.volume(fault.volume);
  SimFileSystem& disk = volume.disk();
  const std::string& path = volume.slots_path();
  switch (fault.kind) {
    case FaultKind::kSlotTorn:
    case FaultKind::kWiped:
    case FaultKind::kRolledBack:
      break;
    default:
      return false;
  }
  if (spu_.running()) {
    spu_.Kill(false, true);
    RestartSpuSoon(fault);
  }
  checker_.StateWasLost(fault.volume);
  if (fault.kind == FaultKind::kSlotTorn) {
    disk.TearBlock(path, static_cast<std::int64_t>(fault.amount % 2));
  } else if (fault.kind == FaultKind::kRolledBack) {
    disk.RollBack(path, 1 + fault.amount % 4);
  } else {
    disk.Zero(path);
  }
  return true;
}

bool World::ApplyByPeople(const Fault& fault) {
  SimVolume& volume = spu_.volume(fault.volume);
  if (fault.kind == FaultKind::kWallClockJumps) {
    constexpr base::WallMillis kHour = 3'600'000;
    const base::WallMillis jumps[] = {-kHour, kHour, 24'000 * kHour, -24'000 * kHour};
    scheduler_.clock().JumpWall(jumps[fault.amount % 4]);
    return true;
  }
  if (fault.kind == FaultKind::kMarksChanged) return ChangeMarks(fault);
  if (!volume.running()) return false;
  switch (fault.kind) {
    case FaultKind::kTrim:
      volume.Trim(fault.amount % 3);
      return true;
    case FaultKind::kOperatorHolds:
      volume.Apply(event::OperatorHolds{"anna", "a new disk"});
      return true;
    case FaultKind::kOperatorReleases:
      volume.Apply(event::OperatorReleases{"anna"});
      return true;
    default:
      return false;
  }
}

// In half of the cases as today's daemons do it: by a restart, whatever is open by then.
bool World::ChangeMarks(const Fault& fault) {
  SimVolume& volume = spu_.volume(fault.volume);
  Random random(fault.amount);
  const bool by_restart = random.Chance(500);
  if (!volume.running()) return false;
  monitor::Marks marks = volume.configured_marks();
  const std::int64_t most = marks.full_bytes + 6 * base::kMiB;
  if (!by_restart) {
    marks.resume_bytes += static_cast<std::int64_t>(random.Below(3)) * base::kMiB - base::kMiB;
  } else if (random.Chance(500)) {
    marks.resume_bytes += random.Bytes(3 * base::kMiB);
  } else {
    // The largest is followed by the smallest: who has more gives it back.
    constexpr std::int64_t kLeast = 4 * base::kMiB;
    marks.reserve_bytes +=
        base::kMiB + random.Bytes(2 * base::kMiB) / base::kBlockBytes * base::kBlockBytes;
    if (marks.reserve_bytes > 3 * kLeast) marks.reserve_bytes = kLeast;
  }
  marks.resume_bytes =
      std::clamp(marks.resume_bytes, marks.full_bytes + 2 * marks.step_bytes, most);
  marks.low_bytes = marks.resume_bytes + 4 * base::kMiB;
  if (!by_restart) {
    volume.ChangeMarks(marks);
    return true;
  }
  volume.Configure(marks);
  spu_.Kill(false, true);
  RestartSpuSoon(fault);
  return true;
}

void World::RestartControllerSoon(const Fault& fault) {
  scheduler_.After(DelayOf(fault), Owner::kWorld, [this] { StartController(); });
}

// Of the fault alone: dropping another one must not change it.
base::Duration World::DelayOf(const Fault& fault) {
  return Random(fault.amount ^ 0x64656C6179ULL).Within(seconds(3));
}

void World::RestartSpuSoon(const Fault& fault) {
  scheduler_.After(DelayOf(fault), Owner::kWorld, [this] { StartSpu(); });
}

}  // namespace tidemark::simulation
