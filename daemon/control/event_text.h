// Which lines of history a text means: one rule for the SC's list and for who follows it.
//
// Pure.
#pragma once

#include <string_view>

#include "tidemark/sc/v1/admin.pb.h"

namespace tidemark::daemon {

// True if the name, subject, SPU, volume, from, to or reason holds `text`, whatever the case of
// ASCII letters. Empty text: every event.
bool EventContains(const sc::v1::Event& event, std::string_view text);

}  // namespace tidemark::daemon
