#include "monitor/pinned_space.h"

#include <sys/stat.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <set>
#include <string_view>
#include <system_error>

namespace tidemark::monitor {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kDeletedSuffix = " (deleted)";
constexpr std::int64_t kStatBlockBytes = 512;

class Search {
 public:
  explicit Search(std::uint64_t device_id) : device_id_(device_id) {}

  void Process(pid_t pid, const fs::path& process) {
    std::error_code error;
    fs::directory_iterator descriptors(process / "fd", error);
    if (error) {
      // A process that ended meanwhile holds nothing.
      if (error != std::errc::no_such_file_or_directory) ++found_.unreadable_processes;
      return;
    }
    for (; descriptors != fs::directory_iterator(); descriptors.increment(error)) {
      if (error) return;
      Descriptor(pid, process, descriptors->path());
    }
  }

  PinnedSpace Finish(std::size_t max_files) && {
    std::ranges::sort(found_.files, std::ranges::greater(), &PinnedFile::allocated_bytes);
    if (found_.files.size() > max_files) found_.files.resize(max_files);
    return std::move(found_);
  }

 private:
  void Descriptor(pid_t pid, const fs::path& process, const fs::path& descriptor) {
    std::error_code error;
    // The link's text first: stat() would ask every filesystem there is, also one that hangs.
    std::string target = fs::read_symlink(descriptor, error).string();
    if (error || !target.ends_with(kDeletedSuffix)) return;
    struct stat st {};
    if (::stat(descriptor.c_str(), &st) != 0) return;
    if (!S_ISREG(st.st_mode) || st.st_nlink != 0 || st.st_dev != device_id_) return;
    if (!seen_inodes_.insert(st.st_ino).second) return;
    target.resize(target.size() - kDeletedSuffix.size());
    PinnedFile file{.pid = pid,
                    .command = {},
                    .path = std::move(target),
                    .allocated_bytes = st.st_blocks * kStatBlockBytes};
    std::ifstream(process / "comm") >> file.command;
    found_.allocated_bytes += file.allocated_bytes;
    found_.files.push_back(std::move(file));
  }

  std::uint64_t device_id_;
  std::set<ino_t> seen_inodes_;
  PinnedSpace found_;
};

}  // namespace

PinnedSpace FindPinnedSpace(std::uint64_t device_id, std::size_t max_files,
                            const std::string& proc) {
  Search search(device_id);
  std::error_code error;
  for (fs::directory_iterator it(proc, error); !error && it != fs::directory_iterator();
       it.increment(error)) {
    const std::string name = it->path().filename().string();
    pid_t pid = 0;
    const auto [end, failed] = std::from_chars(name.data(), name.data() + name.size(), pid);
    if (failed != std::errc() || end != name.data() + name.size()) continue;
    search.Process(pid, it->path());
  }
  return std::move(search).Finish(max_files);
}

}  // namespace tidemark::monitor
