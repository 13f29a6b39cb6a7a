#include "tests/simulation/sim_spu.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace tidemark::simulation {
namespace {

namespace event = monitor::event;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr base::Duration kProducePause = milliseconds(160);
constexpr std::int64_t kBatchBytesMax = 128 * base::kKiB;

}  // namespace

SimSpu::SimSpu(std::uint64_t seed, Mutation mutation, Scheduler& scheduler, Wire& wire,
               Checker& checker)
    : mutation_(mutation),
      scheduler_(scheduler),
      wire_(wire),
      checker_(checker),
      random_(seed),
      assignment_random_(~seed) {
  for (std::size_t i = 0; i < kVolumes; ++i) {
    volumes_[i] =
        std::make_unique<SimVolume>(i, random_.Next(), mutation, scheduler, checker, *this);
  }
  identity_.spu_uuid = base::Uuid({0x55});
}

std::array<base::Uuid, kVolumes> SimSpu::uuids() const {
  std::array<base::Uuid, kVolumes> uuids;
  for (std::size_t i = 0; i < kVolumes; ++i) uuids[i] = volumes_[i]->uuid();
  return uuids;
}

void SimSpu::Boot() {
  scheduler_.NewIncarnation(Owner::kSpu);
  checker_.NewSpuProcess();
  ++identity_.boot_count;
  spu::LinkOptions options;
  options.spu_id = "spu-a";
  options.boot_nonce = random_.Next();
  options.backoff_seed = random_.Next();
  link_.emplace(options, identity_);
  said_.clear();
  for (const auto& volume : volumes_) {
    Run(link_->AddVolume(volume->uuid(), "/volume", scheduler_.now()));
  }
  Run(link_->Tick(scheduler_.now()));
  // Volumes open one after the other, while the link is on its way.
  for (std::size_t i = 0; i < kVolumes; ++i) {
    scheduler_.After(random_.Within(milliseconds(50)), Owner::kSpu, [this, i] {
      // What cannot be opened now is tried again by whoever starts the process again.
      if (!volumes_[i]->Boot().ok()) OnProcessDied();
    });
    scheduler_.After(random_.Within(kProducePause), Owner::kSpu, [this, i] { Produce(i); });
  }
}

void SimSpu::Kill(bool power_cut, bool seen) {
  if (!running()) return;
  link_.reset();
  effects_.clear();
  running_effects_ = false;
  wake_at_.reset();
  for (const auto& volume : volumes_) {
    volume->Stop();
    volume->disk().Crash(power_cut);
  }
  scheduler_.NewIncarnation(Owner::kSpu);
  wire_.SpuDied(seen);
}

// The call that it died in is still on the stack: what is left of the process goes after it.
void SimSpu::OnProcessDied() {
  scheduler_.NewIncarnation(Owner::kSpu);
  scheduler_.After(base::Duration(0), Owner::kWorld, [this] {
    Kill(random_.Chance(500), true);
    scheduler_.After(random_.Within(seconds(2)), Owner::kWorld, [this] {
      if (!running()) Boot();
    });
  });
}

void SimSpu::Produce(std::size_t index) {
  volumes_[index]->Produce(4096 + random_.Bytes(kBatchBytesMax));
  scheduler_.After(random_.Within(kProducePause), Owner::kSpu, [this, index] { Produce(index); });
}

SimVolume* SimSpu::Find(const base::Uuid& uuid) {
  for (const auto& volume : volumes_) {
    if (volume->uuid() == uuid) return volume.get();
  }
  return nullptr;
}

void SimSpu::OnVolume(SimVolume& volume) {
  if (!running()) return;
  const auto truth = volume.Truth();
  if (truth) Run(link_->SetReport(spu::ReportOf(*truth, scheduler_.now()), scheduler_.now()));
}

void SimSpu::StreamClosed(spu::LinkStreamId stream) {
  Run(link_->StreamClosed(stream, "closed", scheduler_.now()));
}

void SimSpu::Arrived(spu::LinkStreamId stream, const sc::v1::AttachResponse& message) {
  Run(link_->Receive(stream, message, scheduler_.now()));
}

void SimSpu::Run(spu::LinkEffects effects) {
  for (auto& effect : effects) effects_.push_back(std::move(effect));
  if (running_effects_) return;
  running_effects_ = true;
  while (running() && !effects_.empty()) {
    spu::LinkEffect effect = std::move(effects_.front());
    effects_.pop_front();
    DoOne(std::move(effect));
  }
  running_effects_ = false;
  if (running()) Reschedule();
}

void SimSpu::Reschedule() {
  const base::MonotonicTime wake = link_->NextTick();
  if (wake == base::MonotonicTime(base::Duration::max())) return;
  if (wake_at_ && *wake_at_ <= wake && *wake_at_ > scheduler_.now()) return;
  wake_at_ = wake;
  scheduler_.At(wake, Owner::kSpu, [this, wake] {
    if (wake_at_ != wake) return;
    wake_at_.reset();
    Run(link_->Tick(scheduler_.now()));
  });
}

void SimSpu::Send(spu::SendMessage send) {
  if (send.message.has_report()) {
    const sc::v1::Report& report = send.message.report();
    const SimVolume* volume = Find(*base::Uuid::FromBytes(report.volume()));
    const auto key = std::tuple(report.session(), volume->index(), report.generation());
    const bool once = mutation_ == Mutation::kReportOnce ||
                      (mutation_ == Mutation::kHoldToldOnce && report.holds().held_size() > 0);
    if (once && !said_.insert({0, volume->index(), report.generation()}).second) {
      return;
    }
    checker_.ReportSent(std::get<0>(key), std::get<1>(key), std::get<2>(key));
  }
  for (const auto& result : send.message.assignments_ack().results()) {
    checker_.TakenSent(send.message.assignments_ack().session(), result.partition_id());
  }
  wire_.SendToController(send.stream, std::move(send.message));
}

// Each partition in its own time, before the report of its volume or after it, and now and then
// very late; then the list as a whole.
void SimSpu::TakeOn(const sc::v1::Assignments& assignments) {
  const std::uint64_t list = ++newest_list_;
  const auto answer = [&](base::Duration after, sc::v1::AssignmentsAck ack) {
    scheduler_.After(after, Owner::kSpu, [this, list, ack = std::move(ack)] {
      // Said again since: so is the answer.
      if (list == newest_list_) Run(link_->AcknowledgeAssignments(ack));
    });
  };
  base::Duration longest(0);
  sc::v1::AssignmentsAck whole;
  whole.set_version(assignments.version());
  for (const auto& assignment : assignments.partitions()) {
    const base::Duration late = assignment_random_.Chance(50) ? seconds(3) : milliseconds(150);
    const base::Duration after = assignment_random_.Within(late);
    longest = std::max(longest, after);
    sc::v1::AssignmentsAck part;  // under version 0
    sc::v1::AssignmentResult* result = part.add_results();
    result->set_partition_id(assignment.partition_id());
    result->set_spec_version(assignment.spec_version());
    result->set_ok(true);
    *whole.add_results() = *result;
    answer(after, std::move(part));
  }
  answer(longest + assignment_random_.Within(milliseconds(50)), std::move(whole));
}

void SimSpu::DoOne(spu::LinkEffect effect) {
  if (const auto* open = std::get_if<spu::OpenStream>(&effect)) {
    wire_.Open(open->stream);
  } else if (auto* send = std::get_if<spu::SendMessage>(&effect)) {
    Send(std::move(*send));
  } else if (const auto* close = std::get_if<spu::CloseLinkStream>(&effect)) {
    wire_.CloseBySpu(close->stream);
  } else if (const auto* identity = std::get_if<spu::PersistIdentity>(&effect)) {
    identity_ = identity->identity;
  } else if (const auto* refused = std::get_if<spu::ProofRefused>(&effect)) {
    SimVolume* volume = Find(refused->volume);
    checker_.HasReasonToHold(volume->index());
    volume->Apply(event::ProofRefused{refused->generation, refused->detail});
  } else if (const auto* wiped = std::get_if<spu::Wiped>(&effect)) {
    if (mutation_ == Mutation::kNoFastForward) return;
    SimVolume* volume = Find(wiped->volume);
    checker_.HasReasonToHold(volume->index());
    volume->Apply(event::KnownElsewhere{wiped->known_generation, wiped->known_episode});
  } else if (const auto* apply = std::get_if<spu::ApplyAssignments>(&effect)) {
    TakeOn(apply->assignments);
  } else if (std::holds_alternative<spu::ExitProcess>(effect)) {
    ++superseded_;
    scheduler_.NewIncarnation(Owner::kSpu);
    scheduler_.After(base::Duration(0), Owner::kWorld, [this] {
      Kill(false, true);
      scheduler_.After(seconds(1), Owner::kWorld, [this] {
        if (!running()) Boot();
      });
    });
  }
}

}  // namespace tidemark::simulation
