#include "absl/strings/str_format.h"
#include "base/status_macros.h"
#include "cli/client/controller_client.h"
#include "tests/integration/story/steps.h"

namespace tidemark::story {
namespace {

constexpr int kLines = 10;

// A person writes a few lines into one partition and reads them again.
absl::Status WriteAndReadLines(Stage& stage, const sc::v1::Partition& partition) {
  std::vector<std::uint64_t> tags;
  std::string lines;
  for (int i = 0; i < kLines; ++i) {
    tags.push_back(stage.ledger.NextTag());
    lines += stage.ledger.ValueOf(partition.id(), tags.back()) + "\n";
  }
  const std::string index = std::to_string(partition.index());
  TM_RETURN_IF_ERROR(
      stage.Type({"produce", partition.topic(), "--partition", index}, 0, lines).status());
  stage.ledger.TakeLines(partition.id(), 0, tags);
  TM_ASSIGN_OR_RETURN(const auto read,
                      stage.Type({"consume", partition.topic(), "--partition", index}));
  return Expect(read.output == lines, "consume printed something else than was produced");
}

}  // namespace

absl::Status ServeRecords(Stage& stage) {
  TM_RETURN_IF_ERROR(stage.StartDaemons());
  stage.reporter.Note(absl::StrFormat("SC at %s, SPU at %s with two volumes on %s",
                                      stage.controller(), stage.agent(), stage.file_system()));
  // The SPU may still be on its way to the SC.
  const auto attached = support::WaitFor(
      [&] {
        const client::ControllerClient controller(stage.controller());
        const auto spus = controller.ListSpus();
        if (!spus.ok() || spus->spus_size() == 0) return false;
        int up = 0;
        for (const auto& volume : spus->spus(0).volumes()) {
          if (volume.reach() == sc::v1::REACH_UP && volume.holds().held_size() == 0) ++up;
        }
        return up == 2;
      },
      support::kLongWait, "both volumes to be Ready at the SC");
  TM_RETURN_IF_ERROR(Expect(attached, attached.message()));
  TM_RETURN_IF_ERROR(stage.Type({"topic", "create", "orders", "--partitions", "4"}).status());
  TM_ASSIGN_OR_RETURN(const auto partitions, stage.Partitions());
  std::set<std::uint64_t> all;
  for (const auto& partition : partitions) all.insert(partition.id());
  TM_RETURN_IF_ERROR(Expect(all.size() == 4, "the topic has not four partitions"));
  TM_RETURN_IF_ERROR(stage.WaitForStatus(all, sc::v1::PARTITION_STATUS_ONLINE, true));
  TM_RETURN_IF_ERROR(stage.ChooseVolumes());
  TM_RETURN_IF_ERROR(WriteAndReadLines(stage, partitions.front()));
  TM_RETURN_IF_ERROR(stage.ProveCalm());
  stage.reporter.Measure("partitions", static_cast<std::int64_t>(partitions.size()));
  stage.reporter.Measure("acknowledged_records", stage.ledger.acknowledged());
  return absl::OkStatus();
}

}  // namespace tidemark::story
