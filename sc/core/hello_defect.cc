#include "sc/core/hello_defect.h"

#include <set>

#include "absl/strings/str_format.h"
#include "base/uuid.h"
#include "daemon/control/names.h"

namespace tidemark::sc {
namespace {

// What the controller keeps of a Hello, for as long as it lives, and who may send one is anybody
// that reaches its port.
constexpr std::size_t kEndpointBytesMax = 512;
constexpr std::size_t kVersionBytesMax = 128;
constexpr std::size_t kPathBytesMax = 4096;
constexpr std::size_t kAllPathsBytesMax = 64 * 1024;
constexpr int kVolumesMax = 1024;

std::string FindTooLong(const v1::Hello& hello) {
  const auto too_long = [](const char* what, const std::string& text, std::size_t bytes_max) {
    return text.size() <= bytes_max
               ? std::string()
               : absl::StrFormat("%s has %d bytes, at most %d may", what, text.size(), bytes_max);
  };
  if (hello.volumes_size() > kVolumesMax) {
    return absl::StrFormat("it names %d volumes, at most %d may", hello.volumes_size(),
                           kVolumesMax);
  }
  std::string defect = too_long("the gRPC endpoint", hello.grpc_endpoint(), kEndpointBytesMax);
  if (defect.empty()) {
    defect = too_long("the HTTP endpoint", hello.http_endpoint(), kEndpointBytesMax);
  }
  if (defect.empty()) defect = too_long("the version", hello.version(), kVersionBytesMax);
  std::size_t paths_bytes = 0;
  for (const v1::HelloVolume& volume : hello.volumes()) {
    if (!defect.empty()) break;
    defect = too_long("the path of a volume", volume.path(), kPathBytesMax);
    paths_bytes += volume.path().size();
  }
  if (defect.empty() && paths_bytes > kAllPathsBytesMax) {
    return absl::StrFormat("the paths of its volumes have %d bytes, at most %d may", paths_bytes,
                           kAllPathsBytesMax);
  }
  return defect;
}

}  // namespace

std::string FindHelloDefect(const v1::Hello& hello) {
  if (std::string defect = FindTooLong(hello); !defect.empty()) return defect;
  if (!daemon::IsName(hello.spu_id())) {
    return absl::StrFormat("SPU id of %d bytes: 1 to %d of [A-Za-z0-9._-] are wanted",
                           hello.spu_id().size(), daemon::kNameBytesMax);
  }
  if (!base::Uuid::FromBytes(hello.spu_uuid())) return "SPU uuid is not 16 bytes";
  if (hello.boot_count() == 0 || hello.attempt() == 0) return "boot count or attempt is 0";
  std::set<std::string> seen;
  for (const v1::HelloVolume& volume : hello.volumes()) {
    if (!base::Uuid::FromBytes(volume.uuid())) return "a volume uuid is not 16 bytes";
    if (!seen.insert(volume.uuid()).second) return "a volume is named twice";
  }
  return "";
}

}  // namespace tidemark::sc
