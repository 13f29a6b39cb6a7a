// What goes wrong in a LinkSimulator, as a script says or as the seed does.
#include <memory>

#include "tests/sc/core/link_simulator.h"

namespace tidemark::sc {

void LinkSimulator::CutStream() {
  for (std::size_t i = 0; i < wires_.size(); ++i) {
    Wire& wire = *wires_[i];
    wire.to_controller.clear();
    wire.to_spu.clear();
    if (wire.controller_end) {
      wire.controller_end = false;
      DoController(core_->StreamClosed(wire.id, moment()));
    }
    CloseEnds(wire);
  }
}

void LinkSimulator::DropConnection() {
  for (std::size_t i = 0; i < wires_.size(); ++i) {
    Wire& wire = *wires_[i];
    if (!wire.spu_end) continue;
    wire.spu_end = false;
    wire.to_spu.clear();
    Do(spu_.link().StreamClosed(wire.link, "connection reset", now_));
  }
}

void LinkSimulator::SeeEnd() {
  for (std::size_t i = 0; i < wires_.size(); ++i) CloseEnds(*wires_[i]);
}

void LinkSimulator::LoseRequests() {
  for (const auto& wire : wires_) wire->to_controller.clear();
}

void LinkSimulator::RestartController() {
  ++controller_starts_;
  store_.Crash();
  for (const auto& wire : wires_) {
    wire->controller_end = false;
    wire->to_controller.clear();
  }
  assignments_ = std::make_unique<FixedAssignments>(store_.contents.partitions);
  core_ = std::make_unique<ControllerCore>(ControllerOptions(), store_.contents, assignments_.get(),
                                           moment());
  Look();
}

void LinkSimulator::RestartSpu() {
  spu_work_.clear();
  spu_.LoseUnwritten();
  for (const auto& wire : wires_) {
    wire->spu_end = false;
    wire->to_spu.clear();
  }
  Do(spu_.Boot(now_));
}

void LinkSimulator::Inject(const v1::AttachRequest& request, bool new_stream, bool half_open) {
  Wire* wire = nullptr;
  if (!new_stream) {
    for (const auto& open : wires_) {
      if (open->controller_end && open->spu_end) wire = open.get();
    }
  }
  if (wire == nullptr) wire = &OpenWire(spu::LinkStreamId(0));
  wire->spu_end = wire->spu_end || half_open;
  wire->to_controller.push_back(request);
}

void LinkSimulator::HostileStep() {
  hostile_ = true;
  const std::size_t kind = Pick(100);
  if (kind < 50) {
    HostileNetwork();
  } else if (kind < 65) {
    DoStore();
  } else if (kind < 80) {
    Advance(std::chrono::milliseconds(Chance(10) ? 4000 : random_() % 400));
    Tick();
  } else if (kind < 94) {
    HostilePolicy();
  } else {
    HostileCrash();
  }
  std::erase_if(wires_, [](const auto& wire) { return !wire->spu_end && !wire->controller_end; });
  hostile_ = false;
}

void LinkSimulator::HostileNetwork() {
  if (wires_.empty()) return;
  Wire& wire = *wires_[Pick(wires_.size())];
  if (Chance(5)) {
    CloseEnds(wire);  // otherwise it stays half open
    return;
  }
  const bool to_controller = !wire.to_controller.empty() && (wire.to_spu.empty() || Chance(50));
  const std::size_t size = to_controller ? wire.to_controller.size() : wire.to_spu.size();
  if (size == 0) {
    if (Chance(30)) CloseEnds(wire);
    return;
  }
  const std::size_t index = Chance(15) ? Pick(size) : 0;
  const auto at = static_cast<std::ptrdiff_t>(index);
  if (Chance(4)) {  // lost
    if (to_controller) {
      wire.to_controller.erase(wire.to_controller.begin() + at);
    } else {
      wire.to_spu.erase(wire.to_spu.begin() + at);
    }
    return;
  }
  if (to_controller) {
    if (Chance(6)) wire.to_controller.push_back(wire.to_controller[index]);
    DeliverToController(wire, index);
  } else {
    if (Chance(6)) wire.to_spu.push_back(wire.to_spu[index]);
    DeliverToSpu(wire, index);
  }
}

void LinkSimulator::HostilePolicy() {
  const base::Uuid& volume = spu_.volumes()[Pick(spu_.volumes().size())];
  const std::size_t kind = Pick(100);
  if (kind < 35) {
    Do(spu_.OutOfSpace(volume, now_));
  } else if (kind < 65) {
    Do(spu_.Reclaim(volume, now_));
  } else if (kind < 72) {
    Do(spu_.ReclaimFalsely(volume, static_cast<SimSpu::Lie>(Pick(3)), now_));
  } else if (kind < 80) {
    Do(spu_.ToggleBlind(volume, now_));
  } else if (kind < 88) {
    Do(spu_.ToggleOperator(volume, now_));
  } else if (kind < 94) {
    Do(spu_.ChangeMarks(volume, now_));
  } else {
    Do(spu_.FailDevice(volume, now_));
  }
}

void LinkSimulator::HostileCrash() {
  const std::size_t kind = Pick(100);
  if (kind < 25) {
    CutStream();
  } else if (kind < 45) {
    RestartController();
  } else if (kind < 65) {
    RestartSpu();
  } else if (kind < 72) {
    const base::Uuid& volume = spu_.volumes()[Pick(spu_.volumes().size())];
    if (Chance(50)) {
      spu_.WipeDisk(volume);
    } else {
      spu_.RollBackDisk(volume, Pick(4));
    }
    RestartSpu();
  } else {
    Replay();
  }
}

void LinkSimulator::Replay() {
  if (sent_.empty()) return;
  v1::AttachRequest old = sent_[Pick(sent_.size())];
  Inject(old, old.has_hello() || Chance(30));
}

}  // namespace tidemark::sc
