#include "spu/format_command.h"

#include <cstdio>
#include <string>
#include <string_view>

#include "absl/strings/str_format.h"
#include "base/byte_size.h"
#include "base/clock.h"
#include "daemon/command_line.h"
#include "monitor/marks.h"
#include "monitor/volume_format.h"
#include "storage/fs/posix_file_system.h"

namespace tidemark::spu {
namespace {

constexpr char kUsage[] =
    "Usage: tidemark-spu format DIR [--require-mountpoint]\n"
    "\n"
    "Makes a volume of an empty directory: marker, verdict slots, lock, partitions/.\n"
    "  --require-mountpoint   refuse a directory that is no mount of its own\n";

}  // namespace

int RunFormat(int argc, const char* const* argv) {
  std::string directory;
  monitor::FormatOptions options{.marks_must_fit = true};
  for (int i = 0; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (word == "--help" || word == "-h") {
      std::fputs(kUsage, stdout);
      return 0;
    }
    if (word == "--require-mountpoint") {
      options.require_mountpoint = true;
    } else if (word.starts_with("-") || !directory.empty()) {
      absl::FPrintF(stderr, "tidemark-spu format: what is '%s'?\n%s", word, kUsage);
      return daemon::kExitUsage;
    } else {
      directory = word;
    }
  }
  if (directory.empty()) {
    std::fputs(kUsage, stderr);
    return daemon::kExitUsage;
  }
  storage::PosixFileSystem file_system;
  const base::SystemClock clock;
  const auto marker = monitor::FormatVolume(file_system, directory, options, clock);
  if (!marker.ok()) {
    absl::FPrintF(stderr, "tidemark-spu format: %s\n", marker.status().message());
    return daemon::kExitConfiguration;
  }
  const monitor::Marks marks = monitor::DeriveMarks(marker->capacity_bytes, 0);
  absl::PrintF("volume %s made in %s: capacity %s, full below %s, resume above %s available\n",
               marker->uuid.ToString(), directory, base::FormatByteSize(marker->capacity_bytes),
               base::FormatByteSize(marks.full_bytes), base::FormatByteSize(marks.resume_bytes));
  return 0;
}

}  // namespace tidemark::spu
