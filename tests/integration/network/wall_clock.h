// The wall clock of one daemon, which a test moves while the daemon runs.
//
//   WallClock clock;                       // then start the daemon with clock.Environment()
//   clock.JumpBy(-1h);
//   WaitFor([&] { return clock.Noticed(); }, …);
//
// The monotonic clock does not move. The shift outlives the daemon: its next start has it, too.
//
// Lifetime:  the daemon's environment names files that live as long as this.
// Threading: any thread.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/clock.h"
#include "tests/integration/network/clock_page.h"
#include "tests/support/temp_directory.h"

namespace tidemark::network {

class WallClock {
 public:
  static absl::StatusOr<std::unique_ptr<WallClock>> Create();
  ~WallClock();
  WallClock(const WallClock&) = delete;
  WallClock& operator=(const WallClock&) = delete;

  std::vector<std::string> Environment() const;

  void JumpBy(base::Duration by) { page_->shift_ns.fetch_add(by.count()); }
  base::Duration shift() const { return base::Duration(page_->shift_ns.load()); }
  // The daemon has read its clock since the last jump.
  bool Noticed() const { return page_->noticed_ns.load() == page_->shift_ns.load(); }

 private:
  explicit WallClock() = default;

  support::TempDirectory directory_;
  ClockPage* page_ = nullptr;
};

}  // namespace tidemark::network
