#include "sc/core/report_table.h"

#include <gtest/gtest.h>

#include <set>

#include "absl/strings/str_format.h"
#include "tests/support/report_builder.h"

namespace tidemark::sc {
namespace {

using test_support::ReadyReport;
using test_support::ValidProof;
using test_support::VolumeUuid;

constexpr std::uint64_t kHeldGeneration = 7;
constexpr std::uint64_t kOpenEpisode = 3;
constexpr int kSubsets = 16;  // of space, blind, operator, device

void SetHolds(v1::Report& report, int subset) {
  space::v1::Holds* holds = report.mutable_holds();
  if (subset & 1) test_support::HoldSpace(report, report.episodes());
  if (subset & 2) {
    holds->add_held(space::v1::HOLD_KIND_BLIND);
    holds->mutable_blind()->set_reason("deadline missed");
  }
  if (subset & 4) {
    holds->add_held(space::v1::HOLD_KIND_OPERATOR);
    holds->mutable_operator_()->set_who("anna");
  }
  if (subset & 8) {
    holds->add_held(space::v1::HOLD_KIND_DEVICE);
    holds->mutable_device()->set_cause(space::v1::DEVICE_CAUSE_IO_ERROR);
  }
}

struct Input {
  bool session_current;
  int held_subset;
  int incoming_subset;
  GenerationStep generation;
  EpisodeStep episode;  // newest episode of the report and, where there is one, of its proof
  ProofState proof;
};

v1::Report Held(const Input& in) {
  v1::Report held = ReadyReport(VolumeUuid(1), kHeldGeneration);
  held.set_episodes(kOpenEpisode);
  SetHolds(held, in.held_subset);
  if (!(in.held_subset & 1)) *held.mutable_proof() = ValidProof(kOpenEpisode, held.marks());
  return held;
}

v1::Report Incoming(const Input& in) {
  if (in.generation == GenerationStep::kEqualSame) return Held(in);
  v1::Report report = ReadyReport(VolumeUuid(1), kHeldGeneration);
  switch (in.generation) {
    case GenerationStep::kLower:
      report.set_generation(kHeldGeneration - 1);
      break;
    case GenerationStep::kNext:
      report.set_generation(kHeldGeneration + 1);
      break;
    case GenerationStep::kJump:
      report.set_generation(kHeldGeneration + 5);
      break;
    case GenerationStep::kEqualOther:
      report.mutable_marks()->set_low_bytes(1);
      break;
    case GenerationStep::kEqualSame:
      break;
  }
  // Earlier: the newest episode is the open one, but what is proven is the one before.
  report.set_episodes(in.episode == EpisodeStep::kLater ? kOpenEpisode + 2 : kOpenEpisode);
  SetHolds(report, in.incoming_subset);
  if (in.proof != ProofState::kAbsent) {
    const std::uint64_t proven =
        in.episode == EpisodeStep::kEarlier ? kOpenEpisode - 1 : report.episodes();
    *report.mutable_proof() = ValidProof(proven, report.marks());
    if (in.proof == ProofState::kShort) report.mutable_proof()->set_readings(2);
  }
  return report;
}

// The rules of the protocol a second time, in prose order, sharing nothing with the table.
v1::ReportRefusal Expected(const Input& in) {
  if (!in.session_current) return v1::REPORT_REFUSAL_STALE_SESSION;
  if (in.generation == GenerationStep::kLower) return v1::REPORT_REFUSAL_LOWER_GENERATION;
  if (in.generation == GenerationStep::kEqualOther) {
    return v1::REPORT_REFUSAL_SAME_GENERATION_OTHER_CONTENT;
  }
  if (in.generation == GenerationStep::kEqualSame) return v1::REPORT_REFUSAL_UNSPECIFIED;
  if (in.incoming_subset & 1) return v1::REPORT_REFUSAL_UNSPECIFIED;  // stays or becomes full
  // Not full after at least one episode: it has to be proven, whatever was held before.
  if (in.proof == ProofState::kAbsent) return v1::REPORT_REFUSAL_PROOF_MISSING;
  if (in.episode == EpisodeStep::kEarlier) return v1::REPORT_REFUSAL_PROOF_EARLIER_EPISODE;
  if (in.proof == ProofState::kShort) return v1::REPORT_REFUSAL_PROOF_SHORT;
  return v1::REPORT_REFUSAL_UNSPECIFIED;
}

std::string Describe(const Input& in) {
  return absl::StrFormat("session %d, held %x, incoming %x, generation %d, episode %d, proof %d",
                         in.session_current, in.held_subset, in.incoming_subset,
                         static_cast<int>(in.generation), static_cast<int>(in.episode),
                         static_cast<int>(in.proof));
}

TEST(ReportTableTest, DecidesEveryCombinationOfHoldsGenerationSessionEpisodeAndProof) {
  int seen = 0;
  for (const bool session : {true, false}) {
    for (int held = 0; held < kSubsets; ++held) {
      for (int incoming = 0; incoming < kSubsets; ++incoming) {
        for (int generation = 0; generation < 5; ++generation) {
          for (int episode = 0; episode < 3; ++episode) {
            for (int proof = 0; proof < 3; ++proof) {
              const Input in{session,
                             held,
                             incoming,
                             static_cast<GenerationStep>(generation),
                             static_cast<EpisodeStep>(episode),
                             static_cast<ProofState>(proof)};
              ReportCase c = SortReport(Held(in), Incoming(in));
              c.session_current = session;
              ASSERT_EQ(DecideReport(c).refusal, Expected(in)) << Describe(in);
              ++seen;
            }
          }
        }
      }
    }
  }
  EXPECT_EQ(seen, 2 * 16 * 16 * 5 * 3 * 3);
}

TEST(ReportTableTest, IsTotalAndHasNoDeadRow) {
  std::set<const char*> used;
  for (int bits = 0; bits < 32; ++bits) {
    for (int generation = 0; generation < 5; ++generation) {
      for (int space = 0; space < 5; ++space) {
        for (int episode = 0; episode < 3; ++episode) {
          for (int proof = 0; proof < 3; ++proof) {
            const ReportCase c{.session_current = (bits & 1) != 0,
                               .volume_known = (bits & 2) != 0,
                               .well_formed = (bits & 4) != 0,
                               .fault_alone = (bits & 16) != 0,
                               .generation = static_cast<GenerationStep>(generation),
                               .episode_went_back = (bits & 8) != 0,
                               .space = static_cast<SpaceStep>(space),
                               .episode = static_cast<EpisodeStep>(episode),
                               .proof = static_cast<ProofState>(proof)};
            used.insert(DecideReport(c).name);
          }
        }
      }
    }
  }
  EXPECT_EQ(used.size(), ReportTable().size());
}

TEST(ReportTableTest, EveryRefusalHasExactlyOneRow) {
  std::multiset<int> refusals;
  for (const ReportRow& row : ReportTable()) refusals.insert(row.refusal);
  for (int refusal = 1; refusal <= v1::ReportRefusal_MAX; ++refusal) {
    // The store's failure is not a judgement of the report.
    const std::size_t rows = refusal == v1::REPORT_REFUSAL_STORE_FAILED ? 0 : 1;
    EXPECT_EQ(refusals.count(refusal), rows)
        << v1::ReportRefusal_Name(static_cast<v1::ReportRefusal>(refusal));
  }
}

TEST(ReportTableTest, GenerationZeroIsTakenWithADeviceFaultAndNothingElse) {
  const v1::Report none;
  v1::Report report;
  report.set_volume(VolumeUuid(1).ToBytes());
  report.mutable_holds();
  EXPECT_EQ(DecideReport(SortReport(none, report)).refusal, v1::REPORT_REFUSAL_MALFORMED);
  report.add_device_faults()->set_cause(space::v1::DEVICE_CAUSE_IO_ERROR);
  for (const v1::Report& held : {none, ReadyReport(VolumeUuid(1), 7)}) {
    EXPECT_EQ(DecideReport(SortReport(held, report)).refusal, v1::REPORT_REFUSAL_UNSPECIFIED);
  }
  report.clear_holds();
  EXPECT_EQ(DecideReport(SortReport(none, report)).refusal, v1::REPORT_REFUSAL_MALFORMED);
}

TEST(ReportTableTest, AnEpisodeThatIsCountedFromTheStartAgainIsRefused) {
  v1::Report held = test_support::FullReport(VolumeUuid(1), 7, 3);
  v1::Report incoming = test_support::FullReport(VolumeUuid(1), 8, 1);
  EXPECT_EQ(DecideReport(SortReport(held, incoming)).refusal, v1::REPORT_REFUSAL_EPISODE_WENT_BACK);
}

TEST(ReportTableTest, AnEmptyOrPartialReportIsMalformedAndNotReady) {
  const v1::Report held = test_support::FullReport(VolumeUuid(1), 7, 3);
  v1::Report no_holds = test_support::ReclaimedReport(VolumeUuid(1), 8, 3);
  no_holds.clear_holds();
  v1::Report no_generation = ReadyReport(VolumeUuid(1), 0);
  v1::Report no_episode = test_support::FullReport(VolumeUuid(1), 8, 3);
  no_episode.set_episodes(0);
  no_episode.mutable_holds()->clear_space();
  v1::Report future_proof = test_support::ReclaimedReport(VolumeUuid(1), 8, 3);
  future_proof.mutable_proof()->set_episode(9);
  for (const v1::Report& report :
       {v1::Report(), no_holds, no_generation, no_episode, future_proof}) {
    EXPECT_EQ(DecideReport(SortReport(held, report)).refusal, v1::REPORT_REFUSAL_MALFORMED)
        << report.ShortDebugString();
  }
}

// All of it is stored, shown and told again: nobody may make that as large as he likes.
TEST(ReportTableTest, AReportIsNotLargerThanWhatItHasToSay) {
  const v1::Report held = ReadyReport(VolumeUuid(1), 7);
  v1::Report kinds = ReadyReport(VolumeUuid(1), 8);
  for (int kind = 0; kind < 65; ++kind) {
    kinds.mutable_holds()->add_held(static_cast<space::v1::HoldKind>(100 + kind));
  }
  v1::Report text = test_support::ReclaimedReport(VolumeUuid(1), 8, 3);
  text.mutable_proof()->set_file_system(std::string(1'000'000, 'x'));
  v1::Report lost = ReadyReport(VolumeUuid(1), 8);
  lost.add_lost_data()->set_reason(std::string(1'000'000, 'x'));
  for (const v1::Report& report : {kinds, text, lost}) {
    EXPECT_EQ(DecideReport(SortReport(held, report)).refusal, v1::REPORT_REFUSAL_MALFORMED);
  }
  v1::Report many = ReadyReport(VolumeUuid(1), 8);
  for (std::uint64_t partition = 1; partition <= 20'000; ++partition) {
    v1::LostData& one = *many.add_lost_data();
    one.set_partition_id(partition);
    one.set_reason(std::string(150, 'x'));
  }
  EXPECT_EQ(FindReportDefect(many), "");
}

TEST(ReportTableTest, NumbersThatTurnOverProveNothing) {
  v1::Report report = test_support::ReclaimedReport(VolumeUuid(1), 8, 3);
  ASSERT_EQ(FindProofShortage(report.proof(), report.marks()), "");
  report.mutable_marks()->set_step_bytes(8);
  report.mutable_proof()->set_steps_taken(std::int64_t{1} << 61);
  report.mutable_proof()->set_steps_bytes(0);
  EXPECT_NE(FindProofShortage(report.proof(), report.marks()), "");
}

TEST(ReportTableTest, TheProofIsJudgedByTheNewestMarks) {
  // The episode is known, or it passed while the SPU was cut off.
  for (const v1::Report& held : {test_support::FullReport(VolumeUuid(1), 7, 3),
                                 test_support::ReclaimedReport(VolumeUuid(1), 7, 2)}) {
    v1::Report report = test_support::ReclaimedReport(VolumeUuid(1), 8, 3);
    EXPECT_EQ(DecideReport(SortReport(held, report)).refusal, v1::REPORT_REFUSAL_UNSPECIFIED);
    report.mutable_marks()->set_resume_bytes(report.marks().resume_bytes() + 1);
    EXPECT_EQ(DecideReport(SortReport(held, report)).refusal, v1::REPORT_REFUSAL_PROOF_SHORT);
  }
}

TEST(ReportTableTest, NewMarksWithoutAnEpisodeCallForNoNewProof) {
  const v1::Report held = test_support::ReclaimedReport(VolumeUuid(1), 7, 3);
  v1::Report report = held;
  report.set_generation(8);
  report.mutable_marks()->set_resume_bytes(report.marks().resume_bytes() + 1);
  EXPECT_EQ(DecideReport(SortReport(held, report)).refusal, v1::REPORT_REFUSAL_UNSPECIFIED);
}

TEST(ReportTableTest, AVolumeThatWasNeverFullHasNothingToProve) {
  EXPECT_EQ(DecideReport(SortReport(v1::Report(), ReadyReport(VolumeUuid(1), 1))).refusal,
            v1::REPORT_REFUSAL_UNSPECIFIED);
}

// Rolled back into an episode whose end is known, and lifted again without a proof.
TEST(ReportTableTest, AnEpisodeThatEndsASecondTimeIsProvenASecondTime) {
  const v1::Report held = test_support::ReclaimedReport(VolumeUuid(1), 7, 3);
  v1::Report report = test_support::ReclaimedReport(VolumeUuid(1), 8, 3);
  report.clear_proof();
  EXPECT_EQ(DecideReport(SortReport(held, report)).refusal, v1::REPORT_REFUSAL_PROOF_MISSING);
  *report.mutable_proof() = ValidProof(3, report.marks());
  report.mutable_proof()->set_readings(2);
  EXPECT_EQ(DecideReport(SortReport(held, report)).refusal, v1::REPORT_REFUSAL_PROOF_SHORT);
}

TEST(ReportTableTest, EveryNumberOfTheProofCounts) {
  const space::v1::Marks marks = test_support::SomeMarks();
  EXPECT_EQ(FindProofShortage(ValidProof(3, marks), marks), "");
  const auto defect = [&](void (*spoil)(space::v1::Proof&)) {
    space::v1::Proof proof = ValidProof(3, marks);
    spoil(proof);
    return FindProofShortage(proof, marks);
  };
  EXPECT_EQ(defect([](auto& p) { p.set_readings(2); }), "2 readings, 3 are needed");
  EXPECT_NE(defect([](auto& p) { p.set_bytes_after(p.bytes_after() - 1); }), "");
  EXPECT_NE(defect([](auto& p) { p.set_inodes_after(p.inodes_after() - 1); }), "");
  EXPECT_NE(defect([](auto& p) { p.set_reserve_bytes(p.reserve_bytes() - 1); }), "");
  EXPECT_NE(defect([](auto& p) { p.set_steps_bytes(p.steps_bytes() - 1); }), "");
  EXPECT_NE(FindProofShortage(ValidProof(3, marks), space::v1::Marks()), "");
  space::v1::Proof btrfs = ValidProof(3, marks);
  btrfs.set_counts_inodes(false);
  btrfs.set_inodes_after(0);
  EXPECT_EQ(FindProofShortage(btrfs, marks), "");
}

}  // namespace
}  // namespace tidemark::sc
