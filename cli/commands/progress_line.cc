#include "cli/commands/progress_line.h"

#include <chrono>
#include <ostream>

#include "absl/strings/str_format.h"
#include "base/byte_size.h"

namespace tidemark::cli {
namespace {

constexpr base::Duration kOnTerminal = std::chrono::milliseconds(200);
constexpr base::Duration kElsewhere = std::chrono::seconds(2);

}  // namespace

ProgressLine::ProgressLine(std::ostream& err, bool terminal, std::int64_t total,
                           const base::Clock& clock)
    : err_(err),
      terminal_(terminal),
      total_(total),
      clock_(clock),
      begun_(clock.Now()),
      shown_(begun_) {}

std::string ProgressLine::Text(std::int64_t records, std::int64_t bytes) const {
  const base::Duration passed = clock_.Now() - begun_;
  const double seconds = std::max(1e-3, std::chrono::duration<double>(passed).count());
  const double rate = static_cast<double>(records) / seconds;
  std::string text = absl::StrFormat(
      "%d records, %s, %.0f records/s, %s/s", records, base::FormatByteSize(bytes), rate,
      base::FormatByteSize(static_cast<std::int64_t>(static_cast<double>(bytes) / seconds)));
  if (total_ > 0) {
    text = absl::StrFormat("%3.0f%% of %d: ",
                           100.0 * static_cast<double>(records) / static_cast<double>(total_),
                           total_) +
           text;
    if (rate > 0 && records < total_) {
      const auto left = std::chrono::duration<double>(static_cast<double>(total_ - records) / rate);
      text +=
          ", " + base::FormatDuration(std::chrono::duration_cast<base::Duration>(left)) + " left";
    }
  }
  return text;
}

void ProgressLine::Show(std::int64_t records, std::int64_t bytes) {
  const base::MonotonicTime now = clock_.Now();
  if (now - shown_ < (terminal_ ? kOnTerminal : kElsewhere)) return;
  shown_ = now;
  err_ << (terminal_ ? "\r\x1b[K" : "") << Text(records, bytes) << (terminal_ ? "" : "\n");
  err_.flush();
}

void ProgressLine::End(std::int64_t records, std::int64_t bytes) {
  err_ << (terminal_ ? "\r\x1b[K" : "") << Text(records, bytes) << '\n';
  err_.flush();
}

}  // namespace tidemark::cli
