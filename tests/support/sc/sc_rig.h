// A whole controller in the test's process, on a loop of its own, reached over loopback.
//
// Lifetime:  Stop() drains it like SIGTERM; the destructor does so if nobody did.
// Threading: used from the test's thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/clock.h"
#include "sc/sc_process.h"
#include "tests/support/loop_thread.h"

namespace tidemark::support {

class ScRig {
 public:
  // Loopback, ports of its own, a long lease: nothing expires that a test does not want to.
  static sc::ScOptions Options(const std::string& data_directory);

  explicit ScRig(const sc::ScOptions& options);
  ScRig(const sc::ScOptions& options, std::shared_ptr<sc::StatusStore> store);
  ~ScRig();

  void Stop();

  std::string grpc_target() const { return grpc_target_; }
  std::uint16_t http_port() const { return http_port_; }
  LoopThread& loop() { return loop_; }
  sc::ScProcess& process() { return *process_; }

 private:
  void TakeTargets();

  base::SystemClock clock_;
  LoopThread loop_;
  std::unique_ptr<sc::ScProcess> process_;
  std::string grpc_target_;
  std::uint16_t http_port_ = 0;
};

}  // namespace tidemark::support
