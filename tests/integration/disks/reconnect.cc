// Losing the connection, again and again, and what the SC shows after each return.
#include "absl/strings/str_format.h"
#include "base/errno_status.h"
#include "base/status_macros.h"
#include "tests/integration/disks/cycle.h"
#include "tests/support/await.h"

namespace tidemark::disks {
namespace {

// Every so often the wire stays cut until the SC has noticed; else it is back before.
constexpr int kLongCutEvery = 4;

absl::Status LoseAndReturn(Cluster& cluster, bool noticed, sc::v1::PartitionStatus status,
                           Tally& tally) {
  TM_ASSIGN_OR_RETURN(const std::uint64_t session, cluster.Session());
  if (noticed) {
    cluster.wire().Cut();
    const absl::Status lost = cluster.WaitForStatus(status, false);
    cluster.wire().Restore();
    TM_RETURN_IF_ERROR(lost);
  } else {
    cluster.wire().Reset();
  }
  TM_RETURN_IF_ERROR(cluster.WaitForSession(session, status));
  tally.Plan(noticed ? "cut" : "reset");
  tally.Fire(noticed ? "cut" : "reset");
  tally.Count("reconnects");
  return absl::OkStatus();
}

}  // namespace

absl::Status Reconnect(Cluster& cluster, int count, sc::v1::PartitionStatus status, Tally& tally) {
  for (int i = 0; i < count; ++i) {
    const bool noticed = i % kLongCutEvery == 0;
    const absl::Status returned = LoseAndReturn(cluster, noticed, status, tally);
    TM_RETURN_IF_ERROR(
        base::Annotate(returned, absl::StrFormat("reconnect %d of %d", i + 1, count)));
  }
  return absl::OkStatus();
}

}  // namespace tidemark::disks
