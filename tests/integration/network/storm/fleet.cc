#include "tests/integration/network/storm/fleet.h"

#include <algorithm>
#include <future>
#include <utility>

#include "absl/strings/str_format.h"
#include "base/byte_size.h"
#include "base/check.h"
#include "storage/fs/posix_file_system.h"
#include "tests/support/report_builder.h"

namespace tidemark::network {
namespace {

constexpr std::int64_t kRoomySteps = 200;

sc::v1::Report WithReading(sc::v1::Report report) {
  const auto& marks = report.marks();
  auto* reading = report.mutable_reading();
  reading->set_available_bytes(marks.full_bytes() + kRoomySteps * marks.step_bytes());
  reading->set_total_bytes(base::kGiB);
  report.mutable_room();
  return report;
}

}  // namespace

class Fleet::Agent final : public spu::LinkListener {
 public:
  Agent(Fleet& fleet, int number, const std::string& controller)
      : fleet_(fleet), name_(absl::StrFormat("spu-%03d", number)) {
    auto identity = spu::IdentityStore::Open(file_system_, fleet.state_.File(name_));
    TM_CHECK(identity.ok());
    identity_ = *std::move(identity);
    spu::LinkOptions options;
    options.spu_id = name_;
    options.grpc_endpoint = "127.0.0.1:7201";
    options.version = "storm";
    options.boot_nonce = static_cast<std::uint64_t>(number) + 1;
    options.backoff_seed = static_cast<std::uint64_t>(number);
    link_ = std::make_unique<spu::ScLink>(*fleet.loop_, fleet.clock_, options, *identity_,
                                          controller, *this);
    for (int volume = 0; volume < 2; ++volume) {
      volumes_.push_back(base::Uuid::Random());
      link_->AddVolume(volumes_.back(), absl::StrFormat("/disk%d", volume));
      link_->SetReport(WithReading(test_support::ReadyReport(volumes_.back(), 1)));
    }
  }

  void FillSecondVolume() {
    link_->SetReport(WithReading(test_support::FullReport(volumes_[1], 2, 1)));
  }

  spu::ScLink& link() { return *link_; }
  const base::Uuid& second_volume() const { return volumes_[1]; }

 private:
  void OnProofRefused(const spu::ProofRefused& refused) override {
    Complain("proof refused: " + refused.detail);
  }
  void OnWiped(const spu::Wiped& /*wiped*/) override { Complain("a volume is called wiped"); }
  void OnExit(int /*code*/, const std::string& why) override { Complain("exit: " + why); }
  void OnLinkChanged(bool /*attached*/) override {}
  void OnFence(const std::string& why) override {
    if (!why.empty()) Complain("fenced: " + why);
  }
  void OnAssignments(const sc::v1::Assignments& assignments) override {
    sc::v1::AssignmentsAck ack;
    ack.set_version(assignments.version());
    for (const auto& partition : assignments.partitions()) {
      auto* result = ack.add_results();
      result->set_partition_id(partition.partition_id());
      result->set_spec_version(partition.spec_version());
      result->set_ok(true);
    }
    link_->AcknowledgeAssignments(std::move(ack));
  }
  void Complain(const std::string& what) { fleet_.complaints_.push_back(name_ + ": " + what); }

  Fleet& fleet_;
  const std::string name_;
  storage::PosixFileSystem file_system_;
  std::unique_ptr<spu::IdentityStore> identity_;
  std::vector<base::Uuid> volumes_;
  std::unique_ptr<spu::ScLink> link_;
};

Fleet::Fleet(int spus, const std::string& controller) {
  loop_.Run([&] {
    for (int number = 0; number < spus; ++number) {
      agents_.push_back(std::make_unique<Agent>(*this, number, controller));
      full_volumes_.insert(agents_.back()->second_volume().ToString());
    }
  });
}

Fleet::~Fleet() {
  for (const auto& agent : agents_) {
    std::promise<void> stopped;
    loop_.Run([&] { agent->link().Stop([&] { stopped.set_value(); }); });
    stopped.get_future().wait();
  }
  loop_.Run([&] { agents_.clear(); });
}

void Fleet::Start() {
  loop_.Run([&] {
    for (const auto& agent : agents_) agent->link().Start();
  });
}

void Fleet::FillSecondVolumes() {
  loop_.Run([&] {
    for (const auto& agent : agents_) agent->FillSecondVolume();
  });
}

int Fleet::Synced() {
  std::ptrdiff_t count = 0;
  loop_.Run([&] {
    count = std::ranges::count_if(agents_,
                                  [](const auto& agent) { return agent->link().core().synced(); });
  });
  return static_cast<int>(count);
}

int Fleet::Attached() {
  std::ptrdiff_t count = 0;
  loop_.Run([&] {
    count = std::ranges::count_if(
        agents_, [](const auto& agent) { return agent->link().core().attached(); });
  });
  return static_cast<int>(count);
}

std::uint64_t Fleet::Connects() {
  std::uint64_t connects = 0;
  loop_.Run([&] {
    for (const auto& agent : agents_) connects += agent->link().connects();
  });
  return connects;
}

std::vector<std::string> Fleet::Complaints() {
  std::vector<std::string> complaints;
  loop_.Run([&] { complaints = complaints_; });
  return complaints;
}

}  // namespace tidemark::network
