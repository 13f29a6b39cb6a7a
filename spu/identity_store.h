// Who this SPU is, across starts: uuid, boot count, the cluster it belongs to.
//
// Lives in a small state directory apart from the volumes, in slots allocated once, so that the
// boot count can be raised on a full disk. The boot count is durable before the first Hello.
//
// Lifetime:  holds the directory's lock until destroyed: a second process with the same state
//            directory is refused.
// Threading: blocks on the disk; used at start and off the loop afterwards.
// Errors:    kUnavailable when locked by another process; kDataLoss when both slots are
//            unreadable, which no crash can cause.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "spu/core/identity_record.h"
#include "storage/fs/slot_pair.h"

namespace tidemark::spu {

class IdentityStore {
 public:
  // Makes the directory and a new uuid if there is none; then counts this boot, durably.
  static absl::StatusOr<std::unique_ptr<IdentityStore>> Open(storage::FileSystem& file_system,
                                                             const std::string& directory);

  const IdentityRecord& record() const { return record_; }
  absl::Status Write(const IdentityRecord& record);

 private:
  IdentityStore(std::unique_ptr<storage::FileLock> lock, storage::SlotPair slots,
                IdentityRecord record)
      : lock_(std::move(lock)), slots_(std::move(slots)), record_(record) {}

  std::unique_ptr<storage::FileLock> lock_;
  storage::SlotPair slots_;
  IdentityRecord record_;
};

}  // namespace tidemark::spu
