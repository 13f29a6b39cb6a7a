#include "spu/assignment_book.h"

#include <set>
#include <utility>

#include "absl/strings/str_format.h"
#include "base/uuid.h"

namespace tidemark::spu {
namespace {

namespace sc_pb = tidemark::sc::v1;

std::optional<base::Uuid> UuidOf(const std::string& bytes) {
  std::array<std::uint8_t, 16> raw{};
  if (bytes.size() != raw.size()) return std::nullopt;
  std::copy(bytes.begin(), bytes.end(), raw.begin());
  return base::Uuid(raw);
}

sc_pb::AssignmentResult Refused(const sc_pb::Assignment& assignment,
                                sc_pb::AssignmentRefusal reason, const std::string& detail) {
  sc_pb::AssignmentResult result;
  result.set_partition_id(assignment.partition_id());
  result.set_spec_version(assignment.spec_version());
  result.set_refusal(reason);
  result.set_detail(detail);
  return result;
}

PartitionSpec SpecOf(const sc_pb::Assignment& assignment) {
  PartitionSpec spec;
  spec.state.id = base::PartitionId(assignment.partition_id());
  spec.state.topic = assignment.topic();
  spec.state.index = static_cast<std::uint32_t>(assignment.partition());
  spec.spec_version = assignment.spec_version();
  spec.policy = assignment.policy();
  spec.taken_before = assignment.taken_before();
  return spec;
}

}  // namespace

void AssignmentBook::Apply(const sc_pb::Assignments& assignments) {
  if (!volumes_.all_settled()) {
    if (assignments.full()) early_.clear();
    early_.push_back(assignments);
    taken_early_.clear();
    return TakeOnEarly();
  }
  Begin(assignments);
}

// A volume that is slow to start must not keep those of another from being Online.
void AssignmentBook::TakeOnEarly() {
  if (early_.empty()) return;
  sc_pb::Assignments there;  // version 0: the list itself is not answered yet
  for (const sc_pb::Assignments& assignments : early_) {
    for (const sc_pb::Assignment& assignment : assignments.partitions()) {
      const auto uuid = UuidOf(assignment.volume());
      const Volume* volume = uuid.has_value() ? volumes_.Find(*uuid) : nullptr;
      const base::PartitionId id(assignment.partition_id());
      if (volume == nullptr || !volume->started() || volume->Find(id) == nullptr) continue;
      if (taken_early_.insert(id).second) *there.add_partitions() = assignment;
    }
  }
  if (there.partitions_size() > 0) Begin(there);
}

void AssignmentBook::OnVolumeChanged() {
  if (!volumes_.all_settled()) return TakeOnEarly();
  taken_early_.clear();
  for (const sc_pb::Assignments& assignments : std::exchange(early_, {})) Begin(assignments);
  if (retrying_) return;
  sc_pb::Assignments again;
  again.set_version(version_);
  for (const auto& [id, assignment] : refused_) {
    const auto uuid = UuidOf(assignment.volume());
    const Volume* volume = uuid.has_value() ? volumes_.Find(*uuid) : nullptr;
    if (volume != nullptr && volume->accepting()) *again.add_partitions() = assignment;
  }
  for (const base::PartitionId id : undeleted_) {
    if (all_known() && volumes_.Keeping(id) == nullptr) again.add_tombstones(id.value());
  }
  if (again.partitions_size() == 0 && again.tombstones_size() == 0) return;
  retrying_ = true;
  Begin(again);
}

void AssignmentBook::Begin(const sc_pb::Assignments& assignments) {
  version_ = assignments.version();
  if (assignments.full()) {
    refused_.clear();
    undeleted_.clear();
    MarkUnclaimed(assignments);
  }
  auto round = std::make_shared<Round>();
  round->ack.set_version(assignments.version());
  for (const sc_pb::Assignment& assignment : assignments.partitions()) {
    ++round->open;
    Assign(assignment, round);
  }
  for (const std::uint64_t tombstone : assignments.tombstones()) {
    ++round->open;
    Delete(base::PartitionId(tombstone), round);
  }
  Finish(round);
}

void AssignmentBook::MarkUnclaimed(const sc_pb::Assignments& assignments) {
  std::set<std::uint64_t> named;
  for (const sc_pb::Assignment& assignment : assignments.partitions()) {
    named.insert(assignment.partition_id());
  }
  for (const auto& volume : volumes_.all()) {
    for (const auto& [id, partition] : volume->partitions()) {
      if (!named.contains(id.value())) partition->assigned = false;
    }
  }
}

void AssignmentBook::Assign(const sc_pb::Assignment& assignment,
                            const std::shared_ptr<Round>& round) {
  const base::PartitionId id(assignment.partition_id());
  refused_.erase(id);
  const auto uuid = UuidOf(assignment.volume());
  Volume* volume = uuid.has_value() ? volumes_.Find(*uuid) : nullptr;
  if (volume == nullptr) {
    return Record(round, Refused(assignment, sc_pb::ASSIGNMENT_REFUSAL_UNKNOWN_VOLUME,
                                 "this SPU has no such volume"));
  }
  // Copying between volumes does not exist: a partition stays where its data is.
  if (const Volume* holder = volumes_.Keeping(id); holder != nullptr && holder != volume) {
    return Record(round,
                  Refused(assignment, sc_pb::ASSIGNMENT_REFUSAL_VOLUME_CHANGED,
                          absl::StrFormat("its data is on volume %s", holder->uuid().ToString())));
  }
  volume->Assign(SpecOf(assignment), [this, guard = std::weak_ptr(alive_), id, assignment,
                                      round](sc_pb::AssignmentResult result) {
    if (guard.expired()) return;
    if (!result.ok() && !undeleted_.contains(id)) refused_[id] = assignment;
    Record(round, std::move(result));
  });
}

void AssignmentBook::Delete(base::PartitionId id, const std::shared_ptr<Round>& round) {
  refused_.erase(id);
  undeleted_.insert(id);
  sc_pb::AssignmentResult result;
  result.set_partition_id(id.value());
  result.set_tombstone(true);
  result.set_ok(true);
  Volume* volume = volumes_.Keeping(id);
  if (volume == nullptr) {
    result.set_ok(all_known());
    if (result.ok()) {
      undeleted_.erase(id);
    } else {
      result.set_refusal(sc_pb::ASSIGNMENT_REFUSAL_UNKNOWN_VOLUME);
      result.set_detail("a configured volume is not open; the partition may be on it");
    }
    return Record(round, std::move(result));
  }
  volume->Delete(id, [this, guard = std::weak_ptr(alive_), id, round,
                      result = std::move(result)](const absl::Status& deleted) mutable {
    if (guard.expired()) return;
    result.set_ok(deleted.ok());
    if (deleted.ok()) {
      undeleted_.erase(id);
    } else {
      result.set_refusal(sc_pb::ASSIGNMENT_REFUSAL_DEVICE);
      result.set_detail(std::string(deleted.message()));
    }
    Record(round, std::move(result));
  });
}

void AssignmentBook::Record(const std::shared_ptr<Round>& round, sc_pb::AssignmentResult result) {
  *round->ack.add_results() = std::move(result);
  Finish(round);
}

void AssignmentBook::Finish(const std::shared_ptr<Round>& round) {
  if (--round->open > 0) return;
  retrying_ = false;
  tell_(std::move(round->ack));
}

}  // namespace tidemark::spu
