#include "absl/strings/str_format.h"
#include "base/byte_size.h"
#include "base/status_macros.h"
#include "cli/client/spu_client.h"
#include "cli/words.h"
#include "tests/integration/story/steps.h"

namespace tidemark::story {

using support::ForeignFiller;

// A neighbour's file goes, and another process takes the space in the same moment.
absl::Status LetANeighbourTakeTheSpace(Stage& stage) {
  TM_RETURN_IF_ERROR(stage.grabber->StartGrabbing());
  TM_RETURN_IF_ERROR(stage.neighbour->Free());
  stage.reporter.Note(absl::StrFormat("%s freed, and a foreign process is taking them",
                                      base::FormatByteSize(kNeighbourBytes)));
  const auto taken =
      support::WaitFor([&] { return stage.grabber->grabbed_bytes() >= kNeighbourBytes; },
                       support::kLongWait, "the foreign process to take what was freed");
  TM_RETURN_IF_ERROR(Expect(taken, taken.message()));

  // The proof must have looked at it, which a reading far below the full mark shows: the foreign
  // process left nothing. It says at which step it stands and what it lacks.
  const client::SpuClient spu(stage.agent());
  space::v1::Explanation explanation;
  const auto explained = support::WaitFor(
      [&] {
        const auto answer = spu.Explain(stage.full_path);
        if (!answer.ok()) return false;
        explanation = *answer;
        return explanation.proof().bytes_short() > 0 &&
               explanation.proof().step() != space::v1::PROOF_STEP_UNSPECIFIED &&
               explanation.volume().reading().available_bytes() < stage.full_bytes / 2;
      },
      support::kLongWait, "volume explain to tell the failed step and the bytes short");
  TM_RETURN_IF_ERROR(Expect(explained, explained.message()));
  TM_ASSIGN_OR_RETURN(const auto told, stage.Type({"volume", "explain", stage.full_path}));
  stage.reporter.Note("\n" + told.output);
  TM_RETURN_IF_ERROR(Expect(told.output.find("step ") != std::string::npos &&
                                told.output.find("short") != std::string::npos,
                            "volume explain names neither step nor bytes short"));
  TM_RETURN_IF_ERROR(stage.ProveCalm());
  TM_RETURN_IF_ERROR(
      stage.WaitForStatus(stage.full_partitions, sc::v1::PARTITION_STATUS_OUT_OF_SPACE, true));
  TM_RETURN_IF_ERROR(
      stage.watcher->OnlyEver(stage.full_partitions, sc::v1::PARTITION_STATUS_OUT_OF_SPACE, false));
  // The other volume is written all the time and Online whenever the SC can see it.
  TM_RETURN_IF_ERROR(stage.watcher->OnlyEver(stage.calm_partitions, sc::v1::PARTITION_STATUS_ONLINE,
                                             /*only_while_reachable=*/true));
  Reporter& reporter = stage.reporter;
  reporter.Measure("freed_bytes", kNeighbourBytes);
  reporter.Measure("grabbed_bytes", stage.grabber->grabbed_bytes());
  reporter.Measure("proof_step",
                   std::string_view(space::v1::ProofStep_Name(explanation.proof().step())));
  reporter.Measure("bytes_short", explanation.proof().bytes_short());
  reporter.Measure("looks", stage.watcher->looks());
  return absl::OkStatus();
}

}  // namespace tidemark::story
