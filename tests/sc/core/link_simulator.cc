#include "tests/sc/core/link_simulator.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_format.h"
#include "sc/core/view.h"
#include "tests/support/report_builder.h"

namespace tidemark::sc {
namespace {

constexpr int kVolumes = 2;
constexpr char kSpuId[] = "spu-a";

std::vector<base::Uuid> Volumes() {
  std::vector<base::Uuid> volumes;
  for (std::uint8_t i = 1; i <= kVolumes; ++i) volumes.push_back(test_support::VolumeUuid(i));
  return volumes;
}

std::uint64_t SessionOf(const v1::AttachRequest& request) {
  switch (request.message_case()) {
    case v1::AttachRequest::kReport:
      return request.report().session();
    case v1::AttachRequest::kAssignmentsAck:
      return request.assignments_ack().session();
    case v1::AttachRequest::kProgress:
      return request.progress().session();
    case v1::AttachRequest::kHeartbeat:
      return request.heartbeat().session();
    case v1::AttachRequest::kGoodbye:
      return request.goodbye().session();
    default:
      return 0;
  }
}

// All of the controller that a message may not change, if it is of a dead session.
std::string Fingerprint(const ControllerCore& core) {
  std::string text;
  for (const auto& [uuid, volume] : core.volumes()) {
    absl::StrAppendFormat(&text, "%d/%d/%d/%d ", volume.record.accepted.generation(),
                          volume.record.accepted.device_faults_size(), volume.synced,
                          static_cast<int>(volume.reach));
  }
  for (const auto& [id, spu] : core.spus()) {
    absl::StrAppendFormat(&text, "%s:%d:%d", id, spu.session ? spu.session->id.value() : 0,
                          spu.session && spu.session->live);
  }
  return text;
}

bool StoresVolumes(const Effects& effects) {
  return std::any_of(effects.begin(), effects.end(), [](const Effect& effect) {
    const auto* persist = std::get_if<Persist>(&effect);
    return persist != nullptr && !persist->batch.volumes.empty();
  });
}

}  // namespace

LinkSimulator::LinkSimulator(std::uint64_t seed, SimSpu::Bugs bugs)
    : random_(seed), spu_(Volumes(), seed) {
  store_.contents.cluster = {base::Uuid({0xcc}), 1};
  for (int i = 0; i < kVolumes; ++i) {
    PartitionRecord partition;
    partition.id = base::PartitionId(static_cast<std::uint64_t>(i) + 1);
    partition.topic = "orders";
    partition.index = i;
    partition.spu_id = kSpuId;
    partition.volume = volume(i);
    partition.spec_version = 1;
    store_.contents.partitions.push_back(partition);
  }
  shown_.resize(kVolumes);
  spu_.bugs() = bugs;
  RestartController();
  RestartSpu();
}

Moment LinkSimulator::moment() const {
  return {now_, now_.since_start() / std::chrono::milliseconds(1)};
}

void LinkSimulator::Look() {
  checker_.Look(*core_, *assignments_, spu_.disk());
  for (int i = 0; i < kVolumes; ++i) {
    auto& shown = shown_[static_cast<std::size_t>(i)];
    const auto status = checker_.shown(assignments_->partitions()[static_cast<std::size_t>(i)].id);
    if (shown.empty() || shown.back() != status) shown.push_back(status);
  }
}

PartitionVerdict LinkSimulator::Verdict(int volume) const {
  return VerdictOf(*core_, assignments_->partitions()[static_cast<std::size_t>(volume)]);
}

v1::PartitionStatus LinkSimulator::Status(int volume) const { return Verdict(volume).status; }

bool LinkSimulator::EverShown(int volume, v1::PartitionStatus status) const {
  const auto& shown = shown_[static_cast<std::size_t>(volume)];
  return std::find(shown.begin(), shown.end(), status) != shown.end();
}

void LinkSimulator::ForgetShown() {
  for (auto& shown : shown_) shown.clear();
  Look();
}

std::uint64_t LinkSimulator::CountEvents(const std::string& name, const std::string& reason) const {
  return static_cast<std::uint64_t>(
      std::count_if(store_.events.begin(), store_.events.end(), [&](const EventRecord& event) {
        return event.name() == name && absl::StrContains(event.reason(), reason);
      }));
}

LinkSimulator::Wire* LinkSimulator::FindWire(spu::LinkStreamId link) {
  for (const auto& wire : wires_) {
    if (wire->spu_end && wire->link == link && wire->boot == spu_.disk().identity.boot_count) {
      return wire.get();
    }
  }
  return nullptr;
}

LinkSimulator::Wire& LinkSimulator::OpenWire(spu::LinkStreamId link) {
  auto wire = std::make_unique<Wire>();
  wire->id = StreamId(++newest_stream_);
  wire->link = link;
  wire->boot = spu_.disk().identity.boot_count;
  wire->spu_end = link.value() != 0;
  wires_.push_back(std::move(wire));
  DoController(core_->StreamOpened(StreamId(newest_stream_), moment()));
  return *wires_.back();
}

void LinkSimulator::DoController(Effects effects) {
  const std::uint64_t start = controller_starts_;
  for (Effect& effect : effects) {
    if (hostile_ && random_() % 1000 < 3) {
      RestartController();  // in the middle of what it was told to do
      return;
    }
    if (auto* send = std::get_if<Send>(&effect)) {
      if (send->message.has_welcome() &&
          send->message.welcome().session() > store_.contents.session.value()) {
        checker_.Fail("a session is welcomed before its number is durable");
      }
      for (const auto& wire : wires_) {
        if (wire->id == send->stream && wire->spu_end) wire->to_spu.push_back(send->message);
      }
    } else if (auto* close = std::get_if<CloseStream>(&effect)) {
      for (const auto& wire : wires_) {
        if (wire->id != close->stream || !wire->controller_end) continue;
        wire->controller_end = false;
        DoController(core_->StreamClosed(wire->id, moment()));
        if (start != controller_starts_) return;
      }
    } else if (auto* persist = std::get_if<Persist>(&effect)) {
      CheckRows(persist->batch);
      store_.queue.push_back(std::move(*persist));
    }
  }
  Look();
}

// What is stored anew was said in the session that is live now.
void LinkSimulator::CheckRows(const StoreBatch& batch) {
  const auto spu = core_->spus().find(kSpuId);
  const std::uint64_t live =
      spu == core_->spus().end() || !spu->second.session ? 0 : spu->second.session->id.value();
  for (const VolumeRecord& row : batch.volumes) {
    const auto known = core_->volumes().find(row.uuid);
    if (known == core_->volumes().end()) continue;
    if (row.accepted.generation() > known->second.record.accepted.generation() &&
        row.accepted.session() != live) {
      checker_.Fail("P8: a report of a dead session goes into the store");
    }
  }
}

void LinkSimulator::DoStore() {
  if (store_.queue.empty()) return;
  const bool fails = store_fails_ || (hostile_ && Chance(3));
  const StoreToken token = fails ? store_.Drop() : store_.Commit();
  const absl::Status status =
      fails ? absl::UnavailableError("no space left for the store") : absl::OkStatus();
  DoController(core_->StoreDone(token, status, moment()));
}

void LinkSimulator::Do(spu::LinkEffects effects) {
  for (auto& effect : effects) spu_work_.push_back(std::move(effect));
  if (spu_busy_) return;
  spu_busy_ = true;
  while (!spu_work_.empty()) {
    if (hostile_ && random_() % 1000 < 2) {
      spu_busy_ = false;
      RestartSpu();
      return;
    }
    const spu::LinkEffect effect = std::move(spu_work_.front());
    spu_work_.pop_front();
    if (const auto* open = std::get_if<spu::OpenStream>(&effect)) {
      OpenWire(open->stream);
    } else if (const auto* send = std::get_if<spu::SendMessage>(&effect)) {
      if (Wire* wire = FindWire(send->stream)) {
        wire->to_controller.push_back(send->message);
        if (send->message.has_report()) {
          const v1::Report& report = send->message.report();
          checker_.Sent(report.session(), *base::Uuid::FromBytes(report.volume()),
                        report.generation());
        }
        sent_.push_back(send->message);
        if (sent_.size() > 100) sent_.pop_front();
      }
    } else if (const auto* close = std::get_if<spu::CloseLinkStream>(&effect)) {
      if (Wire* wire = FindWire(close->stream)) wire->spu_end = false;
    } else if (const auto* identity = std::get_if<spu::PersistIdentity>(&effect)) {
      spu_.SetIdentity(identity->identity);
    } else if (const auto* refused = std::get_if<spu::ProofRefused>(&effect)) {
      for (auto& more : spu_.ProofRefused(*refused, now_)) spu_work_.push_back(std::move(more));
    } else if (const auto* wiped = std::get_if<spu::Wiped>(&effect)) {
      for (auto& more : spu_.Wiped(*wiped, now_)) spu_work_.push_back(std::move(more));
    } else if (const auto* apply = std::get_if<spu::ApplyAssignments>(&effect)) {
      v1::AssignmentsAck ack;
      ack.set_version(apply->assignments.version());
      for (const auto& assignment : apply->assignments.partitions()) {
        v1::AssignmentResult* result = ack.add_results();
        result->set_partition_id(assignment.partition_id());
        result->set_spec_version(assignment.spec_version());
        result->set_ok(true);
      }
      for (auto& more : spu_.link().AcknowledgeAssignments(std::move(ack))) {
        spu_work_.push_back(std::move(more));
      }
    } else if (const auto* exit = std::get_if<spu::ExitProcess>(&effect)) {
      checker_.Fail("the only SPU there is was told to exit: " + exit->why);
    }
  }
  spu_busy_ = false;
}

void LinkSimulator::DeliverToController(Wire& wire, std::size_t index) {
  const v1::AttachRequest request = wire.to_controller[index];
  wire.to_controller.erase(wire.to_controller.begin() + static_cast<std::ptrdiff_t>(index));
  if (!wire.controller_end) return;
  const auto spu = core_->spus().find(kSpuId);
  const bool known = spu != core_->spus().end();
  const bool live = known && spu->second.session && spu->second.session->live &&
                    spu->second.session->stream == wire.id &&
                    spu->second.session->id.value() == SessionOf(request);
  bool old_hello = false;
  if (known && request.has_hello()) {
    const SpuRecord& newest = spu->second.record;
    old_hello = std::pair(request.hello().boot_count(), request.hello().attempt()) <=
                std::pair(newest.boot_count, newest.attempt);
  }
  const std::string before = Fingerprint(*core_);
  Effects effects = core_->Receive(wire.id, request, moment());
  if (!live && !request.has_hello() && (Fingerprint(*core_) != before || StoresVolumes(effects))) {
    checker_.Fail("P8: a message of a dead session changed something: " +
                  request.ShortDebugString());
  }
  if (old_hello && Fingerprint(*core_) != before) {
    checker_.Fail("P9: an old Hello changed something: " + request.ShortDebugString());
  }
  DoController(std::move(effects));
}

void LinkSimulator::DeliverToSpu(Wire& wire, std::size_t index) {
  const v1::AttachResponse response = wire.to_spu[index];
  wire.to_spu.erase(wire.to_spu.begin() + static_cast<std::ptrdiff_t>(index));
  if (!wire.spu_end || wire.boot != spu_.disk().identity.boot_count) return;
  Do(spu_.link().Receive(wire.link, response, now_));
}

void LinkSimulator::CloseEnds(Wire& wire) {
  if (!wire.spu_end && wire.controller_end && wire.to_controller.empty()) {
    wire.controller_end = false;
    DoController(core_->StreamClosed(wire.id, moment()));
  }
  if (!wire.controller_end && wire.spu_end && wire.to_spu.empty()) {
    wire.spu_end = false;
    if (wire.boot == spu_.disk().identity.boot_count) {
      Do(spu_.link().StreamClosed(wire.link, "closed by the controller", now_));
    }
  }
}

void LinkSimulator::Tick() {
  DoController(core_->Tick(moment()));
  Do(spu_.link().Tick(now_));
}

void LinkSimulator::Settle(base::Duration duration) {
  const base::MonotonicTime end = now_ + duration;
  while (now_ < end) {
    for (std::size_t i = 0; i < wires_.size(); ++i) {
      while (!wires_[i]->to_controller.empty()) DeliverToController(*wires_[i], 0);
      while (!store_.queue.empty()) DoStore();
      while (!wires_[i]->to_spu.empty()) DeliverToSpu(*wires_[i], 0);
      CloseEnds(*wires_[i]);
    }
    while (!store_.queue.empty()) DoStore();
    std::erase_if(wires_, [](const auto& wire) { return !wire->spu_end && !wire->controller_end; });
    Advance(std::chrono::milliseconds(250));
    Tick();
  }
}

bool LinkSimulator::DeliverToController() {
  for (const auto& wire : wires_) {
    if (wire->to_controller.empty()) continue;
    DeliverToController(*wire, 0);
    return true;
  }
  return false;
}

bool LinkSimulator::DeliverToSpu() {
  for (const auto& wire : wires_) {
    if (wire->to_spu.empty()) continue;
    DeliverToSpu(*wire, 0);
    return true;
  }
  return false;
}

bool LinkSimulator::Commit() {
  if (store_.queue.empty()) return false;
  DoStore();
  return true;
}

std::size_t LinkSimulator::streams() const {
  return static_cast<std::size_t>(std::count_if(
      wires_.begin(), wires_.end(), [](const auto& wire) { return wire->controller_end; }));
}

absl::Status LinkSimulator::AllowReplace() {
  auto effects = core_->AllowReplace(kSpuId, moment());
  if (effects.ok()) DoController(*std::move(effects));
  return effects.status();
}

bool LinkSimulator::Agrees() const {
  if (!spu_.link().synced()) return false;
  return std::all_of(spu_.volumes().begin(), spu_.volumes().end(), [&](const base::Uuid& uuid) {
    const auto known = core_->volumes().find(uuid);
    return known != core_->volumes().end() && known->second.reach == v1::REACH_UP &&
           known->second.record.accepted.generation() == spu_.ReportNow(uuid).generation();
  });
}

void LinkSimulator::HealAndCompare() {
  // Long enough for the slowest back-off, the longest half-open stream and a refused proof.
  for (int second = 0; second < 40 && !Agrees(); ++second) Settle(std::chrono::seconds(1));
  Settle(std::chrono::milliseconds(1500));  // and it stays so
  if (!spu_.link().attached()) checker_.Fail("L1: not attached in the end");
  if (!spu_.link().synced()) checker_.Fail("L1: reports are not acknowledged in the end");
  for (int i = 0; i < kVolumes; ++i) {
    const v1::Report truth = spu_.ReportNow(volume(i));
    const VolumeState& state = core_->volumes().at(volume(i));
    if (state.record.accepted.generation() != truth.generation()) {
      checker_.Fail(absl::StrFormat("L1: generation %d at the SC, %d at the SPU",
                                    state.record.accepted.generation(), truth.generation()));
    }
    v1::PartitionStatus expected = v1::PARTITION_STATUS_ONLINE;
    if (truth.holds().held_size() > 0) expected = v1::PARTITION_STATUS_OFFLINE;
    if (truth.holds().has_space()) expected = v1::PARTITION_STATUS_OUT_OF_SPACE;
    if (truth.device_faults_size() > 0) expected = v1::PARTITION_STATUS_FAILED;
    if (Status(i) != expected) {
      checker_.Fail(absl::StrFormat("L1: shown as %s (%s), is %s",
                                    v1::PartitionStatus_Name(Status(i)), Verdict(i).reason,
                                    v1::PartitionStatus_Name(expected)));
    }
    if (state.reach != v1::REACH_UP) checker_.Fail("L1: not Up: " + state.reach_reason);
  }
}

}  // namespace tidemark::sc
