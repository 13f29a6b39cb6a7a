#include "daemon/ports_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "absl/strings/str_format.h"
#include "base/errno_status.h"
#include "daemon/json_text.h"
#include "daemon/loop/unique_fd.h"

namespace tidemark::daemon {

absl::Status WritePortsFile(const std::string& path,
                            const std::map<std::string, std::uint16_t>& ports) {
  std::string text = "{";
  for (const auto& [name, port] : ports) {
    text += absl::StrFormat("%s%s:%d", text.size() > 1 ? "," : "", JsonString(name), port);
  }
  text += "}\n";

  const std::string what = absl::StrFormat("write ports file '%s'", path);
  const std::string unfinished = path + ".new";
  UniqueFd fd(
      open(unfinished.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644));
  if (!fd.valid()) return base::ErrnoStatus(errno, what);
  const ssize_t written = write(fd.get(), text.data(), text.size());
  if (written != static_cast<ssize_t>(text.size())) {
    return base::ErrnoStatus(written < 0 ? errno : ENOSPC, what);
  }
  if (rename(unfinished.c_str(), path.c_str()) != 0) return base::ErrnoStatus(errno, what);
  return absl::OkStatus();
}

}  // namespace tidemark::daemon
