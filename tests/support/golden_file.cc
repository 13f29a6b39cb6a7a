#include "tests/support/golden_file.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "absl/strings/str_format.h"

namespace tidemark::support {
namespace {

constexpr std::size_t kBytesPerLine = 16;

std::string PathOf(std::string_view name) {
  return absl::StrFormat("%s/tests/golden/%s", TIDEMARK_SOURCE_DIR, name);
}

std::string ReadTextAt(const std::string& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

std::string ReadText(std::string_view name) { return ReadTextAt(PathOf(name)); }

std::string Line(std::size_t position, std::span<const std::byte> bytes) {
  std::string line = absl::StrFormat("%08x ", position);
  std::string letters;
  for (const std::byte byte : bytes) {
    const auto value = std::to_integer<unsigned char>(byte);
    line += absl::StrFormat(" %02x", value);
    letters += value >= 0x20 && value < 0x7F ? static_cast<char>(value) : '.';
  }
  return absl::StrFormat("%s  |%s|\n", line, letters);
}

}  // namespace

std::string HexDump(std::span<const std::byte> bytes) {
  std::string dump;
  for (std::size_t at = 0; at < bytes.size(); at += kBytesPerLine) {
    const auto line = bytes.subspan(at, std::min(kBytesPerLine, bytes.size() - at));
    if (std::ranges::all_of(line, [](std::byte b) { return b == std::byte{0}; })) continue;
    dump += Line(at, line);
  }
  return dump + absl::StrFormat("%08x\n", bytes.size());
}

std::vector<std::byte> ReadGolden(std::string_view name) {
  std::istringstream dump(ReadText(name));
  std::vector<std::byte> bytes;
  std::string line;
  while (std::getline(dump, line)) {
    std::istringstream words(line.substr(0, line.find('|')));
    std::size_t position = 0;
    words >> std::hex >> position;
    bytes.resize(position);  // zero lines left out, and the size in the last line
    for (unsigned value = 0; words >> std::hex >> value;) {
      bytes.push_back(static_cast<std::byte>(value));
    }
  }
  EXPECT_FALSE(bytes.empty()) << "no golden file " << PathOf(name);
  return bytes;
}

testing::AssertionResult MatchesGolden(std::string_view name, std::span<const std::byte> bytes) {
  const std::string dump = HexDump(bytes);
  if (const char* update = std::getenv("TIDEMARK_UPDATE_GOLDEN");
      update != nullptr && std::string_view(update) == "1") {
    std::ofstream(PathOf(name)) << dump;
    return testing::AssertionSuccess();
  }
  const std::string golden = ReadText(name);
  if (golden == dump) return testing::AssertionSuccess();
  return testing::AssertionFailure() << "differs from " << PathOf(name) << ", is\n"
                                     << dump << "golden\n"
                                     << golden;
}

testing::AssertionResult DocumentShows(std::string_view document, std::string_view name) {
  const std::string text = ReadTextAt(absl::StrFormat("%s/%s", TIDEMARK_SOURCE_DIR, document));
  const std::string golden = ReadText(name);
  if (!golden.empty() && text.find("```\n" + golden + "```") != std::string::npos) {
    return testing::AssertionSuccess();
  }
  return testing::AssertionFailure() << document << " does not show " << name << ":\n" << golden;
}

}  // namespace tidemark::support
