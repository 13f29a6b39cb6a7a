// Reports as tests write them: a volume with sane marks, full or proven.
#pragma once

#include <cstdint>

#include "base/byte_size.h"
#include "base/uuid.h"
#include "tidemark/sc/v1/control.pb.h"

namespace tidemark::test_support {

inline base::Uuid VolumeUuid(std::uint8_t number) {
  return base::Uuid({0xaa, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, number});
}

inline space::v1::Marks SomeMarks() {
  space::v1::Marks marks;
  marks.set_full_bytes(12 * base::kMiB);
  marks.set_resume_bytes(20 * base::kMiB);
  marks.set_low_bytes(32 * base::kMiB);
  marks.set_full_inodes(64);
  marks.set_resume_inodes(128);
  marks.set_reserve_bytes(8 * base::kMiB);
  marks.set_step_bytes(base::kMiB);
  marks.set_capacity_bytes(256 * base::kMiB);
  return marks;
}

inline sc::v1::Report ReadyReport(const base::Uuid& volume, std::uint64_t generation) {
  sc::v1::Report report;
  report.set_volume(volume.ToBytes());
  report.set_generation(generation);
  report.mutable_holds();
  *report.mutable_marks() = SomeMarks();
  report.set_sequence(generation);
  return report;
}

inline void HoldSpace(sc::v1::Report& report, std::uint64_t episode) {
  report.set_episodes(episode);
  report.mutable_holds()->add_held(space::v1::HOLD_KIND_SPACE);
  report.mutable_holds()->mutable_space()->set_episode(episode);
  report.mutable_holds()->mutable_space()->set_cause(space::v1::SPACE_CAUSE_BYTES);
}

inline sc::v1::Report FullReport(const base::Uuid& volume, std::uint64_t generation,
                                 std::uint64_t episode) {
  sc::v1::Report report = ReadyReport(volume, generation);
  HoldSpace(report, episode);
  return report;
}

inline space::v1::Proof ValidProof(std::uint64_t episode, const space::v1::Marks& marks) {
  space::v1::Proof proof;
  proof.set_episode(episode);
  proof.set_cause(space::v1::SPACE_CAUSE_BYTES);
  *proof.mutable_marks() = marks;
  proof.set_readings(3);
  proof.set_bytes_after(marks.resume_bytes());
  proof.set_counts_inodes(true);
  proof.set_inodes_after(marks.resume_inodes());
  proof.set_reserve_bytes(marks.reserve_bytes());
  proof.set_steps_taken(2);
  proof.set_steps_bytes(2 * marks.step_bytes());
  return proof;
}

inline sc::v1::Report ReclaimedReport(const base::Uuid& volume, std::uint64_t generation,
                                      std::uint64_t episode) {
  sc::v1::Report report = ReadyReport(volume, generation);
  report.set_episodes(episode);
  *report.mutable_proof() = ValidProof(episode, report.marks());
  return report;
}

}  // namespace tidemark::test_support
