#include "absl/strings/str_format.h"
#include "base/status_macros.h"
#include "tests/integration/story/steps.h"

namespace tidemark::story {

absl::Status ReadEverythingBack(Stage& stage) {
  std::int64_t read = 0;
  for (const auto& partitions : {stage.full_partitions, stage.calm_partitions}) {
    for (const std::uint64_t partition : partitions) {
      TM_ASSIGN_OR_RETURN(const ReadBack back, stage.ledger.ReadAll(stage.agent(), partition));
      read += back.records;
    }
  }
  const std::int64_t acknowledged = stage.ledger.acknowledged();
  TM_RETURN_IF_ERROR(Expect(
      stage.ledger.unread() == 0,
      absl::StrFormat("%d acknowledged records were never read back", stage.ledger.unread())));
  stage.reporter.Note(absl::StrFormat(
      "%d records were acknowledged; each was read back, once, in order, byte for byte (%d of them "
      "are still in the log, the others were read before they were trimmed)",
      acknowledged, read));
  stage.reporter.Measure("acknowledged_records", acknowledged);
  stage.reporter.Measure("records_in_log", read);
  stage.reporter.Measure("lost_records", std::int64_t{0});
  return absl::OkStatus();
}

}  // namespace tidemark::story
