// A log of small segments on a real directory, whose calls can be made to fail.
//
// Threading: used from the test's thread.
#pragma once

#include <chrono>

#include "storage/fs/posix_file_system.h"
#include "storage/log/partition_log.h"
#include "tests/storage/log/log_rig.h"
#include "tests/support/faulty_file_system.h"
#include "tests/support/temp_directory.h"

namespace tidemark::storage {

inline constexpr LogOptions kSmall{.segment_bytes = 64 * 1024,
                                   .step_bytes = 16 * 1024,
                                   .roll_after = std::chrono::hours(1),
                                   .idle_after = std::chrono::seconds(30)};

class PartitionLogTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_OK(rig_.Create());
    ASSERT_OK(rig_.Open());
  }
  PartitionLog& log() { return rig_.log(); }

  support::TempDirectory home_;
  PosixFileSystem real_;
  support::FaultyFileSystem disk_{real_};
  LogRig rig_{disk_, home_.path(), kSmall};
};

}  // namespace tidemark::storage
