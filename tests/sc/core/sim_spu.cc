#include "tests/sc/core/sim_spu.h"

#include <algorithm>
#include <utility>

#include "tests/support/report_builder.h"

namespace tidemark::sc {
namespace {

using test_support::ReadyReport;
using test_support::ValidProof;

bool HasSpace(const v1::Report& record) { return record.holds().has_space(); }

void RemoveKind(space::v1::Holds* holds, space::v1::HoldKind kind) {
  auto* held = holds->mutable_held();
  held->erase(std::remove(held->begin(), held->end(), kind), held->end());
}

}  // namespace

SimSpu::SimSpu(const std::vector<base::Uuid>& volumes, std::uint64_t seed)
    : volumes_(volumes), random_(seed) {
  disk_.identity.spu_uuid = base::Uuid({0x55});
  for (const base::Uuid& volume : volumes_) {
    disk_.records[volume] = ReadyReport(volume, 1);
    disk_.written[volume].push_back(disk_.records[volume]);
  }
}

spu::LinkEffects SimSpu::Boot(base::MonotonicTime now) {
  faults_.clear();
  unwritten_.clear();
  ++disk_.identity.boot_count;
  spu::LinkOptions options;
  options.spu_id = "spu-a";
  options.boot_nonce = random_();
  options.backoff_seed = random_();
  link_.emplace(options, disk_.identity);
  spu::LinkEffects effects;
  for (const base::Uuid& volume : volumes_) {
    (void)link_->AddVolume(volume, "/volume", now);
    (void)link_->SetReport(ReportNow(volume), now);
  }
  return effects;
}

v1::Report SimSpu::ReportNow(const base::Uuid& volume) const {
  const auto unwritten = unwritten_.find(volume);
  v1::Report report = unwritten == unwritten_.end() ? disk_.records.at(volume) : unwritten->second;
  if (const auto fault = faults_.find(volume); fault != faults_.end()) {
    *report.add_device_faults() = fault->second;
  }
  return report;
}

spu::LinkEffects SimSpu::Write(v1::Report record, base::MonotonicTime now) {
  record.set_generation(record.generation() + 1);
  const auto volume = *base::Uuid::FromBytes(record.volume());
  if (bugs_.tells_before_durable) {
    unwritten_[volume] = record;
  } else {
    disk_.records[volume] = record;
    disk_.written[volume].push_back(record);
  }
  return link_->SetReport(ReportNow(volume), now);
}

void SimSpu::FlushUnwritten() {
  for (const auto& [volume, record] : unwritten_) {
    disk_.records[volume] = record;
    disk_.written[volume].push_back(record);
  }
  unwritten_.clear();
}

spu::LinkEffects SimSpu::OutOfSpace(const base::Uuid& volume, base::MonotonicTime now) {
  FlushUnwritten();
  v1::Report record = disk_.records.at(volume);
  if (HasSpace(record)) return {};
  record.clear_proof();
  test_support::HoldSpace(record, record.episodes() + 1);
  return Write(std::move(record), now);
}

spu::LinkEffects SimSpu::Reclaim(const base::Uuid& volume, base::MonotonicTime now) {
  FlushUnwritten();
  v1::Report record = disk_.records.at(volume);
  if (!HasSpace(record)) return {};
  record.mutable_holds()->clear_space();
  RemoveKind(record.mutable_holds(), space::v1::HOLD_KIND_SPACE);
  *record.mutable_proof() = ValidProof(record.episodes(), record.marks());
  return Write(std::move(record), now);
}

spu::LinkEffects SimSpu::ReclaimFalsely(const base::Uuid& volume, Lie lie,
                                        base::MonotonicTime now) {
  FlushUnwritten();
  v1::Report record = disk_.records.at(volume);
  if (!HasSpace(record)) return {};
  record.mutable_holds()->clear_space();
  RemoveKind(record.mutable_holds(), space::v1::HOLD_KIND_SPACE);
  switch (lie) {
    case Lie::kNoProof:
      record.clear_proof();
      break;
    case Lie::kShortProof:
      *record.mutable_proof() = ValidProof(record.episodes(), record.marks());
      record.mutable_proof()->set_bytes_after(record.marks().resume_bytes() - 1);
      break;
    case Lie::kEarlierEpisode:
      *record.mutable_proof() = ValidProof(record.episodes() - 1, record.marks());
      break;
  }
  return Write(std::move(record), now);
}

spu::LinkEffects SimSpu::ToggleBlind(const base::Uuid& volume, base::MonotonicTime now) {
  FlushUnwritten();
  v1::Report record = disk_.records.at(volume);
  if (record.holds().has_blind()) {
    record.mutable_holds()->clear_blind();
    RemoveKind(record.mutable_holds(), space::v1::HOLD_KIND_BLIND);
  } else {
    record.mutable_holds()->mutable_blind()->set_reason("no reading in time");
    record.mutable_holds()->add_held(space::v1::HOLD_KIND_BLIND);
  }
  return Write(std::move(record), now);
}

spu::LinkEffects SimSpu::ToggleOperator(const base::Uuid& volume, base::MonotonicTime now) {
  FlushUnwritten();
  v1::Report record = disk_.records.at(volume);
  if (record.holds().has_operator_()) {
    record.mutable_holds()->clear_operator_();
    RemoveKind(record.mutable_holds(), space::v1::HOLD_KIND_OPERATOR);
  } else {
    record.mutable_holds()->mutable_operator_()->set_who("anna");
    record.mutable_holds()->add_held(space::v1::HOLD_KIND_OPERATOR);
  }
  return Write(std::move(record), now);
}

spu::LinkEffects SimSpu::ChangeMarks(const base::Uuid& volume, base::MonotonicTime now) {
  FlushUnwritten();
  v1::Report record = disk_.records.at(volume);
  record.mutable_marks()->set_resume_bytes(record.marks().resume_bytes() + base::kMiB);
  return Write(std::move(record), now);
}

spu::LinkEffects SimSpu::FailDevice(const base::Uuid& volume, base::MonotonicTime now) {
  faults_[volume].set_cause(space::v1::DEVICE_CAUSE_SYNC_FAILED);
  return link_->SetReport(ReportNow(volume), now);
}

spu::LinkEffects SimSpu::Wiped(const spu::Wiped& wiped, base::MonotonicTime now) {
  if (bugs_.ignores_wiped) return {};
  FlushUnwritten();
  v1::Report record = disk_.records.at(wiped.volume);
  record.set_generation(std::max(record.generation(), wiped.known_generation.value()));
  record.mutable_holds()->clear_space();
  RemoveKind(record.mutable_holds(), space::v1::HOLD_KIND_SPACE);
  record.clear_proof();
  test_support::HoldSpace(record, std::max(record.episodes(), wiped.known_episode.value()) + 1);
  record.mutable_holds()->mutable_space()->set_unproven(true);
  return Write(std::move(record), now);
}

spu::LinkEffects SimSpu::ProofRefused(const spu::ProofRefused& refused, base::MonotonicTime now) {
  if (bugs_.ignores_proof_refused) return {};
  return OutOfSpace(refused.volume, now);
}

void SimSpu::WipeDisk(const base::Uuid& volume) { disk_.records[volume] = ReadyReport(volume, 1); }

void SimSpu::RollBackDisk(const base::Uuid& volume, std::size_t records) {
  const auto& written = disk_.written.at(volume);
  disk_.records[volume] = written[written.size() - 1 - std::min(records, written.size() - 1)];
}

}  // namespace tidemark::sc
