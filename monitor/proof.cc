#include "monitor/proof.h"

#include "absl/strings/str_format.h"

namespace tidemark::monitor {

std::string_view ProofStepName(ProofStep step) {
  switch (step) {
    case ProofStep::kIdentity:
      return "identity";
    case ProofStep::kReadings:
      return "readings";
    case ProofStep::kTakeRoom:
      return "take room";
    case ProofStep::kReadingAfter:
      return "reading after";
    case ProofStep::kNoNewError:
      return "no new error";
    case ProofStep::kPersist:
      return "persist";
  }
  return "unknown step";
}

std::string FindProofDefect(const Proof& proof) {
  if (proof.episode == base::Episode(0)) return "names no episode";
  if (proof.bytes_after < proof.marks.resume_bytes) {
    return absl::StrFormat("%d bytes available after, resume mark is %d", proof.bytes_after,
                           proof.marks.resume_bytes);
  }
  if (proof.counts_inodes && proof.inodes_after < proof.marks.resume_inodes) {
    return absl::StrFormat("%d inodes available after, resume mark is %d", proof.inodes_after,
                           proof.marks.resume_inodes);
  }
  if (proof.reserve_bytes < proof.marks.reserve_bytes) {
    return absl::StrFormat("holds %d bytes of reserve, wants %d", proof.reserve_bytes,
                           proof.marks.reserve_bytes);
  }
  if (proof.steps_bytes < proof.steps_taken * proof.marks.step_bytes) {
    return absl::StrFormat("%d bytes are no %d steps of %d", proof.steps_bytes, proof.steps_taken,
                           proof.marks.step_bytes);
  }
  if (proof.readings < kProofReadings) {
    return absl::StrFormat("%d readings, wants %d", proof.readings, kProofReadings);
  }
  return "";
}

bool LooksPinned(std::int64_t freed_by_us_bytes, std::int64_t observed_gain_bytes) {
  return freed_by_us_bytes > 0 && observed_gain_bytes < freed_by_us_bytes / 2;
}

}  // namespace tidemark::monitor
