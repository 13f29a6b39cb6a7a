#include "sc/core/topic_name.h"

#include <algorithm>

#include "absl/strings/escaping.h"
#include "absl/strings/str_format.h"
#include "daemon/control/names.h"

namespace tidemark::sc {

using daemon::kNameBytesMax;

absl::Status CheckTopicName(std::string_view name) {
  if (name.empty()) return absl::InvalidArgumentError("topic name '' refused: it is empty");
  if (name.size() > kNameBytesMax) {
    return absl::InvalidArgumentError(absl::StrFormat(
        "topic name refused: %d characters, at most %d", name.size(), kNameBytesMax));
  }
  if (name == "." || name == "..") {
    return absl::InvalidArgumentError(
        absl::StrFormat("topic name '%s' refused: it names a directory", name));
  }
  const auto bad = std::find_if_not(name.begin(), name.end(), daemon::IsNameCharacter);
  if (bad != name.end()) {
    return absl::InvalidArgumentError(
        absl::StrFormat("topic name '%s' refused: '%s' at %d, allowed are A-Z a-z 0-9 . _ -",
                        absl::CHexEscape(absl::string_view(name.data(), name.size())),
                        absl::CHexEscape(absl::string_view(&*bad, 1)), bad - name.begin()));
  }
  return absl::OkStatus();
}

}  // namespace tidemark::sc
