#include "tests/integration/disks/tally.h"

#include <cstdlib>
#include <utility>

#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"

namespace tidemark::disks {
namespace {

using Counters = std::map<std::string, std::int64_t>;

void AddTo(Counters& to, const Counters& more) {
  for (const auto& [name, count] : more) to[name] += count;
}

std::string Lines(std::string_view kind, const Counters& counters) {
  std::string text;
  for (const auto& [name, count] : counters) {
    absl::StrAppendFormat(&text, "%s %s %d\n", std::string(kind), name, count);
  }
  return text;
}

}  // namespace

std::vector<std::string> Tally::Missing() const {
  std::vector<std::string> missing;
  for (const auto& [name, wanted] : planned) {
    const auto found = fired.find(name);
    const std::int64_t count = found == fired.end() ? 0 : found->second;
    if (count >= wanted) continue;
    missing.push_back(absl::StrFormat("%s fired %d times of %d", name, count, wanted));
  }
  return missing;
}

void Tally::Add(const Tally& other) {
  AddTo(planned, other.planned);
  AddTo(fired, other.fired);
  AddTo(measured, other.measured);
  violations.insert(violations.end(), other.violations.begin(), other.violations.end());
}

std::string Tally::Serialize() const {
  std::string text =
      Lines("planned", planned) + Lines("fired", fired) + Lines("measured", measured);
  for (const std::string& violation : violations) {
    text += "violation " + absl::StrReplaceAll(violation, {{"\n", " | "}}) + "\n";
  }
  return text;
}

Tally Tally::Parse(std::string_view text) {
  Tally tally;
  const std::string copy(text);
  const std::vector<std::string> lines = absl::StrSplit(copy, '\n', absl::SkipEmpty());
  for (const std::string& line : lines) {
    const std::vector<std::string> words = absl::StrSplit(line, absl::MaxSplits(' ', 1));
    if (words.size() < 2) continue;
    if (words[0] == "violation") {
      tally.violations.push_back(words[1]);
      continue;
    }
    Counters& counters = words[0] == "planned" ? tally.planned
                         : words[0] == "fired" ? tally.fired
                                               : tally.measured;
    const std::size_t space = words[1].rfind(' ');
    if (space == std::string::npos) continue;
    counters[words[1].substr(0, space)] += std::atoll(words[1].c_str() + space);
  }
  return tally;
}

}  // namespace tidemark::disks
