#include "tests/spu/book_rig.h"

#include <algorithm>

#include "absl/strings/str_format.h"
#include "monitor/volume_format.h"
#include "spu/volume/volume_view.h"

namespace tidemark::spu {

namespace sc_pb = tidemark::sc::v1;

BookRig::BookRig(std::size_t volumes) {
  for (std::size_t i = 0; i < volumes && unavailable_.empty(); ++i) {
    auto small = support::SmallVolume::Create(
        {.kind = support::SmallVolume::Kind::kTmpfs, .size_bytes = 64 * base::kMiB});
    if (!small.ok()) {
      unavailable_ = std::string(small.status().message());
      return;
    }
    auto marker = monitor::FormatVolume(posix_, (*small)->path(), {}, clock_);
    if (!marker.ok())
      unavailable_ = std::string(marker.status().message());
    else
      uuids_.push_back(marker->uuid);
    small_.push_back(*std::move(small));
    disks_.push_back(std::make_unique<support::FaultyFileSystem>(posix_));
  }
}

absl::Status BookRig::Open() {
  std::vector<std::shared_ptr<VolumeDisk>> opened;
  for (std::size_t i = 0; i < small_.size(); ++i) {
    auto disk = VolumeDisk::Open(*disks_[i], clock_, path(i));
    if (!disk.ok()) return disk.status();
    in_use_.push_back(*disk);
    opened.push_back(*std::move(disk));
  }
  loop_ = std::make_unique<support::LoopThread>();
  loop_->Run([&] {
    results_.clear();
    told_.clear();
    for (auto& disk : opened) {
      volumes_.Add(std::make_unique<Volume>(**loop_, clock_, std::move(disk), options_,
                                            static_cast<VolumeListener&>(*this)));
    }
    book_ = std::make_unique<AssignmentBook>(
        volumes_, volumes_complete_, [this](const sc_pb::AssignmentsAck& ack) { OnAck(ack); });
    for (const auto& volume : volumes_.all()) {
      volume->Start([this](const absl::Status&) { book_->OnVolumeChanged(); });
    }
  });
  return absl::OkStatus();
}

void BookRig::Kill() {
  if (loop_ == nullptr) return;
  for (const auto& disk : disks_) disk->Clear();
  loop_->Run([&] {
    book_.reset();
    answered_version_ = 0;
    volumes_.Clear();
  });
  loop_.reset();
  // A thread that hung may still be on its way out.
  EXPECT_TRUE(support::WaitFor(
      [&] { return std::ranges::all_of(in_use_, [](const auto& disk) { return disk.expired(); }); },
      support::kLongWait, "the disks to be let go"));
  in_use_.clear();
}

testing::AssertionResult BookRig::AwaitAccepting(std::size_t volume) {
  const auto accepting = [](Volume& v) { return v.accepting(); };
  return support::WaitFor([&] { return Of<bool>(volume, accepting); }, support::kLongWait,
                          "the gate to open");
}

sc_pb::Assignment BookRig::Assignment(std::uint64_t id, std::size_t volume,
                                      const sc_pb::TopicPolicy& policy) const {
  sc_pb::Assignment assignment;
  assignment.set_partition_id(id);
  assignment.set_topic("orders");
  assignment.set_partition(static_cast<std::int32_t>(id));
  assignment.set_volume(uuids_[volume].ToBytes());
  assignment.set_spec_version(1);
  *assignment.mutable_policy() = policy;
  return assignment;
}

sc_pb::Assignments BookRig::Full(std::vector<sc_pb::Assignment> assignments) {
  sc_pb::Assignments list;
  list.set_full(true);
  list.set_version(1);
  for (sc_pb::Assignment& assignment : assignments) *list.add_partitions() = std::move(assignment);
  return list;
}

sc_pb::Assignments BookRig::Tombstone(std::uint64_t id) {
  sc_pb::Assignments list;
  list.add_tombstones(id);
  return list;
}

void BookRig::Send(std::vector<sc_pb::Assignments> lists) {
  loop_->Run([&] {
    for (const sc_pb::Assignments& list : lists) {
      for (const sc_pb::Assignment& assignment : list.partitions()) {
        results_.erase(assignment.partition_id());
      }
      for (const std::uint64_t id : list.tombstones()) results_.erase(id);
      book_->Apply(list);
    }
  });
}

sc_pb::AssignmentResult BookRig::AwaitResult(std::uint64_t id) {
  sc_pb::AssignmentResult result;
  const auto told = [&](VolumeSet&) {
    if (!results_.contains(id)) return false;
    result = results_.at(id);
    return true;
  };
  EXPECT_TRUE(support::WaitFor([&] { return OnLoop<bool>(told); }, support::kLongWait,
                               absl::StrFormat("the result of partition %d", id)));
  return result;
}

testing::AssertionResult BookRig::AwaitOk(std::uint64_t id) {
  return support::WaitFor([&] { return AwaitResult(id).ok(); }, support::kLongWait,
                          absl::StrFormat("success of partition %d", id));
}

std::vector<std::string> BookRig::Told() {
  return OnLoop<std::vector<std::string>>([this](VolumeSet&) { return told_; });
}

std::uint64_t BookRig::AnsweredVersion() {
  return OnLoop<std::uint64_t>([this](VolumeSet&) { return answered_version_; });
}

AppendResult BookRig::Append(std::uint64_t id, const support::SampleBatch& sample) {
  const storage::Buffer batch = support::MakeBatch(sample);
  auto header = storage::CheckArrivedBatch(batch.bytes(), {});
  EXPECT_OK(header);
  std::promise<AppendResult> promise;
  loop_->Run([&] {
    Volume* volume = volumes_.WithPartition(base::PartitionId(id));
    if (volume == nullptr) {
      ADD_FAILURE() << "partition " << id << " is not here";
      return promise.set_value({});
    }
    volume->Append({base::PartitionId(id), Acks::kDurable, *header, batch,
                    [&](AppendResult result) { promise.set_value(std::move(result)); }});
  });
  return promise.get_future().get();
}

void BookRig::Fill(std::uint64_t id, int batches) {
  for (int n = 0; n < batches; ++n) {
    const AppendResult result = Append(id, {.records = 64, .value_bytes = 1000});
    ASSERT_FALSE(result.refusal.has_value()) << result.refusal->ShortDebugString();
  }
}

// As SpuProcess does: the report first, then what waited for the volume.
void BookRig::OnVolumeChanged(const base::Uuid& uuid) {
  if (const auto truth = TruthOf(*volumes_.Find(uuid), 1); truth.has_value()) {
    for (const sc_pb::LostData& lost : truth->lost_data) {
      told_.push_back(absl::StrFormat("lost %d", lost.partition_id()));
    }
  }
  if (book_ != nullptr) book_->OnVolumeChanged();
}

void BookRig::OnAck(const sc_pb::AssignmentsAck& ack) {
  answered_version_ = std::max(answered_version_, ack.version());
  for (const sc_pb::AssignmentResult& result : ack.results()) {
    if (result.ok()) told_.push_back(absl::StrFormat("ack %d", result.partition_id()));
    results_[result.partition_id()] = result;
  }
}

}  // namespace tidemark::spu
