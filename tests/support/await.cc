#include "tests/support/await.h"

#include <poll.h>

namespace tidemark::support {

testing::AssertionResult WaitFor(const std::function<bool()>& condition,
                                 std::chrono::nanoseconds deadline, std::string_view what,
                                 std::chrono::milliseconds interval) {
  const auto start = std::chrono::steady_clock::now();
  while (!condition()) {
    if (std::chrono::steady_clock::now() - start >= deadline) {
      return testing::AssertionFailure()
             << "waited " << std::chrono::duration<double>(deadline).count() << " s for " << what;
    }
    ::poll(nullptr, 0, static_cast<int>(interval.count()));
  }
  return testing::AssertionSuccess();
}

}  // namespace tidemark::support
