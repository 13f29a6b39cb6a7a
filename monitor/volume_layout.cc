#include "monitor/volume_layout.h"

#include <utility>

#include "storage/fs/file_system.h"

namespace tidemark::monitor {

using storage::JoinPath;

VolumeLayout::VolumeLayout(std::string directory)
    : directory_(std::move(directory)),
      marker_(JoinPath(directory_, kMarkerName)),
      unfinished_marker_(JoinPath(directory_, kUnfinishedMarkerName)),
      verdict_slots_(JoinPath(directory_, kVerdictSlotsName)),
      lock_(JoinPath(directory_, kLockName)),
      reserve_(JoinPath(directory_, kReserveName)),
      room_trial_(JoinPath(directory_, kRoomTrialName)),
      partitions_(JoinPath(directory_, kPartitionsName)) {}

}  // namespace tidemark::monitor
