#include <memory>
#include <stop_token>

#include "absl/strings/str_format.h"
#include "base/status_macros.h"
#include "cli/commands/commands.h"
#include "cli/table.h"
#include "cli/words.h"

namespace tidemark::cli {
namespace {

using sc::v1::Event;

struct EventsOptions {
  std::string contains;
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

bool Matches(const Event& event, const std::string& contains) {
  return event.name().find(contains) != std::string::npos ||
         event.subject().find(contains) != std::string::npos ||
         event.reason().find(contains) != std::string::npos;
}

void PrintTable(Output& output, const sc::v1::ListEventsResponse& events) {
  Table table({{"#", Align::kRight}, {"TIME"}, {"EVENT"}, {"SUBJECT"}, {"CHANGE"}, {"REASON"}});
  for (const Event& event : events.events()) {
    table.AddRow({std::to_string(event.number()), TimeText(event.at_unix_ms()), event.name(),
                  event.subject(), ChangeText(event), event.reason()});
  }
  output.Print(table);
}

absl::Status Follow(Invocation& invocation, const EventsOptions& options, std::uint64_t after) {
  Output& output = invocation.output;
  return invocation.Controller().WatchEvents(after, std::stop_token(),
                                             [&](const sc::v1::WatchEventsResponse& more) {
                                               for (const Event& event : more.events()) {
                                                 if (!Matches(event, options.contains)) continue;
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
  return Follow(invocation, options, last);
}

}  // namespace

void AddEventsCommand(Command& root, Invocation& invocation) {
  const auto options = std::make_shared<EventsOptions>();
  root.Sub("events", "History with reasons: episodes, refusals, sessions")
      .Example("tidemark events", "the newest 200, newest last")
      .Example("tidemark events --contains out_of_space --follow", "")
      .Option("--contains", options->contains, "TEXT", "in the name, subject or reason")
      .Option("--limit", options->limit, {1, 1000}, "N", "at most so many, 1 to 1000 (200)")
      .Flag("--follow", options->follow, "go on with what happens now")
      .Runs([&invocation, options] { return Finish(invocation, Events(invocation, *options)); });
}

}  // namespace tidemark::cli
