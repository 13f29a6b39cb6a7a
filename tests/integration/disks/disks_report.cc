#include "tests/integration/disks/disks_report.h"

#include <ostream>

#include "absl/strings/str_format.h"
#include "cli/json_object.h"
#include "daemon/json_text.h"

namespace tidemark::disks {
namespace {

constexpr int kBroken = 1;
constexpr int kVoid = 3;
constexpr int kTryElsewhere = 75;

std::string JsonOf(const std::map<std::string, std::int64_t>& counters) {
  cli::JsonObject object;
  for (const auto& [name, count] : counters) object.Add(name, count);
  return object.ToString();
}

std::string JsonOf(const std::vector<std::string>& texts) {
  std::string array;
  for (const std::string& text : texts) {
    absl::StrAppendFormat(&array, "%s%s", array.empty() ? "" : ",", daemon::JsonString(text));
  }
  return absl::StrFormat("[%s]", array);
}

}  // namespace

void DisksReport::Take(std::string_view case_name, std::string_view said) {
  constexpr std::string_view kSkipped = "skipped ";
  const std::string name(case_name);
  if (said.starts_with(kSkipped)) {
    skipped_.push_back(
        {name, std::string(said.substr(kSkipped.size(), said.find('\n') - kSkipped.size()))});
    return;
  }
  ++ran_;
  const Tally tally = Tally::Parse(said);
  total_.Add(tally);
  if (!tally.violations.empty()) return;  // it ended there
  for (const std::string& missing : tally.Missing()) void_.push_back(name + ": " + missing);
  if (!tally.measured.contains("cycles")) void_.push_back(name + ": no cycle was run");
}

void DisksReport::WantReconnects(std::int64_t least) {
  // Each case had its share to do; of those that this machine cannot run nothing is owed.
  const auto cases = ran_ + std::ssize(skipped_);
  const std::int64_t owed = cases == 0 ? least : least * ran_ / cases;
  if (Measured("reconnects") >= owed) return;
  void_.push_back(absl::StrFormat("%d reconnects of %d", Measured("reconnects"), owed));
}

std::int64_t DisksReport::Measured(const std::string& name) const {
  const auto found = total_.measured.find(name);
  return found == total_.measured.end() ? 0 : found->second;
}

std::int64_t DisksReport::Fired(const std::string& name) const {
  const auto found = total_.fired.find(name);
  return found == total_.fired.end() ? 0 : found->second;
}

double DisksReport::seconds() const {
  return std::chrono::duration<double>(clock_.Now() - begun_).count();
}

int DisksReport::exit_code() const {
  if (!total_.violations.empty() || Measured("unearned_online") > 0) return kBroken;
  if (ran_ == 0) return kTryElsewhere;
  return void_.empty() ? 0 : kVoid;
}

void DisksReport::Print(std::ostream& out) const {
  for (const Skip& skip : skipped_) {
    out << absl::StrFormat("skipped %s: %s\n", skip.name, skip.why);
  }
  for (const std::string& violation : total_.violations) out << "VIOLATION " << violation << '\n';
  for (const std::string& why : void_) out << "void: " << why << '\n';
  out << absl::StrFormat(
      "%d cases, %d skipped: %d cycles, %d reconnects while full, %d kills, %d unearned Online, %d "
      "violations in %.0f s, seed %d\n",
      ran_, skipped_.size(), Measured("cycles"), Measured("reconnects"), Fired("kill"),
      Measured("unearned_online"), total_.violations.size(), seconds(), seed_);
}

std::string DisksReport::Json() const {
  std::vector<std::string> skipped;
  for (const Skip& skip : skipped_) skipped.push_back(skip.name + ": " + skip.why);
  cli::JsonObject object;
  object.Add("ok", exit_code() == 0)
      .AddJson("seed", std::to_string(seed_))
      .Add("seconds", seconds())
      .Add("cases", std::int64_t{ran_})
      .Add("cycles", Measured("cycles"))
      .Add("reconnects", Measured("reconnects"))
      .Add("unearned_online", Measured("unearned_online"))
      .AddJson("violations", JsonOf(total_.violations))
      .AddJson("void", JsonOf(void_))
      .AddJson("skipped", JsonOf(skipped))
      .AddJson("fired", JsonOf(total_.fired))
      .AddJson("planned", JsonOf(total_.planned))
      .AddJson("measured", JsonOf(total_.measured));
  return object.ToString();
}

}  // namespace tidemark::disks
