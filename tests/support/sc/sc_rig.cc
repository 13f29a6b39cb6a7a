#include "tests/support/sc/sc_rig.h"

#include <chrono>
#include <future>
#include <utility>

#include "base/check.h"
#include "gtest/gtest.h"
#include "tests/support/await.h"

namespace tidemark::support {

sc::ScOptions ScRig::Options(const std::string& data_directory) {
  sc::ScOptions options;
  options.daemon.grpc_listen = {.host = "127.0.0.1", .port = 0};
  options.daemon.http_listen = {.host = "127.0.0.1", .port = 0};
  options.daemon.drain_grace = std::chrono::seconds(20);
  options.daemon.loop_limit = std::chrono::seconds(10);
  options.data_directory = data_directory;
  options.lease = std::chrono::minutes(10);
  options.heartbeat = std::chrono::milliseconds(100);
  options.events = 100'000;
  return options;
}

ScRig::ScRig(const sc::ScOptions& options) {
  loop_.Run([&] {
    auto process = sc::ScProcess::Start(*loop_, clock_, options);
    EXPECT_TRUE(process.ok()) << process.status();
    TM_CHECK(process.ok());
    process_ = *std::move(process);
  });
  TakeTargets();
}

ScRig::ScRig(const sc::ScOptions& options, std::shared_ptr<sc::StatusStore> store) {
  loop_.Run([&] {
    auto process = sc::ScProcess::StartOn(*loop_, clock_, options, std::move(store));
    EXPECT_TRUE(process.ok()) << process.status();
    TM_CHECK(process.ok());
    process_ = *std::move(process);
  });
  TakeTargets();
}

ScRig::~ScRig() { Stop(); }

void ScRig::TakeTargets() {
  grpc_target_ = process_->grpc_endpoint().ToString();
  http_port_ = process_->http_endpoint().port;
}

void ScRig::Stop() {
  if (process_ == nullptr) return;
  std::promise<void> stopped;
  loop_.Run([&] { process_->Stop([&] { stopped.set_value(); }); });
  TM_CHECK(stopped.get_future().wait_for(kLongWait) == std::future_status::ready);
  loop_.Run([&] { process_.reset(); });
}

}  // namespace tidemark::support
