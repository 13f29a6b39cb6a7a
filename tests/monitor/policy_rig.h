// A volume around a SpacePolicy: a disk in memory that does what the policy asks for, when told to,
// and a checker that knows the promises but nothing of how the policy keeps them.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "monitor/space_policy.h"

namespace tidemark::monitor {

// Facts that an outsider can see, and the promises over them. `violations` stays empty.
struct PromiseChecker {
  std::vector<std::string> violations;

  // Readings in a row, newest last, that an outsider would count for a proof.
  struct Seen {
    base::MonotonicTime started;
    std::int64_t bytes = 0;
    std::int64_t inodes = 0;
  };
  std::vector<Seen> streak;
  bool error_in_streak = false;     // ENOSPC since the first of them
  bool error_in_attempt = false;    // … or since, of those before the room was asked for
  bool took_room_in_order = false;  // three settled readings, then room taken, none failing since
  std::optional<base::MonotonicTime> room_taken_at;
  bool seen_after = false;

  void Require(bool condition, const std::string& what) {
    if (!condition) violations.push_back(what);
  }
  void ForgetProof() {
    streak.clear();
    error_in_attempt = false;
    took_room_in_order = false;
    room_taken_at.reset();
    seen_after = false;
  }
};

class PolicyRig {
 public:
  static constexpr std::int64_t kCapacity = 256 * base::kMiB;
  static constexpr std::int64_t kInodes = 10'000;

  PolicyRig();

  // A formatted volume whose reserve is held and that was Ready at generation 1.
  void MakeReady();
  // As after a kill: the disk is what it is, the policy is new. Open takings are lost.
  void Boot(bool slot_unreadable = false);
  void Kill();

  // One event, and whatever is asked for is noted.
  void Do(const SpaceEvent& event);
  void Pass(base::Duration duration) { now_ = now_ + duration; }
  void Tick() { Do(event::Tick{}); }

  // Answers to what was asked for; false where nothing was.
  bool AnswerReading();
  bool AnswerReadingWith(ReadingOutcome outcome);
  bool AnswerPersist(bool ok = true, bool unknown_on_disk = true, bool reached_disk = false);
  bool AnswerRoom();
  bool AnswerVerify();
  bool AnswerReclaim();
  // Answers everything and lets time pass by the policy's own wake-ups, until done() or the limit.
  bool RunUntil(const std::function<bool()>& done, base::Duration limit);
  void Run(base::Duration duration);
  bool RunUntilOpen(base::Duration limit) {
    return RunUntil([this] { return policy().gate_open(); }, limit);
  }

  // The last events and what came of them.
  std::string Story(std::size_t lines) const;

  ReadingOutcome ReadDisk() const;
  std::int64_t available() const { return kCapacity - foreign_ - reserve_ - steps_ - data_; }
  SpacePolicy& policy() { return *policy_; }
  bool booted() const { return policy_ != nullptr; }
  const Marks& marks() const { return marks_; }
  Instant at() const { return {now_, now_.since_start().count() / 1'000'000}; }
  base::MonotonicTime now() const { return now_; }
  bool Held() const { return !policy_->wanted_holds().empty() || policy_->device_fault(); }

  // The disk.
  void Fill(std::int64_t leave_available) { foreign_ += available() - leave_available; }
  void Free(std::int64_t bytes) { foreign_ = std::max<std::int64_t>(0, foreign_ - bytes); }
  std::int64_t foreign_ = 0;
  std::int64_t data_ = 0;
  std::int64_t root_only_bytes_ = 0;  // free, and for root alone
  std::int64_t reserve_ = 0;
  std::int64_t steps_ = 0;
  std::int64_t steps_before_refusal_ = 1'000'000;  // of the next taking
  bool reserve_damaged_ = false;
  std::int64_t inodes_available_ = 5'000;
  VolumeIdentity identity_{1, 2};
  bool read_only_ = false;
  std::int64_t quota_left_ = kCapacity;  // what an allocation gets, whatever statvfs shows
  int trials_ = 0;
  std::int64_t steal_at_taking_ = 0;  // a neighbour takes this much while room is being taken
  VerdictRecord on_disk_;

  base::Duration sync_takes_{0};  // before each reading, from the next on

  // What was asked for and not answered yet.
  std::optional<VerdictRecord> persisting_;
  bool reading_ = false;
  base::MonotonicTime reading_due_;
  std::optional<action::TakeRoom> taking_;
  bool verifying_ = false;
  bool reclaiming_ = false;
  std::int64_t reclaim_wanted_bytes_ = 0;

  std::vector<action::Report> reports_;
  std::vector<std::string> trace_;  // actions by name, in order
  PromiseChecker checker_;
  PolicyOptions options_;
  Marks marks_;

 private:
  void Note(const SpaceActions& actions);
  void NotePersist(const VerdictRecord& record);
  void CheckGate();
  void CountReading(const ReadingOutcome& outcome);

  std::unique_ptr<SpacePolicy> policy_;
  base::MonotonicTime now_{std::chrono::seconds(1000)};
  std::vector<std::string> story_;
  bool gate_ = false;
  bool device_fault_ = false;
  std::set<std::uint64_t> generations_;  // ever handed to the disk
  std::optional<PromiseChecker::Seen> newest_;
};

}  // namespace tidemark::monitor
