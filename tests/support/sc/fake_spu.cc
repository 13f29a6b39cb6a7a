#include "tests/support/sc/fake_spu.h"

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>

#include <utility>

#include "base/byte_size.h"
#include "daemon/grpc_channel.h"
#include "tests/support/await.h"
#include "tests/support/report_builder.h"
#include "tidemark/sc/v1/control.grpc.pb.h"

namespace tidemark::support {

using sc::v1::AttachRequest;
using sc::v1::AttachResponse;

struct FakeSpu::Stream {
  grpc::ClientContext context;
  std::unique_ptr<sc::v1::ControlService::Stub> stub;
  std::unique_ptr<grpc::ClientReaderWriter<AttachRequest, AttachResponse>> call;
  std::thread reader;
};

FakeSpu::FakeSpu(std::string target, std::string spu_id, std::vector<base::Uuid> volumes)
    : id(std::move(spu_id)), target_(std::move(target)), volumes_(std::move(volumes)) {}

FakeSpu::~FakeSpu() { Cut(); }

std::optional<AttachResponse> FakeSpu::Attach() {
  Cut();
  stream_ = std::make_unique<Stream>();
  stream_->stub = sc::v1::ControlService::NewStub(daemon::NewChannel(target_));
  stream_->call = stream_->stub->Attach(&stream_->context);
  std::size_t from = 0;
  {
    base::MutexLock lock(mutex_);
    ended_ = false;
    from = received_.size();
  }
  stream_->reader = std::thread([this, stream = stream_.get()] { ReadUntilEnd(*stream); });

  AttachRequest request;
  auto* hello = request.mutable_hello();
  hello->set_spu_uuid(uuid.ToBytes());
  hello->set_spu_id(id);
  hello->set_boot_count(boot_count);
  hello->set_boot_nonce(boot_nonce);
  hello->set_attempt(++attempt);
  hello->set_grpc_endpoint("127.0.0.1:7201");
  hello->set_version("test");
  for (const base::Uuid& volume : volumes_) {
    auto* named = hello->add_volumes();
    named->set_uuid(volume.ToBytes());
    named->set_path("/disk" + std::to_string(volume.bytes()[0]));
  }
  Send(request);
  auto answer =
      WaitForMessage(from, [](const AttachResponse& m) { return m.has_welcome() || m.has_nack(); });
  if (answer.has_value() && answer->has_welcome()) session_ = answer->welcome().session();
  return answer;
}

void FakeSpu::Cut() {
  if (stream_ == nullptr) return;
  stream_->context.TryCancel();
  stream_->reader.join();
  stream_.reset();
}

void FakeSpu::Send(const AttachRequest& message) {
  base::MutexLock lock(write_mutex_);
  stream_->call->Write(message);
}

std::optional<AttachResponse> FakeSpu::Say(sc::v1::Report report) {
  if (report.session() == 0) report.set_session(session_);
  report.set_sequence(++sequence_);
  std::size_t from = 0;
  {
    base::MutexLock lock(mutex_);
    from = received_.size();
  }
  AttachRequest request;
  *request.mutable_report() = report;
  Send(request);
  return WaitForMessage(from, [&](const AttachResponse& m) {
    return (m.has_report_ack() && m.report_ack().sequence() == report.sequence()) ||
           (m.has_report_nack() && m.report_nack().sequence() == report.sequence());
  });
}

sc::v1::Report FakeSpu::Ready(const base::Uuid& volume, std::uint64_t generation) const {
  sc::v1::Report report = test_support::ReadyReport(volume, generation);
  auto* reading = report.mutable_reading();
  reading->set_available_bytes(report.marks().full_bytes() + 100 * report.marks().step_bytes());
  reading->set_total_bytes(256 * base::kMiB);
  report.mutable_room();
  return report;
}

sc::v1::Report FakeSpu::Full(const base::Uuid& volume, std::uint64_t generation,
                             std::uint64_t episode) const {
  sc::v1::Report report = Ready(volume, generation);
  test_support::HoldSpace(report, episode);
  report.mutable_holds()->mutable_space()->set_since_unix_ms(kFullSince);
  report.mutable_reading()->set_available_bytes(10 * base::kMiB);
  report.set_bytes_short(10 * base::kMiB);
  return report;
}

sc::v1::Report FakeSpu::Proven(const base::Uuid& volume, std::uint64_t generation,
                               std::uint64_t episode) const {
  sc::v1::Report report = Ready(volume, generation);
  report.set_episodes(episode);
  *report.mutable_proof() = test_support::ValidProof(episode, report.marks());
  return report;
}

std::vector<AttachResponse> FakeSpu::received() const {
  base::MutexLock lock(mutex_);
  return received_;
}

bool FakeSpu::ended() const {
  base::MutexLock lock(mutex_);
  return ended_;
}

std::string FakeSpu::goodbye() const {
  base::MutexLock lock(mutex_);
  return goodbye_;
}

void FakeSpu::ReadUntilEnd(Stream& stream) {
  AttachResponse message;
  while (stream.call->Read(&message)) {
    if (message.has_assignments() && answer_assignments.load()) {
      AnswerAssignments(stream, message.assignments());
    }
    base::MutexLock lock(mutex_);
    received_.push_back(message);
    arrived_.NotifyAll();
  }
  const grpc::Status status = stream.call->Finish();
  base::MutexLock lock(mutex_);
  goodbye_ = status.error_message();
  ended_ = true;
  arrived_.NotifyAll();
}

void FakeSpu::AnswerAssignments(Stream& stream, const sc::v1::Assignments& assignments) {
  AttachRequest request;
  auto* ack = request.mutable_assignments_ack();
  ack->set_session(assignments.session());
  ack->set_version(assignments.version());
  for (const auto& partition : assignments.partitions()) {
    auto* result = ack->add_results();
    result->set_partition_id(partition.partition_id());
    result->set_spec_version(partition.spec_version());
    result->set_ok(!refuse_assignments.load());
    if (!refuse_assignments.load()) continue;
    result->set_refusal(sc::v1::ASSIGNMENT_REFUSAL_NO_ROOM);
    result->set_detail("4 MiB short");
  }
  for (const std::uint64_t tombstone : assignments.tombstones()) {
    auto* result = ack->add_results();
    result->set_partition_id(tombstone);
    result->set_tombstone(true);
    result->set_ok(true);
  }
  base::MutexLock lock(write_mutex_);
  stream.call->Write(request);
}

template <typename Wanted>
std::optional<AttachResponse> FakeSpu::WaitForMessage(std::size_t from, Wanted wanted) {
  const auto deadline = std::chrono::steady_clock::now() + kLongWait;
  base::MutexLock lock(mutex_);
  while (true) {
    for (; from < received_.size(); ++from) {
      if (wanted(received_[from])) return received_[from];
    }
    const auto left = deadline - std::chrono::steady_clock::now();
    if (ended_ || left <= std::chrono::nanoseconds::zero()) return std::nullopt;
    arrived_.WaitFor(mutex_, left);
  }
}

}  // namespace tidemark::support
