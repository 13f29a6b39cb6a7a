// A real cluster for one test: SC, SPU with two small volumes, a topic of four partitions.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <memory>
#include <random>
#include <set>
#include <sstream>
#include <string>

#include "tests/integration/story/stage.h"
#include "tests/integration/story/steps.h"
#include "tests/support/await.h"
#include "tests/support/status_matchers.h"

namespace tidemark::story {

class ClusterTest : public testing::Test {
 protected:
  virtual StageOptions Options() const { return {}; }
  void SetUp() override {
    const char* given = std::getenv("TIDEMARK_SEED");
    seed_ = given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
    RecordProperty("seed", std::to_string(seed_));
    std::printf("seed %llu (again with TIDEMARK_SEED)\n", static_cast<unsigned long long>(seed_));
    auto stage = Stage::Create(reporter_, seed_, Options());
    if (absl::IsUnimplemented(stage.status())) GTEST_SKIP() << stage.status().message();
    ASSERT_OK(stage);
    stage_ = *std::move(stage);
    ASSERT_OK(ServeRecords(*stage_));
    ASSERT_OK_AND_ASSIGN(const auto partitions, stage_->Partitions());
    for (const auto& partition : partitions) partitions_.insert(partition.id());
  }

  testing::AssertionResult AwaitOnline() {
    const absl::Status status =
        stage_->WaitForStatus(partitions_, sc::v1::PARTITION_STATUS_ONLINE, true);
    return status.ok() ? testing::AssertionSuccess()
                       : testing::AssertionFailure() << status.message();
  }

  std::uint64_t seed_ = 0;
  std::ostringstream lines_;
  Reporter reporter_{lines_, lines_, false, false};
  std::unique_ptr<Stage> stage_;
  std::set<std::uint64_t> partitions_;
};

}  // namespace tidemark::story
