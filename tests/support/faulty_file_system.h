// A disk that fails where the test says: a decorator around any FileSystem.
//
//   FaultyFileSystem disk(real);
//   disk.Add({.operation = Operation::kAllocate, .path_contains = "reserve", .error_number =
//   ENOSPC});
//
// Lifetime:  the inner file system outlives this; this outlives the Files it opened.
// Threading: any thread. A hook or a hang runs on the calling thread, without a lock held.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/mutex.h"
#include "storage/fs/file_system.h"

namespace tidemark::support {

enum class Operation : std::uint8_t {
  kAny,     // every call below
  kChange,  // every call that changes the disk: create … set no-copy-on-write
  // Changes:
  kCreate,
  kWriteAt,
  kSyncData,
  kSyncAll,
  kAllocate,
  kTruncate,
  kSetNoCow,
  kCreateDirectory,
  kRemoveFile,
  kRemoveDirectory,
  kRename,
  kSyncDirectory,
  kSyncFileSystem,
  // Questions:
  kOpen,
  kReadAt,
  kStatFile,
  kList,
  kStat,
  kStatFileSystem,
  kLock,
  kCount,
};

struct FaultRule {
  enum class When : std::uint8_t { kEvery, kOnly, kFrom };

  Operation operation = Operation::kAny;
  std::string path_contains{};  // empty: any path
  // Which of the calls that match (counted from 1 since the rule was added): every, only the nth,
  // or all from the nth on (a process that died there).
  When when = When::kEvery;
  std::uint64_t nth = 1;

  // What happens then, in this order; a rule without an errno and without a lie lets the call go
  // on.
  std::function<void()> before{};                        // a neighbour strikes at this very moment
  bool hang = false;                                     // until Release()
  std::optional<std::size_t> short_write_bytes{};        // WriteAt: so many reach the disk first
  std::optional<storage::FileSystemStat> lie{};          // StatFileSystem: answered instead
  std::function<void(storage::FileSystemStat&)> edit{};  // StatFileSystem: changes the true answer
  int error_number = 0;
};

class FaultyFileSystem final : public storage::FileSystem {
 public:
  using RuleId = std::uint64_t;

  explicit FaultyFileSystem(storage::FileSystem& inner);
  ~FaultyFileSystem() override;

  RuleId Add(FaultRule rule);
  void Remove(RuleId id);
  void Clear();    // all rules; whoever hangs goes on
  void Release();  // whoever hangs goes on; later calls hang again
  // Calls so far, failed ones included. kAny and kChange are sums.
  std::uint64_t calls(Operation operation) const;
  std::uint64_t hanging() const;

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

  // What the rules say to one call; for FaultyFile.
  struct Outcome {
    absl::Status status;
    std::optional<std::size_t> short_write_bytes;
    std::optional<storage::FileSystemStat> lie;
    std::vector<std::function<void(storage::FileSystemStat&)>> edits;
  };
  Outcome Apply(Operation operation, std::string_view path);

 private:
  struct ActiveRule {
    RuleId id = 0;
    FaultRule rule;
    std::uint64_t matches = 0;
  };

  std::vector<FaultRule> Due(Operation operation, std::string_view path);
  void HangUntilReleased();

  storage::FileSystem& inner_;
  mutable base::Mutex mutex_;
  base::CondVar released_;
  std::vector<ActiveRule> rules_ TM_GUARDED_BY(mutex_);
  RuleId next_id_ TM_GUARDED_BY(mutex_) = 1;
  std::uint64_t release_count_ TM_GUARDED_BY(mutex_) = 0;
  std::uint64_t hanging_ TM_GUARDED_BY(mutex_) = 0;
  std::uint64_t calls_[static_cast<std::size_t>(Operation::kCount)] TM_GUARDED_BY(mutex_) = {};
};

}  // namespace tidemark::support
