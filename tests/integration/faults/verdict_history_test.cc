// What the history of a volume's verdicts must not contain.
#include "tests/integration/faults/verdict_history.h"

#include <algorithm>
#include <list>

#include "gmock/gmock.h"
#include "monitor/verdict_codec.h"
#include "storage/fs/slot_pair.h"

namespace tidemark::faults {
namespace {

using monitor::VerdictRecord;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr char kSlots[] = "/v/verdict.slots";

VerdictRecord Ready(std::uint64_t generation) {
  VerdictRecord record;
  record.generation = base::Generation(generation);
  return record;
}

VerdictRecord Full(std::uint64_t generation, std::uint64_t episode) {
  VerdictRecord record = Ready(generation);
  record.episode = base::Episode(episode);
  record.holds.space = monitor::SpaceHold{.episode = base::Episode(episode)};
  return record;
}

VerdictRecord Proven(std::uint64_t generation, std::uint64_t episode) {
  VerdictRecord record = Ready(generation);
  record.episode = base::Episode(episode);
  monitor::Proof proof;
  proof.episode = base::Episode(episode);
  proof.marks = {.capacity_bytes = 100,
                 .step_bytes = 1,
                 .reserve_bytes = 5,
                 .full_bytes = 10,
                 .resume_bytes = 20};
  proof.bytes_after = 30;
  proof.reserve_bytes = 5;
  proof.readings = monitor::kProofReadings;
  record.last_proof = proof;
  return record;
}

// Notes as the shim would make them.
class Notes {
 public:
  Notes& Write(const VerdictRecord& record) {
    const auto bytes = storage::EncodeSlot(storage::MakeSlotKind("VRDT"), record.generation.value(),
                                           monitor::EncodeVerdict(record));
    auto& kept = bytes_.emplace_back(bytes.size());
    std::transform(bytes.begin(), bytes.end(), kept.begin(),
                   [](std::byte b) { return std::to_integer<unsigned char>(b); });
    Add(Call::kWrite).written = kept;
    return *this;
  }
  Notes& Sync(int error_number = 0) {
    Add(Call::kSync).error_number = error_number;
    return *this;
  }
  VerdictHistory History(const std::vector<std::uint64_t>& power_cuts = {}) const {
    return VerdictHistory(calls_, kSlots, power_cuts);
  }

 private:
  NotedCall& Add(Call call) {
    const std::uint64_t before = calls_.size();
    NotedCall& note = calls_.emplace_back();
    note.call = call;
    note.path = kSlots;
    note.notes_before = before;
    note.done = true;
    return note;
  }

  std::list<std::vector<unsigned char>> bytes_;
  std::vector<NotedCall> calls_;
};

TEST(VerdictHistoryTest, KnowsTheTransitionsThatNoRuleAllows) {
  VerdictRecord short_proof = Proven(3, 1);
  short_proof.last_proof->bytes_after = 19;
  VerdictRecord no_proof = Proven(3, 1);
  no_proof.last_proof.reset();
  VerdictRecord earlier_proof = Proven(3, 2);
  earlier_proof.last_proof->episode = base::Episode(1);
  struct Row {
    const char* why;  // empty: allowed
    VerdictRecord from;
    VerdictRecord to;
  };
  const Row rows[] = {
      {"", Ready(1), Full(2, 1)},
      {"", Full(2, 1), Proven(3, 1)},
      {"", Full(2, 1), Proven(9, 2)},
      {"without a proof", Full(2, 1), no_proof},
      {"a proof that is none", Full(2, 1), short_proof},
      {"proof of an earlier episode", Full(2, 2), earlier_proof},
      {"generation did not grow", Full(2, 1), Proven(2, 1)},
      {"generation did not grow", Full(5, 1), Proven(4, 1)},
      {"episode went back", Full(2, 2), Full(3, 1)},
  };
  for (const Row& row : rows) {
    const auto found =
        Notes().Write(row.from).Sync().Write(row.to).Sync().History().ForbiddenTransitions();
    if (*row.why == '\0') {
      EXPECT_THAT(found, IsEmpty());
    } else {
      EXPECT_THAT(found, ElementsAre(HasSubstr(row.why)));
    }
  }
}

TEST(VerdictHistoryTest, IsReadyOnlyWhereReadyWasDurable) {
  const VerdictHistory history =
      Notes().Write(Ready(1)).Sync().Write(Full(2, 1)).Sync().Write(Proven(3, 1)).Sync().History();
  EXPECT_FALSE(history.WasReady(0, 1));
  EXPECT_TRUE(history.WasReady(0, 2)) << "became ready in the window";
  EXPECT_TRUE(history.WasReady(2, 3)) << "the hold is not durable yet";
  EXPECT_TRUE(history.WasReady(3, 4)) << "was ready when the window began";
  EXPECT_FALSE(history.WasReady(4, 5));
  EXPECT_TRUE(history.WasReady(6, 6));
}

TEST(VerdictHistoryTest, ALostVerdictIsNoVerdict) {
  const auto failed = Notes().Write(Ready(1)).Sync(EIO).Sync().History();
  EXPECT_EQ(failed.DurableGeneration(base::Generation(1), kNever), nullptr);
  const auto cut = Notes().Write(Ready(1)).Write(Full(2, 1)).Sync().History({1});
  EXPECT_EQ(cut.DurableGeneration(base::Generation(1), kNever), nullptr);
  EXPECT_NE(cut.DurableGeneration(base::Generation(2), kNever), nullptr);
  // Written over itself by the next start: then it is one.
  const auto again = Notes().Write(Ready(1)).Sync(EIO).Write(Ready(1)).Sync().History();
  EXPECT_NE(again.DurableGeneration(base::Generation(1), kNever), nullptr);
  EXPECT_THAT(again.ForbiddenTransitions(), IsEmpty());
}

}  // namespace
}  // namespace tidemark::faults
