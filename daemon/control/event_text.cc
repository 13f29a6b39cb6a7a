#include "daemon/control/event_text.h"

#include <algorithm>

#include "absl/strings/ascii.h"

namespace tidemark::daemon {
namespace {

bool SameLetter(char a, char b) {
  return absl::ascii_tolower(static_cast<unsigned char>(a)) ==
         absl::ascii_tolower(static_cast<unsigned char>(b));
}

}  // namespace

bool EventContains(const sc::v1::Event& event, std::string_view text) {
  if (text.empty()) return true;
  const std::string_view fields[] = {event.name(), event.subject(), event.spu_id(), event.volume(),
                                     event.from(), event.to(),      event.reason()};
  return std::any_of(std::begin(fields), std::end(fields), [text](std::string_view field) {
    return std::search(field.begin(), field.end(), text.begin(), text.end(), SameLetter) !=
           field.end();
  });
}

}  // namespace tidemark::daemon
