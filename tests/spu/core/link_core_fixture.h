// The SPU's end of the link with one volume, which is Ready, and the messages of a controller.
//
// Threading: used from the test's thread.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <utility>
#include <variant>
#include <vector>

#include "spu/core/link_core.h"
#include "tests/support/report_builder.h"

namespace tidemark::spu {

class LinkCoreTest : public testing::Test {
 protected:
  static inline const base::Uuid kCluster{{0xcc}};
  static inline const base::Uuid kVolume = test_support::VolumeUuid(1);

  LinkCoreTest() {
    Take(link_.AddVolume(kVolume, "/v", now_));
    Take(link_.SetReport(test_support::ReadyReport(kVolume, 1), now_));
  }
  void Take(LinkEffects effects) {
    for (auto& effect : effects) {
      if (const auto* open = std::get_if<OpenStream>(&effect)) stream_ = open->stream;
      effects_.push_back(std::move(effect));
    }
  }
  void Tick(base::Duration later = base::Duration(0)) {
    now_ = now_ + later;
    Take(link_.Tick(now_));
  }
  void Receive(const sc::v1::AttachResponse& message) {
    Take(link_.Receive(stream_, message, now_));
  }
  template <typename Effect>
  std::vector<Effect> All() const {
    std::vector<Effect> all;
    for (const auto& effect : effects_) {
      if (const auto* one = std::get_if<Effect>(&effect)) all.push_back(*one);
    }
    return all;
  }
  std::vector<sc::v1::Report> Reports() const {
    std::vector<sc::v1::Report> reports;
    for (const auto& send : All<SendMessage>()) {
      if (send.message.has_report()) reports.push_back(send.message.report());
    }
    return reports;
  }
  sc::v1::Hello LastHello() const {
    sc::v1::Hello hello;
    for (const auto& send : All<SendMessage>()) {
      if (send.message.has_hello()) hello = send.message.hello();
    }
    return hello;
  }
  sc::v1::AttachResponse Welcome(std::uint64_t session = 7) {
    const sc::v1::Hello hello = LastHello();
    sc::v1::AttachResponse message;
    sc::v1::Welcome* welcome = message.mutable_welcome();
    welcome->set_cluster_id(kCluster.ToBytes());
    welcome->set_store_epoch(1);
    welcome->set_session(session);
    welcome->set_boot_count(hello.boot_count());
    welcome->set_boot_nonce(hello.boot_nonce());
    welcome->set_attempt(hello.attempt());
    welcome->set_lease_ms(3000);
    welcome->set_heartbeat_ms(1000);
    return message;
  }
  void Attach() {
    Tick(std::chrono::seconds(6));
    Receive(Welcome());
    ASSERT_TRUE(link_.attached());
  }
  sc::v1::AttachResponse Ack(const sc::v1::Report& report) {
    sc::v1::AttachResponse message;
    message.mutable_report_ack()->set_session(report.session());
    message.mutable_report_ack()->set_volume(report.volume());
    message.mutable_report_ack()->set_sequence(report.sequence());
    return message;
  }
  sc::v1::AttachResponse ReportNack(const sc::v1::Report& report, sc::v1::ReportRefusal reason) {
    sc::v1::AttachResponse message;
    message.mutable_report_nack()->set_session(report.session());
    message.mutable_report_nack()->set_volume(report.volume());
    message.mutable_report_nack()->set_sequence(report.sequence());
    message.mutable_report_nack()->set_reason(reason);
    return message;
  }
  sc::v1::AttachResponse Nack(sc::v1::NackReason reason, std::uint64_t attempt = 0) {
    sc::v1::AttachResponse message;
    message.mutable_nack()->set_reason(reason);
    message.mutable_nack()->set_newest_boot_count(3);
    message.mutable_nack()->set_newest_boot_nonce(99);
    message.mutable_nack()->set_newest_attempt(attempt);
    return message;
  }
  sc::v1::KnownVolume* Know(sc::v1::AttachResponse& welcome, std::uint64_t generation,
                            std::uint64_t episodes) {
    sc::v1::KnownVolume* known = welcome.mutable_welcome()->add_known();
    known->set_uuid(kVolume.ToBytes());
    known->set_generation(generation);
    known->set_episodes(episodes);
    return known;
  }

  base::MonotonicTime now_{std::chrono::seconds(100)};
  LinkStreamId stream_;
  LinkEffects effects_;
  LinkCore link_{{.spu_id = "spu-a", .boot_nonce = 99, .backoff_seed = 1},
                 {.spu_uuid = base::Uuid({0x55}), .boot_count = 3}};
};

}  // namespace tidemark::spu
