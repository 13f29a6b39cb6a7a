#include "tests/integration/faults/fault_run.h"

#include <signal.h>
#include <sys/stat.h>

#include <algorithm>
#include <random>

#include "absl/strings/str_format.h"
#include "base/status_macros.h"
#include "daemon/command_line.h"
#include "monitor/volume_layout.h"
#include "tests/integration/faults/call_names.h"
#include "tests/integration/faults/power_cut.h"
#include "tests/integration/faults/scripted_day.h"
#include "tests/support/await.h"

namespace tidemark::faults {
namespace {

constexpr std::int64_t kSmallRecordBytes = 200;
constexpr std::int64_t kStatBlockBytes = 512;

// Who is told to stop before he serves has nothing to do but to end, and who is told twice (the day
// had lost its patience) ends at once.
bool EndedByRequest(const support::ExitStatus& exit) {
  constexpr int kToldTwice = 128 + SIGTERM;
  return exit.signal == SIGTERM || exit.code == kToldTwice;
}

class Run {
 public:
  Run(Cluster& cluster, const RunPlan& plan)
      : cluster_(cluster), plan_(plan), random_(plan.seed), witness_(cluster) {}

  absl::StatusOr<RunResult> Play();

 private:
  void PlanFaults();
  const FaultKind& LastStruck() const;
  bool WasKilled() const;
  void EndAgent();
  absl::Status TakeWhatIsLost(const FaultKind& by);
  absl::Status CutPower();
  absl::Status Restart();
  absl::Status StartAndGoOn();
  void ComeBack();
  absl::Status GoOn();
  absl::Status ReadEverything();
  absl::Status AwaitOnline();
  absl::Status MakeRoom();
  absl::Status AppendOnce();
  void CheckReserve();
  absl::Status Judge();
  bool EndedBefore(const std::vector<NotedCall>& calls) const;
  absl::Status ShowCallsNearTheFault();
  void Violation(std::string what) { result_.violations.push_back(std::move(what)); }
  std::string slots_path() const {
    return monitor::VolumeLayout(cluster_.volume()).verdict_slots();
  }

  Cluster& cluster_;
  const RunPlan& plan_;
  std::mt19937_64 random_;
  DayLedger ledger_;
  Witness witness_;
  PowerCut power_;
  std::vector<std::uint64_t> power_cuts_;
  std::unique_ptr<ScriptedDay> day_;
  RunResult result_;
};

void Run::PlanFaults() {
  const auto planned = [&](const FaultKind& kind, std::uint64_t from) {
    return PlannedFault{.deed = kind.deed,
                        .from = from,
                        .calls = kind.calls,
                        .error_number = kind.error_number,
                        .sticky = kind.sticky,
                        .stall_ms = kind.kills() ? kind.linger_ms : plan_.stall_ms};
  };
  if (plan_.kind != nullptr) {
    PlannedFault first = planned(*plan_.kind, plan_.from);
    if (plan_.only) {
      first.only_call = plan_.only->call;
      first.only_nth = plan_.only->nth;
      first.only_path = plan_.only->path;
    }
    cluster_.faults().SetPlan(0, first);
  }
  if (plan_.second != nullptr) {
    cluster_.faults().SetPlan(1, planned(*plan_.second, plan_.from + plan_.second_after));
  }
}

const FaultKind& Run::LastStruck() const {
  return cluster_.faults().fired(1) > 0 ? *plan_.second : *plan_.kind;
}

bool Run::WasKilled() const {
  const FaultRecord& faults = cluster_.faults();
  return (plan_.kind != nullptr && plan_.kind->kills() && faults.fired(0) > 0) ||
         (plan_.second != nullptr && plan_.second->kills() && faults.fired(1) > 0);
}

// However the day went, the SPU must not have broken down by itself.
void Run::EndAgent() {
  day_->Disconnect();
  // A day that an error has stopped ends as operators end it: systemctl stop, or kill -9.
  if (!cluster_.AgentExit().has_value()) {
    if (plan_.from % 2 == 0) {
      cluster_.StopAgent().IgnoreError();  // its exit is looked at below
    } else {
      cluster_.KillAgent();
      return;
    }
  }
  const auto exit = cluster_.AgentExit();
  const bool well =
      exit.has_value() &&
      (exit->clean() || EndedByRequest(*exit) || (WasKilled() && exit->signal == SIGKILL) ||
       exit->code == daemon::kExitUnavailable || exit->code == daemon::kExitConfiguration);
  if (!well) {
    Violation(absl::StrFormat("the SPU ended with %s",
                              exit.has_value() ? exit->ToString() : "nothing: it runs on"));
  }
  cluster_.KillAgent();
}

absl::Status Run::TakeWhatIsLost(const FaultKind& by) {
  if (by.aftermath == Aftermath::kPowerCut) return CutPower();
  TM_ASSIGN_OR_RETURN(const auto calls, cluster_.faults().Calls());
  TM_ASSIGN_OR_RETURN(const auto loss, power_.LoseFailed(calls));
  result_.bytes_lost += loss.bytes;
  return absl::OkStatus();
}

absl::Status Run::CutPower() {
  TM_ASSIGN_OR_RETURN(const auto calls, cluster_.faults().Calls());
  power_cuts_.push_back(calls.size());
  TM_ASSIGN_OR_RETURN(const auto loss, power_.LoseUnsynced(calls, &random_));
  result_.bytes_lost += loss.bytes;
  return absl::OkStatus();
}

absl::Status Run::StartAndGoOn() {
  TM_RETURN_IF_ERROR(cluster_.StartAgent());
  return GoOn();
}

// A second fault may meet the start. Nobody helps but the one who starts it again.
absl::Status Run::Restart() {
  const std::uint64_t struck_before = cluster_.faults().fired(1);
  absl::Status status = StartAndGoOn();
  const bool struck = plan_.second != nullptr && cluster_.faults().fired(1) > struck_before;
  cluster_.faults().DropPlan(1);
  if (status.ok() || !struck) return status;
  day_->Disconnect();
  cluster_.KillAgent();
  TM_RETURN_IF_ERROR(TakeWhatIsLost(*plan_.second));
  return StartAndGoOn();
}

absl::Status Run::ReadEverything() {
  TM_ASSIGN_OR_RETURN(const auto listed, cluster_.agent().ListLocalPartitions());
  std::set<std::uint64_t> missing = ledger_.Expected();
  for (const auto& partition : listed.partitions()) {
    missing.erase(partition.id());
    if (ledger_.may_be_gone(partition.id())) continue;
    TM_RETURN_IF_ERROR(ledger_.Compare(cluster_.agent_endpoint(), partition.id()).status());
  }
  if (missing.empty()) return absl::OkStatus();
  return absl::DataLossError(absl::StrFormat("partition id %d is gone", *missing.begin()));
}

absl::Status Run::MakeRoom() {
  TM_ASSIGN_OR_RETURN(const auto listed, cluster_.agent().ListLocalPartitions());
  for (const auto& partition : listed.partitions()) {
    if (ledger_.may_be_gone(partition.id())) continue;
    TM_RETURN_IF_ERROR(day_->Trim(partition.id(), partition.durable_end()));
  }
  return absl::OkStatus();
}

// All that the SC has given out is Online: what was stopped half-way has been finished.
absl::Status Run::AwaitOnline() {
  std::string last;
  const auto online = support::WaitFor(
      [&] {
        const auto view = witness_.LookAtController();
        last = std::string(view.status().message());
        if (!view.ok()) return false;
        return std::ranges::all_of(view->partitions, [&](const sc::v1::Partition& partition) {
          last = partition.ShortDebugString();
          return partition.status() == sc::v1::PARTITION_STATUS_ONLINE;
        });
      },
      support::kLongWait, "all partitions to be Online at the SC", kLookEvery);
  return online ? absl::OkStatus()
                : absl::DeadlineExceededError(absl::StrFormat("%s: %s", online.message(), last));
}

absl::Status Run::AppendOnce() {
  TM_ASSIGN_OR_RETURN(const auto view, witness_.LookAtController());
  for (const sc::v1::Partition& partition : view.partitions) {
    if (ledger_.may_be_gone(partition.id())) continue;
    TM_ASSIGN_OR_RETURN(const Appended appended, day_->Append(partition.id(), kSmallRecordBytes));
    if (appended == Appended::kFull) return absl::ResourceExhaustedError("full again at once");
    break;
  }
  return absl::OkStatus();
}

// Ready on the disk means: the reserve is there, too.
void Run::CheckReserve() {
  const auto calls = cluster_.faults().Calls();
  if (!calls.ok()) return;
  const VerdictHistory history(*calls, slots_path(), power_cuts_);
  const std::uint64_t now = calls->size();
  if (!history.WasReady(now, now)) return;
  const std::int64_t wanted = history.verdicts().back().record.marks.reserve_bytes;
  struct stat st {};
  const std::string reserve = monitor::VolumeLayout(cluster_.volume()).reserve();
  const bool there = stat(reserve.c_str(), &st) == 0;
  const std::int64_t held = there ? std::min(st.st_size, st.st_blocks * kStatBlockBytes) : 0;
  if (held < wanted) {
    Violation(absl::StrFormat("Ready is durable, and of the reserve's %d bytes %d are held", wanted,
                              held));
  }
}

// It may be full, and rightly: then room is made, and a proof must bring it back.
absl::Status Run::GoOn() {
  day_->BePatient();
  TM_RETURN_IF_ERROR(day_->AwaitVerdict());
  TM_RETURN_IF_ERROR(ReadEverything());
  TM_ASSIGN_OR_RETURN(const auto volume, witness_.LookAtAgent());
  if (!volume.accepting()) TM_RETURN_IF_ERROR(MakeRoom());
  TM_RETURN_IF_ERROR(day_->AwaitAccepting());
  return AwaitOnline();
}

void Run::ComeBack() {
  const auto after = [&]() -> absl::Status {
    TM_RETURN_IF_ERROR(Restart());
    TM_RETURN_IF_ERROR(AppendOnce());
    if (!plan_.starts_twice) return absl::OkStatus();
    day_->Disconnect();
    cluster_.KillAgent();
    // The power, too: what the first start has believed must be on the disk by now.
    TM_RETURN_IF_ERROR(CutPower());
    return StartAndGoOn();
  };
  if (absl::Status status = after(); !status.ok()) {
    Violation(absl::StrFormat("it did not come back by itself: %s", status.ToString()));
  }
}

absl::Status Run::Judge() {
  TM_ASSIGN_OR_RETURN(const auto calls, cluster_.faults().Calls());
  const VerdictHistory history(calls, slots_path(), power_cuts_);
  for (std::string& finding : history.ForbiddenTransitions()) Violation(std::move(finding));
  for (std::string& finding : witness_.Judge(history)) Violation(std::move(finding));
  sc::v1::ListEventsRequest refused;
  refused.set_contains("report.refused");
  TM_ASSIGN_OR_RETURN(const auto events, cluster_.controller().ListEvents(refused));
  for (const sc::v1::Event& event : events.events()) {
    Violation(absl::StrFormat("the SC refused a report: %s", event.ShortDebugString()));
  }
  result_.acknowledged = ledger_.acknowledged();
  result_.looks = witness_.looks();
  return absl::OkStatus();
}

// As the notes have it, which are not made by what decides about faults.
bool Run::EndedBefore(const std::vector<NotedCall>& calls) const {
  if (!result_.stopped_by.empty()) return false;
  return std::ranges::none_of(NameCalls(calls, cluster_.scope()), [&](const NamedCall& call) {
    if (plan_.only) return call.name() == plan_.only->name();
    return call.number >= plan_.from && (plan_.kind->calls & BitOf(call.call)) != 0;
  });
}

absl::Status Run::ShowCallsNearTheFault() {
  constexpr std::uint64_t kBefore = 12;
  constexpr std::uint64_t kAfter = 24;
  TM_ASSIGN_OR_RETURN(const auto calls, cluster_.faults().Calls());
  const std::uint64_t struck = cluster_.faults().fired_at(0);
  for (const NotedCall& call : calls) {
    const bool near = call.number + kBefore >= struck && call.number <= struck + kAfter;
    if (near) absl::StrAppendFormat(&result_.near, "  %s\n", call.ToString());
  }
  return absl::OkStatus();
}

absl::StatusOr<RunResult> Run::Play() {
  TM_RETURN_IF_ERROR(cluster_.Renew());
  TM_RETURN_IF_ERROR(power_.Remember(cluster_.scope()));
  PlanFaults();
  day_ = std::make_unique<ScriptedDay>(cluster_, ledger_, witness_);
  const bool undisturbed = plan_.kind == nullptr;
  const absl::Status day = day_->Live(undisturbed);
  if (!day.ok()) result_.stopped_by = day.ToString();
  if (undisturbed && !day.ok()) Violation(absl::StrFormat("without any fault: %s", day.ToString()));
  TM_ASSIGN_OR_RETURN(auto calls, cluster_.faults().Calls());
  if (undisturbed) result_.day = NameCalls(calls, cluster_.scope());
  EndAgent();
  result_.fired = cluster_.faults().fired(0) > 0;
  TM_ASSIGN_OR_RETURN(calls, cluster_.faults().Calls());
  if (const NotedCall struck = cluster_.faults().Struck(0); struck.call != Call::kNone) {
    result_.struck = NameCall(struck, calls, cluster_.scope()).name();
  }
  result_.beyond_the_end = !undisturbed && EndedBefore(calls);
  if (!undisturbed) TM_RETURN_IF_ERROR(TakeWhatIsLost(LastStruck()));
  CheckReserve();
  cluster_.faults().DropPlan(0);
  ComeBack();
  result_.second_fired = plan_.second != nullptr && cluster_.faults().fired(1) > 0;
  TM_RETURN_IF_ERROR(Judge());
  if (!result_.violations.empty()) {
    result_.log = cluster_.Logs();
    if (!undisturbed) TM_RETURN_IF_ERROR(ShowCallsNearTheFault());
  }
  return std::move(result_);
}

}  // namespace

std::string RunPlan::ToString() const {
  if (kind == nullptr) return "an undisturbed day";
  std::string text = absl::StrFormat("%s at call %d", kind->name, from);
  if (only) text = absl::StrFormat("%s at call '%s'", kind->name, only->name());
  if (second != nullptr)
    absl::StrAppendFormat(&text, ", then %s %d calls on", second->name, second_after);
  return absl::StrFormat("%s, seed %d", text, seed);
}

absl::StatusOr<RunResult> RunDay(Cluster& cluster, const RunPlan& plan) {
  return Run(cluster, plan).Play();
}

}  // namespace tidemark::faults
