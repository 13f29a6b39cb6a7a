#include "tests/support/file_system_tools.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <fstream>
#include <iterator>

#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "base/errno_status.h"
#include "base/status_macros.h"
#include "tests/support/command.h"

namespace tidemark::support {
namespace {

constexpr const char* kPlaces[] = {"/usr/sbin/", "/sbin/", "/usr/bin/", "/bin/"};

std::string PackageOf(std::string_view program) {
  if (program.find("xfs") != std::string_view::npos) return "xfsprogs";
  if (program.find("btrfs") != std::string_view::npos) return "btrfs-progs";
  return "e2fsprogs";
}

absl::StatusOr<std::string> FindTool(const std::string& program) {
  for (const char* place : kPlaces) {
    if (std::string path = place + program; ::access(path.c_str(), X_OK) == 0) return path;
  }
  return absl::UnimplementedError(
      absl::StrFormat("%s (package %s) is not installed", program, PackageOf(program)));
}

// A sparse file: the blocks come when they are written.
absl::Status MakeSparseFile(const std::string& path, std::int64_t size_bytes) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR);
  if (fd < 0) return base::ErrnoStatus(errno, "create image");
  const int failed = ::ftruncate(fd, size_bytes);
  const int error_number = errno;
  ::close(fd);
  return failed == 0 ? absl::OkStatus() : base::ErrnoStatus(error_number, "size image");
}

}  // namespace

absl::StatusOr<std::string> RunTool(std::vector<std::string> words) {
  const std::string name = words.front();
  TM_ASSIGN_OR_RETURN(words.front(), FindTool(name));
  TM_ASSIGN_OR_RETURN(auto result, RunCommand(words));
  if (result.exit.clean()) return std::move(result.output);
  return absl::InternalError(
      absl::StrFormat("'%s': %s", absl::StrJoin(words, " "), result.ToString()));
}

absl::Status KernelHas(std::string_view file_system) {
  std::ifstream list("/proc/filesystems");
  for (std::string line; std::getline(list, line);) {
    if (line.substr(line.find('\t') + 1) == file_system) return absl::OkStatus();
  }
  return absl::UnimplementedError(
      absl::StrFormat("the kernel has no %s (/proc/filesystems)", file_system));
}

absl::Status MakeExt4Image(const std::string& image, const ImageOptions& options) {
  TM_RETURN_IF_ERROR(MakeSparseFile(image, options.size_bytes));
  std::vector<std::string> words = {"mkfs.ext4",
                                    "-q",
                                    "-F",
                                    "-b",
                                    "4096",
                                    "-m",
                                    absl::StrFormat("%d", options.reserved_percent),
                                    "-E",  // nothing written behind our back after the mount
                                    "lazy_itable_init=0,lazy_journal_init=0,nodiscard"};
  if (options.inodes > 0) {
    words.insert(words.end(), {"-N", absl::StrFormat("%d", options.inodes)});
  }
  if (options.blocks_per_group > 0) {
    words.insert(words.end(), {"-g", absl::StrFormat("%d", options.blocks_per_group)});
  }
  words.push_back(image);
  return RunTool(std::move(words)).status();
}

absl::Status MakeXfsImage(const std::string& image, const ImageOptions& options) {
  TM_RETURN_IF_ERROR(KernelHas("xfs"));
  TM_RETURN_IF_ERROR(MakeSparseFile(image, options.size_bytes));
  std::vector<std::string> words = {"mkfs.xfs", "-q", "-f", "-K"};
  if (options.inodes > 0) {
    // It makes inodes as it needs them, up to a share of its blocks: large ones soon reach that.
    constexpr std::int64_t kInodeBytes = 2048;
    const std::int64_t percent =
        std::max<std::int64_t>(1, options.inodes * kInodeBytes * 100 / options.size_bytes);
    words.insert(words.end(), {"-i", absl::StrFormat("size=%d,maxpct=%d", kInodeBytes, percent)});
  }
  words.push_back(image);
  return RunTool(std::move(words)).status();
}

absl::Status MakeBtrfsImage(const std::string& image, const ImageOptions& options) {
  TM_RETURN_IF_ERROR(KernelHas("btrfs"));
  TM_RETURN_IF_ERROR(MakeSparseFile(image, options.size_bytes));
  // Metadata twice, as by default: with one copy its first 8 MiB are all there ever is, and end
  // long before the bytes do.
  return RunTool({"mkfs.btrfs", "-q", "-f", "-K", "-m", "dup", image}).status();
}

absl::Status MakeBtrfsQuota(const std::string& mount_point, const std::string& subvolume,
                            std::int64_t limit_bytes) {
  if (const auto enabled = RunTool({"btrfs", "quota", "enable", mount_point}); !enabled.ok()) {
    if (absl::IsUnimplemented(enabled.status())) return enabled.status();
    return absl::UnimplementedError(
        absl::StrFormat("no btrfs quota here: %s", enabled.status().message()));
  }
  TM_RETURN_IF_ERROR(RunTool({"btrfs", "subvolume", "create", subvolume}).status());
  return SetBtrfsQuota(subvolume, limit_bytes);
}

absl::Status SetBtrfsQuota(const std::string& subvolume, std::int64_t limit_bytes) {
  return RunTool({"btrfs", "qgroup", "limit", absl::StrFormat("%d", limit_bytes), subvolume})
      .status();
}

absl::StatusOr<std::int64_t> BtrfsQuotaUsed(const std::string& subvolume) {
  TM_ASSIGN_OR_RETURN(const std::string table,
                      RunTool({"btrfs", "qgroup", "show", "--sync", "-f", "--raw", subvolume}));
  // The last line is the subvolume's own group: its name, then what it refers to.
  const std::vector<std::string> lines = absl::StrSplit(table, '\n', absl::SkipEmpty());
  const std::vector<std::string> words = lines.empty()
                                             ? std::vector<std::string>()
                                             : absl::StrSplit(lines.back(), ' ', absl::SkipEmpty());
  std::int64_t bytes = -1;
  if (words.size() >= 2) {
    std::from_chars(words[1].data(), words[1].data() + words[1].size(), bytes);
  }
  if (bytes >= 0) return bytes;
  return absl::InternalError(absl::StrFormat("no number in what btrfs says:\n%s", table));
}

}  // namespace tidemark::support
