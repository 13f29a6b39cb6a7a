#include "cli/color.h"

#include <unistd.h>

#include <cstdlib>

#include "absl/strings/str_format.h"

namespace tidemark::cli {
namespace {

std::string_view CodeOf(Color color) {
  switch (color) {
    case Color::kNone:
      return "";
    case Color::kGood:
      return "32";
    case Color::kWarning:
      return "33";
    case Color::kBad:
      return "1;31";
    case Color::kDim:
      return "2";
    case Color::kBold:
      return "1";
  }
  return "";
}

}  // namespace

std::string Painted(std::string_view text, Color color, bool colors) {
  if (!colors || color == Color::kNone || text.empty()) return std::string(text);
  return absl::StrFormat("\x1b[%sm%s\x1b[0m", CodeOf(color), text);
}

bool WantsColor(int descriptor) {
  const char* no_color = std::getenv("NO_COLOR");
  if (no_color != nullptr && *no_color != '\0') return false;
  const char* terminal = std::getenv("TERM");
  if (terminal == nullptr || std::string_view(terminal) == "dumb") return false;
  return isatty(descriptor) != 0;
}

}  // namespace tidemark::cli
