// The controller's core with an SPU of two volumes attached, both Online.
//
// Threading: the test's.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "tests/sc/core/link_simulator.h"
#include "tests/support/report_builder.h"

namespace tidemark::sc {

inline constexpr base::Duration kLong = std::chrono::seconds(10);

class ControllerCoreTest : public testing::Test {
 protected:
  ControllerCoreTest() {
    simulator_.Settle();
    EXPECT_EQ(simulator_.Status(0), v1::PARTITION_STATUS_ONLINE);
    EXPECT_EQ(simulator_.Status(1), v1::PARTITION_STATUS_ONLINE);
    simulator_.ForgetShown();
  }
  ~ControllerCoreTest() override {
    if (made_up_) return;
    for (const std::string& violation : simulator_.checker().violations()) {
      ADD_FAILURE() << violation;
    }
  }
  v1::AttachRequest LastSent(v1::AttachRequest::MessageCase kind) {
    for (auto it = simulator_.sent().rbegin(); it != simulator_.sent().rend(); ++it) {
      if (it->message_case() == kind) return *it;
    }
    return {};
  }
  base::SessionId LiveSession() const {
    const auto& spu = simulator_.core().spus().at("spu-a");
    return spu.session ? spu.session->id : base::SessionId();
  }
  std::uint64_t Refused(const std::string& reason) const {
    std::uint64_t refused = 0;
    for (const auto& [kind, log] : simulator_.core().refusals()) {
      const auto it = log.counts_by_reason().find(reason);
      if (it != log.counts_by_reason().end()) refused += it->second;
    }
    return refused;
  }
  std::uint64_t AllRefused() const {
    std::uint64_t all = 0;
    for (const auto& [kind, log] : simulator_.core().refusals()) {
      for (const auto& [reason, count] : log.counts_by_reason()) all += count;
    }
    return all;
  }
  // Neither answered nor committed: what the controller does with this one message.
  void Deliver(const v1::AttachRequest& message) {
    simulator_.Inject(message, false);
    DeliverAll();
  }
  // To the controller; nothing of it is committed.
  void DeliverAll() {
    while (simulator_.DeliverToController()) {
    }
  }
  // Volume 0 has given back its space: the report of it is in the store, and takes its time there.
  void StoreReclaimSlowly() {
    simulator_.Do(simulator_.spu().OutOfSpace(simulator_.volume(0), simulator_.now()));
    simulator_.Settle();
    simulator_.ForgetShown();
    simulator_.Do(simulator_.spu().Reclaim(simulator_.volume(0), simulator_.now()));
    DeliverAll();
  }
  // The SPU's own link goes on, but what it said is not committed.
  void PassWithoutCommits(base::Duration duration) {
    const base::MonotonicTime end = simulator_.now() + duration;
    while (simulator_.now() < end) {
      simulator_.Advance(std::chrono::milliseconds(250));
      simulator_.Tick();
      DeliverAll();
      while (simulator_.DeliverToSpu()) {
      }
    }
  }
  std::vector<EventRecord> Events(const std::string& name) const {
    std::vector<EventRecord> events;
    for (const EventRecord& event : simulator_.store().events) {
      if (event.name() == name) events.push_back(event);
    }
    return events;
  }
  // As the live session says it, whatever the SPU's own core thinks.
  void InjectReport(v1::Report report) { InjectReport(std::move(report), 1'000'000 + ++injected_); }
  void InjectReport(v1::Report report, std::uint64_t sequence) {
    report.set_session(LiveSession().value());
    report.set_sequence(sequence);
    v1::AttachRequest message;
    *message.mutable_report() = std::move(report);
    simulator_.Inject(message, false);
    simulator_.Settle(std::chrono::milliseconds(250));
  }
  std::uint64_t Generation(int volume) const {
    return simulator_.core().volumes().at(simulator_.volume(volume)).record.accepted.generation();
  }

  LinkSimulator simulator_{1};
  std::uint64_t injected_ = 0;
  bool made_up_ = false;  // the checker knows only what the SPU's disk said
};

}  // namespace tidemark::sc
