#include "tests/integration/network/fault.h"

#include <signal.h>

#include <array>
#include <fstream>
#include <string>

#include "absl/strings/str_format.h"
#include "base/status_macros.h"
#include "tests/support/await.h"

namespace tidemark::network {
namespace {

using std::chrono::hours;
using story::Expect;
using support::TcpCut;

TcpCut& Wire(Arena& arena) { return *arena.stage().wire; }
support::DaemonProcess& Sc(Arena& arena) { return *arena.stage().sc; }
support::DaemonProcess& Spu(Arena& arena) { return *arena.stage().spu; }

absl::Status Nothing(Arena& /*arena*/) { return absl::OkStatus(); }

// The new session afterwards is the evidence.
absl::Status SeenLater(Arena& /*arena*/, const Agreement& /*before*/) { return absl::OkStatus(); }

absl::Status LeaderOffline(Arena& arena, const Agreement& /*before*/) {
  return arena.AwaitLeaderOffline();
}

absl::Status Restore(Arena& arena) {
  Wire(arena).Restore();
  return absl::OkStatus();
}

// Wires.

absl::Status Cut(Arena& arena) {
  Wire(arena).Cut();
  return absl::OkStatus();
}

absl::Status Reset(Arena& arena) {
  Wire(arena).Reset();
  return absl::OkStatus();
}

absl::Status LoseWayToSc(Arena& arena) {
  Wire(arena).Stall(TcpCut::Direction::kToServer);
  return absl::OkStatus();
}

absl::Status LoseWayToSpu(Arena& arena) {
  Wire(arena).Stall(TcpCut::Direction::kToClient);
  return absl::OkStatus();
}

absl::Status LoseBothWays(Arena& arena) {
  TM_RETURN_IF_ERROR(LoseWayToSc(arena));
  return LoseWayToSpu(arena);
}

// The wire works again, but not for what was open: the SPU's last try is lost, too.
absl::Status ForgetAndRestore(Arena& arena) {
  Wire(arena).Forget();
  return Restore(arena);
}

// Processes that stand still.

char StateOf(pid_t pid) {
  std::ifstream file(absl::StrFormat("/proc/%d/stat", pid));
  std::string line;
  std::getline(file, line);
  const std::size_t at = line.rfind(") ");
  return at == std::string::npos ? '?' : line[at + 2];
}

absl::Status Stopped(support::DaemonProcess& daemon) {
  const auto stopped = support::WaitFor([&] { return StateOf(daemon.pid()) == 'T'; },
                                        support::kLongWait, "the process to stand still");
  return Expect(stopped, stopped.message());
}

absl::Status StopSc(Arena& arena) {
  Sc(arena).Stop();
  return absl::OkStatus();
}

absl::Status StopSpu(Arena& arena) {
  Spu(arena).Stop();
  return absl::OkStatus();
}

absl::Status ScStands(Arena& arena, const Agreement& /*before*/) {
  TM_RETURN_IF_ERROR(Stopped(Sc(arena)));
  return arena.AwaitDetached();  // a lease of silence
}

absl::Status SpuStands(Arena& arena, const Agreement& /*before*/) {
  TM_RETURN_IF_ERROR(Stopped(Spu(arena)));
  return arena.AwaitLeaderOffline();
}

absl::Status ContinueSc(Arena& arena) {
  Sc(arena).Continue();
  return absl::OkStatus();
}

absl::Status ContinueSpu(Arena& arena) {
  Spu(arena).Continue();
  return absl::OkStatus();
}

// Processes that die.

absl::Status KillSc(Arena& arena) {
  Sc(arena).Kill9();
  return absl::OkStatus();
}

absl::Status KillSpu(Arena& arena) {
  Spu(arena).Kill9();
  return absl::OkStatus();
}

absl::Status Killed(support::DaemonProcess& daemon) {
  TM_ASSIGN_OR_RETURN(const auto exit, daemon.WaitForExit());
  return Expect(exit.signal == SIGKILL, "ended by itself: " + exit.ToString());
}

absl::Status ScIsDead(Arena& arena, const Agreement& /*before*/) {
  TM_RETURN_IF_ERROR(Killed(Sc(arena)));
  return arena.AwaitDetached();
}

absl::Status SpuIsDead(Arena& arena, const Agreement& /*before*/) {
  TM_RETURN_IF_ERROR(Killed(Spu(arena)));
  return arena.AwaitLeaderOffline();
}

// The time to start counts as time to converge.
absl::Status StartSc(Arena& arena) { return arena.stage().StartController(); }
absl::Status StartSpu(Arena& arena) { return arena.stage().StartAgent(); }

// Wall clocks. The shifts add up, so that later faults meet clocks that are years apart.

constexpr base::Duration kFarthest = hours(24 * 20'000);

void Jump(WallClock& clock, base::Duration by) {
  clock.JumpBy(clock.shift() + by > kFarthest ? -clock.shift() : by);
}

template <int kHours>
absl::Status JumpSc(Arena& arena) {
  Jump(arena.sc_clock(), hours(kHours));
  return absl::OkStatus();
}

template <int kHours>
absl::Status JumpSpu(Arena& arena) {
  Jump(arena.spu_clock(), hours(kHours));
  return absl::OkStatus();
}

absl::Status Noticed(const WallClock& clock) {
  const auto noticed =
      support::WaitFor([&] { return clock.Noticed(); }, support::kLongWait, "the clock to jump");
  return Expect(noticed, noticed.message());
}

absl::Status ScNoticed(Arena& arena, const Agreement& /*before*/) {
  return Noticed(arena.sc_clock());
}

absl::Status SpuNoticed(Arena& arena, const Agreement& /*before*/) {
  return Noticed(arena.spu_clock());
}

constexpr Fault Clock(const char* name, absl::Status (*jump)(Arena&),
                      absl::Status (*noticed)(Arena&, const Agreement&)) {
  return {.name = name,
          .strike = jump,
          .bitten = noticed,
          .end = &Nothing,
          .new_session = false,
          .unnoticed = true,
          .keeps_up = false};
}

constexpr int kThousandDays = 24 * 1000;

constexpr std::array kFaults = {
    Fault{.name = "cut", .strike = &Cut, .bitten = &LeaderOffline, .end = &Restore},
    // It ends at once: time counts from the reset.
    Fault{
        .name = "rst", .strike = &Nothing, .bitten = &SeenLater, .end = &Reset, .keeps_up = false},
    Fault{
        .name = "one_way_to_sc", .strike = &LoseWayToSc, .bitten = &LeaderOffline, .end = &Restore},
    Fault{.name = "one_way_to_spu",
          .strike = &LoseWayToSpu,
          .bitten = &LeaderOffline,
          .end = &Restore},
    Fault{.name = "stall", .strike = &LoseBothWays, .bitten = &LeaderOffline, .end = &Restore},
    Fault{.name = "half_open",
          .strike = &LoseBothWays,
          .bitten = &LeaderOffline,
          .end = &ForgetAndRestore},
    Fault{.name = "stop_sc", .strike = &StopSc, .bitten = &ScStands, .end = &ContinueSc},
    Fault{.name = "stop_spu",
          .strike = &StopSpu,
          .bitten = &SpuStands,
          .end = &ContinueSpu,
          .new_session = false,  // a lease that ran out comes back with the next heartbeat
          .spu_serves = false},
    Clock("sc_clock_minus_1h", &JumpSc<-1>, &ScNoticed),
    Clock("sc_clock_plus_1h", &JumpSc<1>, &ScNoticed),
    Clock("sc_clock_plus_1000d", &JumpSc<kThousandDays>, &ScNoticed),
    Clock("spu_clock_minus_1h", &JumpSpu<-1>, &SpuNoticed),
    Clock("spu_clock_plus_1h", &JumpSpu<1>, &SpuNoticed),
    Clock("spu_clock_plus_1000d", &JumpSpu<kThousandDays>, &SpuNoticed),
    Fault{.name = "kill_sc", .strike = &KillSc, .bitten = &ScIsDead, .end = &StartSc},
    Fault{.name = "kill_spu",
          .strike = &KillSpu,
          .bitten = &SpuIsDead,
          .end = &StartSpu,
          .spu_serves = false},
};

}  // namespace

std::span<const Fault> Faults() { return kFaults; }

}  // namespace tidemark::network
