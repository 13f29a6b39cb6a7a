#include "tests/support/faulty_file_system.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "absl/strings/str_format.h"
#include "base/errno_status.h"
#include "base/status_macros.h"

namespace tidemark::support {
namespace {

using storage::File;
using storage::FileStat;
using storage::FileSystemStat;

constexpr const char* kOperationNames[] = {"any",
                                           "change",
                                           "create",
                                           "write",
                                           "fdatasync",
                                           "fsync",
                                           "allocate",
                                           "truncate",
                                           "set no-copy-on-write",
                                           "create directory",
                                           "unlink",
                                           "remove directory",
                                           "rename",
                                           "fsync directory",
                                           "syncfs",
                                           "open",
                                           "read",
                                           "fstat",
                                           "list",
                                           "stat",
                                           "statfs",
                                           "lock"};
static_assert(std::size(kOperationNames) == static_cast<std::size_t>(Operation::kCount));

bool IsChange(Operation operation) {
  return operation > Operation::kChange && operation < Operation::kOpen;
}

bool Covers(Operation wanted, Operation actual) {
  return wanted == Operation::kAny || wanted == actual ||
         (wanted == Operation::kChange && IsChange(actual));
}

// The first `bytes` bytes of `slices`.
std::vector<iovec> FirstBytes(std::span<const iovec> slices, std::size_t bytes) {
  std::vector<iovec> head;
  for (const iovec& slice : slices) {
    const std::size_t length = std::min(bytes, slice.iov_len);
    if (length > 0) head.push_back({slice.iov_base, length});
    bytes -= length;
  }
  return head;
}

class FaultyFile final : public File {
 public:
  FaultyFile(FaultyFileSystem& owner, std::unique_ptr<File> inner)
      : owner_(owner), inner_(std::move(inner)) {}

  absl::StatusOr<std::size_t> ReadAt(base::FilePosition position,
                                     std::span<std::byte> out) const override {
    TM_RETURN_IF_ERROR(Status(Operation::kReadAt));
    return inner_->ReadAt(position, out);
  }
  absl::Status WriteAt(base::FilePosition position, std::span<const iovec> slices,
                       std::size_t* written) override {
    if (written != nullptr) *written = 0;
    const FaultyFileSystem::Outcome outcome = owner_.Apply(Operation::kWriteAt, path());
    if (outcome.short_write_bytes.has_value()) {
      TM_RETURN_IF_ERROR(
          inner_->WriteAt(position, FirstBytes(slices, *outcome.short_write_bytes), written));
    }
    TM_RETURN_IF_ERROR(outcome.status);
    if (outcome.short_write_bytes.has_value()) return absl::OkStatus();
    return inner_->WriteAt(position, slices, written);
  }
  absl::Status SyncData() override {
    TM_RETURN_IF_ERROR(Status(Operation::kSyncData));
    return inner_->SyncData();
  }
  absl::Status SyncAll() override {
    TM_RETURN_IF_ERROR(Status(Operation::kSyncAll));
    return inner_->SyncAll();
  }
  absl::Status Allocate(base::FilePosition position, std::int64_t length) override {
    TM_RETURN_IF_ERROR(Status(Operation::kAllocate));
    return inner_->Allocate(position, length);
  }
  absl::Status Truncate(std::int64_t size) override {
    TM_RETURN_IF_ERROR(Status(Operation::kTruncate));
    return inner_->Truncate(size);
  }
  absl::StatusOr<FileStat> Stat() const override {
    TM_RETURN_IF_ERROR(Status(Operation::kStatFile));
    return inner_->Stat();
  }
  absl::Status SetNoCow() override {
    TM_RETURN_IF_ERROR(Status(Operation::kSetNoCow));
    return inner_->SetNoCow();
  }
  void ForgetCached() override { inner_->ForgetCached(); }
  const std::string& path() const override { return inner_->path(); }
  int descriptor() const override { return inner_->descriptor(); }

 private:
  absl::Status Status(Operation operation) const { return owner_.Apply(operation, path()).status; }

  FaultyFileSystem& owner_;
  std::unique_ptr<File> inner_;
};

}  // namespace

FaultyFileSystem::FaultyFileSystem(storage::FileSystem& inner) : inner_(inner) {}
FaultyFileSystem::~FaultyFileSystem() { Clear(); }

FaultyFileSystem::RuleId FaultyFileSystem::Add(FaultRule rule) {
  base::MutexLock lock(mutex_);
  rules_.push_back({.id = next_id_, .rule = std::move(rule)});
  return next_id_++;
}

void FaultyFileSystem::Remove(RuleId id) {
  base::MutexLock lock(mutex_);
  std::erase_if(rules_, [id](const ActiveRule& active) { return active.id == id; });
}

void FaultyFileSystem::Clear() {
  base::MutexLock lock(mutex_);
  rules_.clear();
  ++release_count_;
  released_.NotifyAll();
}

void FaultyFileSystem::Release() {
  base::MutexLock lock(mutex_);
  ++release_count_;
  released_.NotifyAll();
}

std::uint64_t FaultyFileSystem::calls(Operation operation) const {
  base::MutexLock lock(mutex_);
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < std::size(calls_); ++i) {
    if (Covers(operation, static_cast<Operation>(i))) sum += calls_[i];
  }
  return sum;
}

std::uint64_t FaultyFileSystem::hanging() const {
  base::MutexLock lock(mutex_);
  return hanging_;
}

std::vector<FaultRule> FaultyFileSystem::Due(Operation operation, std::string_view path) {
  base::MutexLock lock(mutex_);
  ++calls_[static_cast<std::size_t>(operation)];
  std::vector<FaultRule> due;
  for (ActiveRule& active : rules_) {
    const FaultRule& rule = active.rule;
    if (!Covers(rule.operation, operation)) continue;
    if (path.find(rule.path_contains) == std::string_view::npos) continue;
    ++active.matches;
    if (rule.when == FaultRule::When::kOnly && active.matches != rule.nth) continue;
    if (rule.when == FaultRule::When::kFrom && active.matches < rule.nth) continue;
    due.push_back(rule);
  }
  return due;
}

void FaultyFileSystem::HangUntilReleased() {
  base::MutexLock lock(mutex_);
  const std::uint64_t before = release_count_;
  ++hanging_;
  while (release_count_ == before) released_.Wait(mutex_);
  --hanging_;
}

FaultyFileSystem::Outcome FaultyFileSystem::Apply(Operation operation, std::string_view path) {
  Outcome outcome;
  for (FaultRule& rule : Due(operation, path)) {
    if (rule.before) rule.before();
    if (rule.hang) HangUntilReleased();
    if (rule.short_write_bytes.has_value()) outcome.short_write_bytes = rule.short_write_bytes;
    if (rule.lie.has_value()) outcome.lie = rule.lie;
    if (rule.edit) outcome.edits.push_back(std::move(rule.edit));
    if (rule.error_number != 0 && outcome.status.ok()) {
      outcome.status = base::ErrnoStatus(
          rule.error_number,
          absl::StrFormat("%s '%s' (injected)",
                          kOperationNames[static_cast<std::size_t>(operation)], path));
    }
  }
  return outcome;
}

absl::StatusOr<std::unique_ptr<File>> FaultyFileSystem::Open(const std::string& path,
                                                             storage::OpenMode mode) {
  const Operation operation =
      mode == storage::OpenMode::kCreate ? Operation::kCreate : Operation::kOpen;
  TM_RETURN_IF_ERROR(Apply(operation, path).status);
  TM_ASSIGN_OR_RETURN(std::unique_ptr<File> file, inner_.Open(path, mode));
  return std::make_unique<FaultyFile>(*this, std::move(file));
}

absl::Status FaultyFileSystem::CreateDirectory(const std::string& path) {
  TM_RETURN_IF_ERROR(Apply(Operation::kCreateDirectory, path).status);
  return inner_.CreateDirectory(path);
}

absl::Status FaultyFileSystem::RemoveFile(const std::string& path) {
  TM_RETURN_IF_ERROR(Apply(Operation::kRemoveFile, path).status);
  return inner_.RemoveFile(path);
}

absl::Status FaultyFileSystem::RemoveDirectory(const std::string& path) {
  TM_RETURN_IF_ERROR(Apply(Operation::kRemoveDirectory, path).status);
  return inner_.RemoveDirectory(path);
}

absl::Status FaultyFileSystem::Rename(const std::string& from, const std::string& to) {
  TM_RETURN_IF_ERROR(Apply(Operation::kRename, from).status);
  return inner_.Rename(from, to);
}

absl::Status FaultyFileSystem::SyncDirectory(const std::string& path) {
  TM_RETURN_IF_ERROR(Apply(Operation::kSyncDirectory, path).status);
  return inner_.SyncDirectory(path);
}

absl::Status FaultyFileSystem::SyncFileSystem(const std::string& path) {
  TM_RETURN_IF_ERROR(Apply(Operation::kSyncFileSystem, path).status);
  return inner_.SyncFileSystem(path);
}

absl::StatusOr<std::vector<std::string>> FaultyFileSystem::List(const std::string& path) {
  TM_RETURN_IF_ERROR(Apply(Operation::kList, path).status);
  return inner_.List(path);
}

absl::StatusOr<FileStat> FaultyFileSystem::Stat(const std::string& path) {
  TM_RETURN_IF_ERROR(Apply(Operation::kStat, path).status);
  return inner_.Stat(path);
}

absl::StatusOr<FileSystemStat> FaultyFileSystem::StatFileSystem(const std::string& path) {
  const Outcome outcome = Apply(Operation::kStatFileSystem, path);
  TM_RETURN_IF_ERROR(outcome.status);
  if (outcome.lie.has_value()) return *outcome.lie;
  TM_ASSIGN_OR_RETURN(FileSystemStat stat, inner_.StatFileSystem(path));
  for (const auto& edit : outcome.edits) edit(stat);
  return stat;
}

absl::StatusOr<std::unique_ptr<storage::FileLock>> FaultyFileSystem::Lock(const std::string& path) {
  TM_RETURN_IF_ERROR(Apply(Operation::kLock, path).status);
  return inner_.Lock(path);
}

}  // namespace tidemark::support
