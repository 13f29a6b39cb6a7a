// Verdict records that use every field, for tests of what is durable.
#pragma once

#include "monitor/verdict_record.h"

namespace tidemark::monitor {

inline base::Uuid SampleVolume() {
  return base::Uuid({0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x46, 0x17, 0x98, 0x19, 0x1a, 0x1b, 0x1c,
                     0x1d, 0x1e, 0x1f});
}

inline Proof SampleProof() {
  Proof proof;
  proof.episode = base::Episode(3);
  proof.cause = SpaceCause::kInodes;
  proof.marks = DeriveMarks(256 * base::kMiB, 4096);
  proof.bytes_before = 1'000'001;
  proof.bytes_after = 80'000'002;
  proof.inodes_before = 33;
  proof.inodes_after = 444;
  proof.counts_inodes = true;
  proof.freed_by_us_bytes = 50'000'003;
  proof.observed_gain_bytes = 49'000'004;
  proof.steps_taken = 4;
  proof.steps_bytes = 2'097'152;
  proof.reserve_bytes = 8'388'608;
  proof.file_system = "ext4";
  proof.settle = std::chrono::milliseconds(2005);
  proof.readings = 6;
  proof.reading_age_max = std::chrono::microseconds(7007);
  proof.taking = std::chrono::microseconds(8008);
  proof.at_wall = 1'790'000'000'009;
  return proof;
}

// Everything set: no two fields alike, so that a swapped pair shows.
inline VerdictRecord SampleVerdict() {
  VerdictRecord record;
  record.volume = SampleVolume();
  record.generation = base::Generation(42);
  record.holds.space = SpaceHold{.episode = base::Episode(4),
                                 .cause = SpaceCause::kQuota,
                                 .unproven = true,
                                 .since_wall = 1'790'000'000'001};
  record.holds.blind = BlindHold{.reason = "3 readings missed", .since_wall = 1'790'000'000'002};
  record.holds.operator_hold =
      OperatorHold{.who = "anna", .why = "new disk", .since_wall = 1'790'000'000'003};
  record.holds.device = DeviceHold{.cause = DeviceCause::kSyncFailed,
                                   .detail = "fdatasync: EIO",
                                   .since_wall = 1'790'000'000'004};
  record.marks = DeriveMarks(512 * base::kMiB, 8192);
  record.marks_set_by = "configuration";
  record.episode = base::Episode(4);
  record.last_proof = SampleProof();
  return record;
}

// One space hold, as most records are.
inline VerdictRecord SpaceVerdict(std::uint64_t generation) {
  VerdictRecord record;
  record.volume = SampleVolume();
  record.generation = base::Generation(generation);
  record.episode = base::Episode(1);
  record.holds.space = SpaceHold{.episode = base::Episode(1), .since_wall = 1};
  record.marks_set_by = "defaults";
  return record;
}

inline VerdictRecord FreshVerdict() {
  VerdictRecord record;
  record.volume = SampleVolume();
  record.marks_set_by = "defaults";
  return record;
}

}  // namespace tidemark::monitor
