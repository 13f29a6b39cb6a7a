// Waiting for something another thread or process does, without sleeping a guessed time.
//
//   ASSERT_TRUE(WaitFor([&] { return link.connected(); }, 10s, "the link to connect"));
#pragma once

#include <chrono>
#include <functional>
#include <string_view>

#include "gtest/gtest.h"

namespace tidemark::support {

// Generous: only a broken program reaches it.
inline constexpr std::chrono::seconds kLongWait{30};

// Asks `condition` at once and then every `interval` until it is true. A failure says what was
// waited for and how long.
testing::AssertionResult WaitFor(const std::function<bool()>& condition,
                                 std::chrono::nanoseconds deadline, std::string_view what,
                                 std::chrono::milliseconds interval = std::chrono::milliseconds(2));

}  // namespace tidemark::support
