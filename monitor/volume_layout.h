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
#include <utility>

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

  explicit VolumeLayout(std::string directory) : directory_(std::move(directory)) {}

  const std::string& directory() const { return directory_; }
  std::string marker() const { return In(kMarkerName); }
  std::string unfinished_marker() const { return In(kUnfinishedMarkerName); }
  std::string verdict_slots() const { return In(kVerdictSlotsName); }
  std::string lock() const { return In(kLockName); }
  std::string reserve() const { return In(kReserveName); }
  std::string room_trial() const { return In(kRoomTrialName); }
  std::string partitions() const { return In(kPartitionsName); }

 private:
  std::string In(std::string_view name) const;

  std::string directory_;
};

}  // namespace tidemark::monitor
