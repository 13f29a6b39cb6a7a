#include "monitor/volume_layout.h"

#include "storage/fs/file_system.h"

namespace tidemark::monitor {

std::string VolumeLayout::In(std::string_view name) const {
  return storage::JoinPath(directory_, name);
}

}  // namespace tidemark::monitor
