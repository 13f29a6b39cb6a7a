#include <algorithm>
#include <chrono>
#include <memory>
#include <stop_token>

#include "absl/strings/str_format.h"
#include "absl/time/time.h"
#include "base/byte_size.h"
#include "base/clock.h"
#include "base/status_macros.h"
#include "cli/commands/commands.h"
#include "cli/table.h"
#include "cli/words.h"
#include "daemon/control/event_text.h"

namespace tidemark::cli {
namespace {

using sc::v1::Event;

struct EventsOptions {
  std::string contains;
  std::string since;
  std::string until;
  std::int64_t before = 0;
  std::int64_t limit = 200;
  bool follow = false;
};

std::string ChangeText(const Event& event) {
  if (event.from().empty() && event.to().empty()) return "";
  return event.from().empty() ? event.to() : event.from() + " -> " + event.to();
}

std::string LineOf(const Event& event) {
  std::string line =
      absl::StrFormat("%s  %s  %s", TimeText(event.at_unix_ms()), event.name(), event.subject());
  if (const std::string change = ChangeText(event); !change.empty()) line += "  " + change;
  if (!event.reason().empty()) line += "  " + event.reason();
  return line;
}

// A time ("2026-11-23T04:00:00Z") or how long ago ("15m"). Empty: 0.
absl::StatusOr<base::WallMillis> ParseMoment(const char* option, const std::string& text) {
  if (text.empty()) return 0;
  absl::Time time;
  std::string ignored;
  if (absl::ParseTime(absl::RFC3339_full, text, &time, &ignored)) return absl::ToUnixMillis(time);
  if (const auto ago = base::ParseDuration(text); ago.ok()) {
    return base::SystemClock().WallNow() - *ago / std::chrono::milliseconds(1);
  }
  return absl::InvalidArgumentError(absl::StrFormat(
      "%s '%s' is neither a time (2026-11-23T04:00:00Z) nor how long ago (15m)", option, text));
}

// What the SC does for a list, for what it tells later.
bool Matches(const Event& event, const sc::v1::ListEventsRequest& wanted) {
  return event.at_unix_ms() >= wanted.since_unix_ms() &&
         daemon::EventContains(event, wanted.contains());
}

void PrintTable(Output& output, const sc::v1::ListEventsResponse& events) {
  Table table({{"#", Align::kRight}, {"TIME"}, {"EVENT"}, {"SUBJECT"}, {"CHANGE"}, {"REASON"}});
  for (const Event& event : events.events()) {
    table.AddRow({std::to_string(event.number()), TimeText(event.at_unix_ms()), event.name(),
                  event.subject(), ChangeText(event), event.reason()});
  }
  output.Print(table);
}

absl::Status Follow(Invocation& invocation, const sc::v1::ListEventsRequest& wanted,
                    std::uint64_t after) {
  Output& output = invocation.output;
  return invocation.Controller().WatchEvents(after, std::stop_token(),
                                             [&](const sc::v1::WatchEventsResponse& more) {
                                               for (const Event& event : more.events()) {
                                                 if (!Matches(event, wanted)) continue;
                                                 if (output.json()) {
                                                   if (!output.PrintJsonLine(event).ok())
                                                     return false;
                                                 } else {
                                                   output.Print(LineOf(event));
                                                 }
                                               }
                                               output.Flush();
                                               return output.out().good();
                                             });
}

absl::Status Events(Invocation& invocation, const EventsOptions& options) {
  sc::v1::ListEventsRequest request;
  request.set_contains(options.contains);
  request.set_limit(static_cast<std::int32_t>(options.limit));
  TM_ASSIGN_OR_RETURN(const base::WallMillis since, ParseMoment("--since", options.since));
  TM_ASSIGN_OR_RETURN(const base::WallMillis until, ParseMoment("--until", options.until));
  request.set_since_unix_ms(since);
  request.set_until_unix_ms(until);
  request.set_before_number(static_cast<std::uint64_t>(options.before));
  TM_ASSIGN_OR_RETURN(const auto events, invocation.Controller().ListEvents(request));
  if (!options.follow) {
    if (invocation.output.json()) return invocation.output.PrintJson(events);
    PrintTable(invocation.output, events);
    return absl::OkStatus();
  }
  std::uint64_t last = 0;
  for (const Event& event : events.events()) {
    last = std::max(last, event.number());
    if (invocation.output.json()) {
      TM_RETURN_IF_ERROR(invocation.output.PrintJsonLine(event));
    } else {
      invocation.output.Print(LineOf(event));
    }
  }
  invocation.output.Flush();
  return Follow(invocation, request, last);
}

}  // namespace

void AddEventsCommand(Command& root, Invocation& invocation) {
  const auto options = std::make_shared<EventsOptions>();
  root.Sub("events", "History with reasons: episodes, refusals, sessions")
      .Example("tidemark events", "the newest 200, newest last")
      .Example("tidemark events --contains out_of_space --follow", "")
      .Example("tidemark events --since 2h --contains node-1", "what node-1 did")
      .Example("tidemark events --before 4711", "the page before event 4711")
      .Option("--contains", options->contains, "TEXT",
              "in the name, subject, SPU, volume, change or reason; case is ignored")
      .Option("--since", options->since, "TIME", "from then on: a time, or how long ago (15m)")
      .Option("--until", options->until, "TIME", "before that time")
      .Option("--before", options->before, {1}, "N", "before event number N: turns back a page")
      .Option("--limit", options->limit, {1, 1000}, "N", "at most so many, 1 to 1000 (200)")
      .Flag("--follow", options->follow, "go on with what happens now")
      .Excludes("--until")
      .Excludes("--before")
      .Runs([&invocation, options] { return Finish(invocation, Events(invocation, *options)); });
}

}  // namespace tidemark::cli
