#include "tests/integration/faults/power_cut.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <functional>

#include "absl/strings/str_format.h"
#include "base/errno_status.h"
#include "base/status_macros.h"

namespace tidemark::faults {
namespace {

namespace fs = std::filesystem;
using Bytes = std::vector<unsigned char>;

constexpr std::size_t kSectorBytes = 512;

// An open file that closes itself.
class OpenFile {
 public:
  explicit OpenFile(const std::string& path) : fd_(::open(path.c_str(), O_RDWR | O_CLOEXEC)) {}
  ~OpenFile() {
    if (fd_ >= 0) ::close(fd_);
  }
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;
  int fd() const { return fd_; }

 private:
  int fd_;
};

absl::StatusOr<Bytes> ReadWhole(int fd, std::size_t size) {
  Bytes bytes(size);
  for (std::size_t at = 0; at < size;) {
    const ssize_t got = ::pread(fd, &bytes[at], size - at, static_cast<off_t>(at));
    if (got < 0) return base::ErrnoStatus(errno, "read what is durable");
    if (got == 0) return absl::InternalError("a file of a dead daemon got shorter");
    at += static_cast<std::size_t>(got);
  }
  return bytes;
}

// Calls visit(file, descriptor, bytes) for each file below.
absl::Status ForEachFile(
    const std::vector<std::string>& directories,
    const std::function<absl::Status(std::uint64_t, int, const Bytes&)>& visit) {
  for (const std::string& directory : directories) {
    std::error_code error;
    for (const auto& entry : fs::recursive_directory_iterator(directory, error)) {
      if (!entry.is_regular_file()) continue;
      const OpenFile open_file(entry.path());
      struct stat st {};
      if (open_file.fd() < 0 || ::fstat(open_file.fd(), &st) != 0) {
        return base::ErrnoStatus(errno, absl::StrFormat("open '%s'", entry.path().string()));
      }
      TM_ASSIGN_OR_RETURN(const Bytes bytes,
                          ReadWhole(open_file.fd(), static_cast<std::size_t>(st.st_size)));
      TM_RETURN_IF_ERROR(visit(FileKey(st.st_dev, st.st_ino), open_file.fd(), bytes));
    }
    if (error) return absl::InternalError(absl::StrFormat("list '%s'", directory));
  }
  return absl::OkStatus();
}

// With `random`, sector by sector as it falls.
void Apply(const NotedCall& write, Bytes& to, std::mt19937_64* random) {
  const auto position = static_cast<std::size_t>(write.position);
  to.resize(std::max(to.size(), position + write.written.size()));
  std::size_t at = 0;
  while (at < write.written.size()) {
    const std::size_t sector_end = (position + at) / kSectorBytes * kSectorBytes + kSectorBytes;
    const std::size_t length = std::min(write.written.size() - at, sector_end - (position + at));
    if (random == nullptr || ((*random)() & 1U) != 0) {
      std::copy_n(&write.written[at], length, &to[position + at]);
    }
    at += length;
  }
}

}  // namespace

absl::Status PowerCut::Remember(const std::vector<std::string>& directories, std::size_t calls) {
  directories_ = directories;
  calls_before_ = calls;
  durable_.clear();
  return ForEachFile(directories, [this](std::uint64_t file, int, const Bytes& bytes) {
    durable_[file] = bytes;
    return absl::OkStatus();
  });
}

bool PowerCut::Covers(const NotedCall& sync, std::size_t write_at, const NotedCall& write) {
  if (!sync.done || sync.call != Call::kSync || write_at >= sync.notes_before) return false;
  // A refused sync does not know its file; its path says which it was.
  return sync.file != 0 ? sync.file == write.file : sync.path == write.path;
}

// The first sync that covers a write decides about it. One that was under way together with a sync
// that failed, and was told of no failure, had its pages written.
PowerCut::Fate PowerCut::FateOf(std::size_t write_at, const std::vector<NotedCall>& calls) {
  std::size_t failed_at = calls.size();
  for (std::size_t i = write_at + 1; i < calls.size(); ++i) {
    const NotedCall& sync = calls[i];
    if (!Covers(sync, write_at, calls[write_at]) || sync.notes_before > failed_at) continue;
    if (sync.succeeded()) return Fate::kDurable;
    failed_at = std::min(failed_at, i);
  }
  return failed_at < calls.size() ? Fate::kLost : Fate::kCached;
}

std::vector<PowerCut::Fate> PowerCut::FatesOf(const std::vector<NotedCall>& calls) const {
  std::vector<Fate> fates(calls.size(), Fate::kCached);
  for (std::size_t i = calls_before_; i < calls.size(); ++i) {
    if (calls[i].call == Call::kWrite) fates[i] = FateOf(i, calls);
  }
  return fates;
}

absl::StatusOr<PowerCut::Loss> PowerCut::LoseFailed(const std::vector<NotedCall>& calls) {
  std::vector<Fate> fates = FatesOf(calls);
  for (Fate& fate : fates) fate = fate == Fate::kLost ? Fate::kLost : Fate::kDurable;
  return Rewrite(calls, fates, nullptr);
}

absl::StatusOr<PowerCut::Loss> PowerCut::LoseUnsynced(const std::vector<NotedCall>& calls,
                                                      std::mt19937_64* random) {
  TM_ASSIGN_OR_RETURN(const Loss loss, Rewrite(calls, FatesOf(calls), random));
  TM_RETURN_IF_ERROR(Remember(directories_, calls.size()));
  return loss;
}

// The file as a disk has it: what it held before, and what was done to it since and has come there.
PowerCut::Bytes PowerCut::DiskOf(std::uint64_t file, const std::vector<NotedCall>& calls,
                                 const std::vector<Fate>& fates, std::mt19937_64* random) const {
  const auto before = durable_.find(file);
  Bytes disk = before != durable_.end() ? before->second : Bytes();
  for (std::size_t i = calls_before_; i < calls.size(); ++i) {
    const NotedCall& call = calls[i];
    if (call.file != file || !call.succeeded()) continue;
    if (call.call == Call::kTruncate) disk.resize(static_cast<std::size_t>(call.bytes));
    if (call.call != Call::kWrite) continue;
    if (fates[i] == Fate::kDurable) Apply(call, disk, nullptr);
    if (fates[i] == Fate::kCached && random != nullptr) Apply(call, disk, random);
  }
  return disk;
}

absl::StatusOr<PowerCut::Loss> PowerCut::Rewrite(const std::vector<NotedCall>& calls,
                                                 const std::vector<Fate>& fates,
                                                 std::mt19937_64* random) {
  Loss loss;
  for (std::size_t i = calls_before_; i < calls.size(); ++i) {
    const bool written = calls[i].call == Call::kWrite && calls[i].succeeded();
    if (written && fates[i] != Fate::kDurable) ++loss.writes;
  }
  if (loss.writes == 0) return loss;
  const auto rewrite = [&](std::uint64_t file, int fd, const Bytes& now) -> absl::Status {
    Bytes then = DiskOf(file, calls, fates, random);
    then.resize(now.size());  // what is longer now was allocated, and reads as zeros
    for (std::size_t at = 0; at < now.size(); ++at) loss.bytes += then[at] != now[at] ? 1 : 0;
    if (then == now) return absl::OkStatus();
    const auto size = static_cast<ssize_t>(then.size());
    if (::pwrite(fd, then.data(), then.size(), 0) == size) return absl::OkStatus();
    return base::ErrnoStatus(errno, "write back what is durable");
  };
  TM_RETURN_IF_ERROR(ForEachFile(directories_, rewrite));
  return loss;
}

}  // namespace tidemark::faults
