// Where things lie inside a volume's directory. Pure: names and paths, nothing is touched.
//
//   volume.marker   identity, written last by `format`; without it the directory is no volume
//   verdict.slots   the durable verdict, two 4 KiB slots (verdict_slots.h)
//   lock            held by the running SPU (flock)
//   reserve         really allocated space that is held, never used (reserve_file.h)
//   partitions/     one directory per partition, named by its id
#pragma once

#include <string>
#include <string_view>

namespace tidemark::monitor {

class VolumeLayout {
 public:
  static constexpr std::string_view kMarkerName = "volume.marker";
  static constexpr std::string_view kUnfinishedMarkerName = "volume.marker.new";
  static constexpr std::string_view kVerdictSlotsName = "verdict.slots";
  static constexpr std::string_view kLockName = "lock";
  static constexpr std::string_view kReserveName = "reserve";
  static constexpr std::string_view kRoomTrialName = "room.trial";
  static constexpr std::string_view kPartitionsName = "partitions";

  explicit VolumeLayout(std::string directory);

  const std::string& directory() const { return directory_; }
  const std::string& marker() const { return marker_; }
  const std::string& unfinished_marker() const { return unfinished_marker_; }
  const std::string& verdict_slots() const { return verdict_slots_; }
  const std::string& lock() const { return lock_; }
  const std::string& reserve() const { return reserve_; }
  const std::string& room_trial() const { return room_trial_; }
  const std::string& partitions() const { return partitions_; }

 private:
  std::string directory_;
  // Made once: every reading and every step asks for some of them.
  std::string marker_;
  std::string unfinished_marker_;
  std::string verdict_slots_;
  std::string lock_;
  std::string reserve_;
  std::string room_trial_;
  std::string partitions_;
};

}  // namespace tidemark::monitor
