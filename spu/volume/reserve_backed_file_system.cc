#include "spu/volume/reserve_backed_file_system.h"

#include <cerrno>

#include "base/errno_status.h"
#include "daemon/log.h"

namespace tidemark::spu {
namespace {

bool HasNoRoom(const absl::Status& status) {
  const auto error = base::ErrnoOf(status);
  return error == ENOSPC || error == EDQUOT;
}

}  // namespace

absl::Status ReserveBackedFileSystem::RemoveFile(const std::string& path) {
  return Remove([&] { return inner_.RemoveFile(path); });
}

absl::Status ReserveBackedFileSystem::RemoveDirectory(const std::string& path) {
  return Remove([&] { return inner_.RemoveDirectory(path); });
}

absl::Status ReserveBackedFileSystem::Remove(absl::FunctionRef<absl::Status()> remove) {
  absl::Status removed = remove();
  if (!HasNoRoom(removed) || !GiveUpReserve()) return removed;
  return remove();
}

bool ReserveBackedFileSystem::GiveUpReserve() {
  if (!inner_.RemoveFile(layout_.reserve()).ok())
    return false;  // gone already, or no room for that
  daemon::Log(daemon::LogLevel::kWarn, "volume.reserve_given_up",
              {{"volume", layout_.directory()}, {"why", "an unlink met no space"}});
  // Some filesystems give the blocks back only with the next transaction.
  return inner_.SyncFileSystem(layout_.directory()).ok();
}

}  // namespace tidemark::spu
