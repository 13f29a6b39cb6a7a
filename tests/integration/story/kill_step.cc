#include <algorithm>

#include "absl/strings/str_format.h"
#include "base/status_macros.h"
#include "cli/client/spu_client.h"
#include "cli/words.h"
#include "tests/integration/story/steps.h"

namespace tidemark::story {
namespace {

bool HoldsSpace(const space::v1::Volume& volume) {
  return std::ranges::find(volume.holds().held(), space::v1::HOLD_KIND_SPACE) !=
         volume.holds().held().end();
}

// The SC comes back while no SPU can reach it: what it shows is what it had made durable.
absl::Status KillTheController(Stage& stage) {
  stage.wire->Cut();
  stage.sc->Kill9();
  TM_RETURN_IF_ERROR(stage.StartController());
  TM_ASSIGN_OR_RETURN(const auto partitions, stage.Partitions());
  for (const auto& partition : partitions) {
    if (!stage.full_partitions.contains(partition.id())) continue;
    TM_RETURN_IF_ERROR(
        Expect(partition.status() == kFull && !partition.reachable(),
               absl::StrFormat("after kill -9 of the SC %s is %s, reachable: %d",
                               cli::PartitionName(partition.topic(), partition.index()),
                               cli::StatusWord(partition.status()), partition.reachable())));
  }
  stage.reporter.Note("SC killed and back: OutOfSpace from its store, before any SPU spoke to it");
  stage.wire->Restore();
  return stage.WaitForStatus(stage.full_partitions, kFull, true);
}

// The first answer in which the SPU knows its volume at all.
absl::StatusOr<space::v1::Volume> FirstAnswer(const Stage& stage) {
  absl::StatusOr<space::v1::Volume> volume = absl::UnavailableError("no answer");
  const auto answered = support::WaitFor(
      [&] {
        volume = stage.FullVolume();
        return volume.ok() && volume->generation() > 0;
      },
      support::kLongWait, "the restarted SPU to know its volume");
  if (!answered) return absl::DeadlineExceededError(answered.message());
  return volume;
}

absl::Status KillTheAgent(Stage& stage) {
  TM_ASSIGN_OR_RETURN(const auto before, stage.FullVolume());
  stage.spu->Kill9();
  TM_RETURN_IF_ERROR(stage.spu->Start());
  TM_ASSIGN_OR_RETURN(const auto first, FirstAnswer(stage));
  TM_RETURN_IF_ERROR(stage.spu->WaitForPorts().status());
  TM_RETURN_IF_ERROR(
      Expect(HoldsSpace(first) && !first.accepting(),
             "the restarted SPU forgot why its volume was stopped: " + first.ShortDebugString()));
  TM_RETURN_IF_ERROR(Expect(first.holds().space().episode() == stage.episode,
                            absl::StrFormat("the restarted SPU is in episode %d, was in %d",
                                            first.holds().space().episode(), stage.episode)));
  TM_RETURN_IF_ERROR(Expect(first.generation() >= before.generation(),
                            "the restarted SPU went back to an older generation"));
  // Before it looked at the disk for the first time it knew so, from its own record.
  const std::string known = absl::StrFormat(
      "\"volume.verdict_loaded\",\"volume\":\"%s\",\"generation\":%d,\"holds\":"
      "\"space(episode %d",
      stage.full_path, before.generation(), stage.episode);
  TM_RETURN_IF_ERROR(Expect(stage.spu->Log().find(known) != std::string::npos,
                            "the restarted SPU did not load OutOfSpace from its own record"));
  stage.reporter.Measure("known_before_first_reading", true);
  stage.reporter.Note(absl::StrFormat(
      "SPU killed and back: its first answer is OutOfSpace, episode %d, generation %d, %s",
      first.holds().space().episode(), first.generation(),
      first.has_reading() ? "with a first reading" : "before its first reading"));
  TM_RETURN_IF_ERROR(stage.WaitForStatus(stage.full_partitions, kFull, true));
  TM_RETURN_IF_ERROR(
      stage.WaitForStatus(stage.calm_partitions, sc::v1::PARTITION_STATUS_ONLINE, true));
  const std::string opened =
      absl::StrFormat("\"volume.gate_opened\",\"volume\":\"%s\"", stage.full_path);
  return Expect(stage.spu->Log().find(opened) == std::string::npos,
                "the restarted SPU opened the gate of the full volume");
}

}  // namespace

absl::Status KillTheDaemons(Stage& stage) {
  TM_RETURN_IF_ERROR(KillTheController(stage));
  TM_RETURN_IF_ERROR(stage.ProveCalm());
  TM_RETURN_IF_ERROR(KillTheAgent(stage));
  TM_RETURN_IF_ERROR(stage.ProveCalm());
  TM_RETURN_IF_ERROR(stage.watcher->OnlyEver(stage.full_partitions, kFull, false));
  stage.reporter.Measure("controller_starts", static_cast<std::int64_t>(stage.sc->starts()));
  stage.reporter.Measure("agent_starts", static_cast<std::int64_t>(stage.spu->starts()));
  stage.reporter.Measure("looks", stage.watcher->looks());
  return absl::OkStatus();
}

}  // namespace tidemark::story
