// A filesystem in memory that fails as a real one may: it fills up, gives freed space back late,
// lies in statvfs, returns EIO, dies between any two calls, and forgets in a power cut what was not
// synced.
//
// Exact in what matters here: which bytes are durable, and who holds how much. A file's blocks
// count as they are allocated, in units of 4 KiB; what is not written reads as zero.
//
// Lifetime:  outlives its Files, except that a File may be destroyed after Crash().
// Threading: one thread.
// Errors:    as storage::FileSystem. After the process has died (DieAfter) every call is refused
//            and changes nothing, until Crash() has been called.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/btree_map.h"
#include "base/block.h"
#include "base/byte_size.h"
#include "storage/fs/file_system.h"
#include "tests/simulation/random.h"

namespace tidemark::simulation {

// What statvfs says, whatever is true.
enum class StatvfsMood : std::uint8_t {
  kHonest,
  kFails,      // with ENOMEM: no reading
  kIoError,    // EIO: a device matter
  kAbsurd,     // more available than there is
  kNoTotal,    // a total of 0
  kFlatters,   // more available than is true: a thin volume
  kElsewhere,  // another filesystem under the same path
  kReadOnly,
};

class SimFileSystem final : public storage::FileSystem {
 public:
  struct Options {
    std::int64_t capacity_bytes = 64 * base::kMiB;
    std::int64_t inodes = 4096;
    std::uint64_t device_id = 1;
  };
  SimFileSystem(const Options& options, std::uint64_t seed);

  // The world's side.
  std::int64_t TrueAvailable() const;
  std::int64_t InodesAvailable() const;
  std::int64_t foreign_bytes() const { return foreign_bytes_; }
  // Takes at most what is there; gives back at most what it has.
  std::int64_t ForeignTakes(std::int64_t bytes);
  void ForeignGives(std::int64_t bytes);
  void ForeignTakesInodes(std::int64_t inodes);
  // Freed bytes are kept back for a while, as XFS and btrfs do, until ReleaseLate().
  void FreeLate(bool late) { frees_late_ = late; }
  void ReleaseLate() { late_bytes_ = 0; }
  void SetMood(StatvfsMood mood) { mood_ = mood; }
  StatvfsMood mood() const { return mood_; }
  void Grow(std::int64_t bytes) { options_.capacity_bytes += bytes; }
  // The next sync fails with EIO, and what it should have made durable is lost or not.
  void FailNextSync() { fail_sync_ = true; }
  void FailNextWrite() { fail_write_ = true; }
  void FailNextAllocation(int error_number) { fail_allocation_ = error_number; }
  // All that is ours may have so many bytes more than it has now, and no more; nullopt: no limit.
  void LimitTo(std::optional<std::int64_t> more_bytes) {
    quota_bytes_.reset();
    if (more_bytes) quota_bytes_ = allocated_bytes_ + *more_bytes;
  }
  // What the limit leaves; nullopt: there is none.
  std::optional<std::int64_t> LeftByQuota() const {
    if (!quota_bytes_) return std::nullopt;
    return *quota_bytes_ - allocated_bytes_;
  }
  // The process dies at its n-th call from now that changes something.
  void DieAfter(int calls) { calls_to_live_ = calls; }
  bool dead() const { return dead_; }
  // What was to fail next does not.
  void ForgetFaults();
  // The process is gone. Without power what was not synced is lost, kept or torn as chance has it.
  void Crash(bool power_cut);
  // Both slots as they were at `number` syncs of this file before: a restored copy.
  void RollBack(const std::string& path, std::size_t syncs);
  void Zero(const std::string& path);
  void TearBlock(const std::string& path, std::int64_t block);
  // Blocks really allocated to a file, however long it says it is.
  std::int64_t AllocatedBytes(const std::string& path) const;
  bool Exists(const std::string& path) const { return Find(path) != nullptr; }
  // Takes blocks away from a file behind everybody's back.
  void PunchOut(const std::string& path);

  std::uint64_t mutating_calls() const { return mutating_calls_; }
  std::uint64_t enospc_count() const { return enospc_count_; }

  absl::StatusOr<std::unique_ptr<storage::File>> Open(const std::string& path,
                                                      storage::OpenMode mode) override;
  absl::Status CreateDirectory(const std::string& path) override;
  absl::Status RemoveFile(const std::string& path) override;
  absl::Status RemoveDirectory(const std::string& path) override;
  absl::Status Rename(const std::string& from, const std::string& to) override;
  absl::Status SyncDirectory(const std::string& path) override;
  absl::Status SyncFileSystem(const std::string& path) override;
  absl::StatusOr<std::vector<std::string>> List(const std::string& path) override;
  absl::StatusOr<storage::FileStat> Stat(const std::string& path) override;
  absl::StatusOr<storage::FileSystemStat> StatFileSystem(const std::string& path) override;
  absl::StatusOr<std::unique_ptr<storage::FileLock>> Lock(const std::string& path) override;

 private:
  friend class SimFile;
  // What the last sync made durable is kept beside what is written since: nobody changes a block
  // that somebody else may still want.
  using Bytes = std::array<std::byte, static_cast<std::size_t>(base::kBlockBytes)>;
  using Block = std::shared_ptr<const Bytes>;
  struct Node {
    std::string path;
    std::uint64_t inode = 0;
    std::int64_t size = 0;
    std::int64_t allocated = 0;
    std::map<std::int64_t, Block> blocks;
    // As of the last sync.
    bool linked = false;  // its directory was synced since it was made
    std::int64_t durable_size = 0;
    std::int64_t durable_allocated = 0;
    std::map<std::int64_t, Block> unsynced;              // what was there before; nullptr: nothing
    std::vector<std::map<std::int64_t, Block>> history;  // of small files, newest last
  };

  // OK, or why nothing may be changed now.
  absl::Status Begin(std::string_view call, const std::string& path);
  absl::Status Allocate(Node& node, std::int64_t to_bytes, std::string_view call);
  void Release(std::int64_t bytes);
  absl::Status Sync(Node& node);
  void LoseUnsynced(Node& node);
  Node* Find(const std::string& path);
  const Node* Find(const std::string& path) const;

  Options options_;
  Random random_;
  absl::btree_map<std::string, std::shared_ptr<Node>> nodes_;
  std::uint64_t newest_inode_ = 0;
  std::int64_t allocated_bytes_ = 0;
  std::optional<std::int64_t> quota_bytes_;
  std::int64_t foreign_bytes_ = 0;
  std::int64_t foreign_inodes_ = 0;
  std::int64_t late_bytes_ = 0;
  bool frees_late_ = false;
  StatvfsMood mood_ = StatvfsMood::kHonest;
  bool fail_sync_ = false;
  bool fail_write_ = false;
  std::optional<int> fail_allocation_;
  std::optional<int> calls_to_live_;
  bool dead_ = false;
  std::uint64_t mutating_calls_ = 0;
  std::uint64_t enospc_count_ = 0;
};

}  // namespace tidemark::simulation
