#include "tests/cli/fake/fake_spu.h"

#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

#include <algorithm>

#include "base/check.h"
#include "storage/codec/batch_builder.h"
#include "storage/codec/batch_codec.h"
#include "storage/codec/record_reader.h"
#include "tidemark/log/v1/log.grpc.pb.h"
#include "tidemark/space/v1/volume_service.grpc.pb.h"

namespace tidemark::cli {

using grpc::ServerContext;
using grpc::ServerReaderWriter;
using grpc::Status;
using namespace log::v1;  // NOLINT(google-build-using-namespace): request and response names

using ProduceStream = ServerReaderWriter<ProduceResponse, ProduceRequest>;
using ConsumeStream = ServerReaderWriter<ConsumeResponse, ConsumeRequest>;

struct FakeSpu::Services final : ProduceService::Service,
                                 ConsumeService::Service,
                                 LogService::Service,
                                 space::v1::VolumeService::Service {
  explicit Services(FakeSpu& owner) : fake(owner) {
    grpc::EnableDefaultHealthCheckService(true);
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
    builder.RegisterService(static_cast<ProduceService::Service*>(this));
    builder.RegisterService(static_cast<ConsumeService::Service*>(this));
    builder.RegisterService(static_cast<LogService::Service*>(this));
    builder.RegisterService(static_cast<space::v1::VolumeService::Service*>(this));
    server = builder.BuildAndStart();
    server->GetHealthCheckService()->SetServingStatus("sleepy", false);
  }
  ~Services() override { server->Shutdown(std::chrono::system_clock::now()); }

  Status Produce(ServerContext*, ProduceStream* stream) override {
    ProduceRequest request;
    if (!stream->Read(&request) || !request.has_start()) {
      return Status(grpc::StatusCode::INVALID_ARGUMENT, "no start");
    }
    ProduceResponse first;
    *first.mutable_started() = fake.started;
    stream->Write(first);
    SetOpen(stream);
    Status status = Status::OK;
    while (stream->Read(&request)) {
      ProduceResponse response;
      if (!Answer(request.append(), *response.add_results())) {
        status = Status(grpc::StatusCode::UNAVAILABLE, "broken by the test");
        break;
      }
      Write(*stream, response);
    }
    SetOpen(nullptr);
    return status;
  }

  // False if the stream is to break.
  bool Answer(const Append& append, AppendResult& result) {
    base::MutexLock lock(fake.mutex_);
    while (fake.held_ && !fake.broken_) fake.changed_.Wait(fake.mutex_);
    if (fake.broken_) return false;
    result.set_sequence(append.sequence());
    result.set_partition_id(append.partition_id());
    const auto refusal = fake.refusals_.find(append.partition_id());
    if (refusal != fake.refusals_.end()) {
      *result.mutable_refusal() = refusal->second;
      ++fake.refused_;
      return true;
    }
    Partition& partition = fake.partitions_[append.partition_id()];
    result.set_base_offset(partition.end());
    fake.Store(partition, append.batch());
    result.set_durable_end(partition.end());
    result.set_records(partition.batch_records.back());
    return true;
  }

  Status Consume(ServerContext*, ConsumeStream* stream) override {
    ConsumeRequest request;
    if (!stream->Read(&request) || !request.has_start()) {
      return Status(grpc::StatusCode::INVALID_ARGUMENT, "no start");
    }
    const ConsumeStart& start = request.start();
    std::vector<std::string> batches;
    std::vector<std::int64_t> ends;
    {
      base::MutexLock lock(fake.mutex_);
      batches = fake.partitions_[start.partition_id()].stamped;
      ends = fake.partitions_[start.partition_id()].ends;
    }
    const std::int64_t end = ends.empty() ? 0 : ends.back();
    const std::int64_t from = start.latest() ? end : start.offset();
    ConsumeResponse response;
    if (from > end) {
      Refusal& refusal = *response.mutable_refusal();
      refusal.set_reason(REFUSAL_REASON_OFFSET_OUT_OF_RANGE);
      refusal.set_message("offset is beyond the log");
      refusal.set_grpc_code(grpc::StatusCode::OUT_OF_RANGE);
      stream->Write(response);
      return Status::OK;
    }
    response.mutable_started()->set_offset(from);
    response.mutable_started()->set_durable_end(end);
    stream->Write(response);
    std::int64_t credit = start.credit_bytes();
    for (std::size_t i = 0; i < batches.size(); ++i) {
      if (ends[i] <= from) continue;
      while (credit < static_cast<std::int64_t>(batches[i].size())) {
        ConsumeRequest more;
        if (!stream->Read(&more)) return Status::OK;
        credit += more.credits().bytes();
        base::MutexLock lock(fake.mutex_);
        fake.credits_received_ += more.credits().bytes();
      }
      credit -= static_cast<std::int64_t>(batches[i].size());
      if (fake.corrupt_batches) batches[i].back() = static_cast<char>(batches[i].back() ^ 1);
      ConsumeResponse data;
      data.mutable_batches()->set_durable_end(end);
      data.mutable_batches()->set_records(batches[i]);
      stream->Write(data);
    }
    if (start.until_end()) return Status::OK;
    ConsumeResponse caught_up;
    caught_up.mutable_caught_up()->set_offset(end);
    stream->Write(caught_up);
    while (stream->Read(&request)) {
    }
    return Status::OK;
  }

  Status Trim(ServerContext*, const TrimRequest* request, TrimResponse* response) override {
    base::MutexLock lock(fake.mutex_);
    fake.partitions_[request->partition_id()].trimmed_before = request->before_offset();
    response->set_log_start(request->before_offset());
    response->set_freed_bytes(4096);
    return Status::OK;
  }
  Status ListOffsets(ServerContext*, const ListOffsetsRequest* request,
                     ListOffsetsResponse* response) override {
    base::MutexLock lock(fake.mutex_);
    response->set_durable_end(fake.partitions_[request->partition_id()].end());
    return Status::OK;
  }
  Status ListLocalPartitions(ServerContext*, const ListLocalPartitionsRequest*,
                             ListLocalPartitionsResponse* response) override {
    *response = fake.local_partitions;
    return Status::OK;
  }
  Status ListVolumes(ServerContext*, const space::v1::ListVolumesRequest*,
                     space::v1::ListVolumesResponse* response) override {
    *response = fake.volumes;
    return Status::OK;
  }
  Status ExplainVolume(ServerContext*, const space::v1::ExplainVolumeRequest* request,
                       space::v1::ExplainVolumeResponse* response) override {
    if (fake.unknown_volumes.contains(request->volume())) {
      return {grpc::StatusCode::NOT_FOUND, "no volume '" + request->volume() + "' on this SPU"};
    }
    *response->mutable_explanation() = fake.explanation;
    return Status::OK;
  }
  Status PlanReclaim(ServerContext*, const space::v1::PlanReclaimRequest*,
                     space::v1::PlanReclaimResponse* response) override {
    *response = fake.plan;
    return Status::OK;
  }

  void SetOpen(ProduceStream* stream) {
    base::MutexLock lock(write_mutex);
    open = stream;
  }
  void Write(ProduceStream& stream, const ProduceResponse& response) {
    base::MutexLock lock(write_mutex);
    stream.Write(response);
  }
  void Notify(const PartitionNotice& notice) {
    ProduceResponse response;
    *response.mutable_notice() = notice;
    base::MutexLock lock(write_mutex);
    if (open != nullptr) open->Write(response);
  }

  FakeSpu& fake;
  int port = 0;
  base::Mutex write_mutex;
  ProduceStream* open TM_GUARDED_BY(write_mutex) = nullptr;
  std::unique_ptr<grpc::Server> server;
};

FakeSpu::FakeSpu() {
  started.set_batch_bytes_max(1024 * 1024);
  started.set_outstanding_bytes_max(16 * 1024 * 1024);
  services_ = std::make_unique<Services>(*this);
}
FakeSpu::~FakeSpu() { Release(); }

std::string FakeSpu::endpoint() const { return "127.0.0.1:" + std::to_string(services_->port); }

void FakeSpu::Refuse(std::uint64_t partition_id, const Refusal& refusal) {
  base::MutexLock lock(mutex_);
  refusals_[partition_id] = refusal;
}

void FakeSpu::Accept(std::uint64_t partition_id, bool notice) {
  {
    base::MutexLock lock(mutex_);
    refusals_.erase(partition_id);
  }
  if (!notice) return;
  PartitionNotice unblocked;
  unblocked.set_partition_id(partition_id);
  services_->Notify(unblocked);
}

void FakeSpu::HoldAnswers() {
  base::MutexLock lock(mutex_);
  held_ = true;
}

void FakeSpu::Release() {
  base::MutexLock lock(mutex_);
  held_ = false;
  changed_.NotifyAll();
}

void FakeSpu::BreakStream() {
  base::MutexLock lock(mutex_);
  broken_ = true;
  changed_.NotifyAll();
}

std::vector<int> FakeSpu::batches(std::uint64_t partition_id) const {
  base::MutexLock lock(mutex_);
  const auto found = partitions_.find(partition_id);
  return found == partitions_.end() ? std::vector<int>() : found->second.batch_records;
}

std::vector<std::string> FakeSpu::values(std::uint64_t partition_id) const {
  base::MutexLock lock(mutex_);
  const auto found = partitions_.find(partition_id);
  return found == partitions_.end() ? std::vector<std::string>() : found->second.values;
}

std::int64_t FakeSpu::credits_received() const {
  base::MutexLock lock(mutex_);
  return credits_received_;
}

std::optional<std::int64_t> FakeSpu::trimmed_before(std::uint64_t partition_id) const {
  base::MutexLock lock(mutex_);
  const auto found = partitions_.find(partition_id);
  return found == partitions_.end() ? std::nullopt : found->second.trimmed_before;
}

void FakeSpu::Fill(std::uint64_t partition_id, const std::vector<std::string>& records,
                   int records_per_batch) {
  storage::BatchBuilder builder;
  const auto store = [&] {
    const storage::Buffer batch = builder.Build();
    base::MutexLock lock(mutex_);
    Store(partitions_[partition_id],
          std::string(reinterpret_cast<const char*>(batch.data()), batch.size()));
  };
  for (const std::string& value : records) {
    storage::Record record;
    record.value = std::as_bytes(std::span<const char>(value));
    builder.Add(record);
    if (static_cast<int>(builder.record_count()) == records_per_batch) store();
  }
  if (!builder.empty()) store();
}

void FakeSpu::Store(Partition& partition, const std::string& batch) {
  const auto bytes = std::as_bytes(std::span<const char>(batch));
  const auto header = storage::CheckArrivedBatch(bytes, {});
  TM_CHECK(header.ok());
  storage::RecordReader reader(*header, bytes);
  storage::Record record;
  int count = 0;
  while (reader.Next(record)) {
    partition.values.emplace_back(reinterpret_cast<const char*>(record.value.data()),
                                  record.value.size());
    ++count;
  }
  const auto stamped = storage::StampedHeader(bytes, base::Offset(partition.end()), 1);
  std::string stored(reinterpret_cast<const char*>(stamped.data()), stamped.size());
  stored += batch.substr(stamped.size());
  partition.ends.push_back(partition.end() + count);
  partition.batch_records.push_back(count);
  partition.stamped.push_back(std::move(stored));
}

}  // namespace tidemark::cli
