// The shim before any daemon: a program of the system under it, call by call.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "gmock/gmock.h"
#include "tests/integration/faults/power_cut.h"
#include "tests/support/command.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_directory.h"

namespace tidemark::faults {
namespace {

using testing::ElementsAre;

class FaultShimTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(mkdir(inside_.c_str(), 0700), 0);
    ASSERT_OK_AND_ASSIGN(record_, FaultRecord::Create(home_.File("calls")));
    ASSERT_OK(power_.Remember({inside_}));
  }

  // Creates the file (call 1), writes `bytes` of it (call 2) and syncs it (call 3).
  support::CommandResult Write(const std::string& path, int bytes, bool sync = true) {
    support::CommandOptions options;
    options.environment = Environment();
    std::vector<std::string> words = {"/bin/dd", "if=" + WriteInput(bytes), "of=" + path,
                                      "bs=" + std::to_string(bytes)};
    if (sync) words.push_back("conv=fsync,notrunc");
    auto result = support::RunCommand(words, options);
    EXPECT_OK(result);
    return *std::move(result);
  }

  std::vector<std::string> Environment() {
    const std::string here = std::filesystem::read_symlink("/proc/self/exe").parent_path();
    return record_->Environment(here + "/libtidemark-fault-shim.so", {home_.File("no"), inside_});
  }
  std::string WriteInput(int bytes) {
    std::ofstream(home_.File("input")) << std::string(static_cast<std::size_t>(bytes), 'x');
    return home_.File("input");
  }
  std::vector<NotedCall> Calls() {
    auto calls = record_->Calls();
    EXPECT_OK(calls);
    return *std::move(calls);
  }
  std::vector<Call> Kinds() {
    std::vector<Call> kinds;
    for (const NotedCall& call : Calls()) kinds.push_back(call.call);
    return kinds;
  }
  static std::string ReadFile(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  }

  support::TempDirectory home_;
  std::string inside_ = home_.File("inside");
  std::string file_ = inside_ + "/file";
  std::unique_ptr<FaultRecord> record_;
  PowerCut power_;
};

TEST_F(FaultShimTest, CountsWhatChangesTheDiskInsideTheScopeAndNothingElse) {
  EXPECT_TRUE(Write(home_.File("outside"), 100).exit.clean());
  EXPECT_TRUE(Write(inside_ + "-neighbour", 100).exit.clean());
  EXPECT_EQ(record_->calls(), 0U);
  EXPECT_TRUE(Write(file_, 100).exit.clean());
  EXPECT_EQ(record_->calls(), 3U);
  EXPECT_THAT(Kinds(), ElementsAre(Call::kCreate, Call::kWrite, Call::kSync));
  const NotedCall write = Calls()[1];
  EXPECT_EQ(write.path, file_);
  EXPECT_EQ(write.bytes, 100);
  EXPECT_EQ(std::string(write.written.begin(), write.written.end()), std::string(100, 'x'));
}

TEST_F(FaultShimTest, GoesOnCountingInTheNextProcess) {
  Write(file_, 100);
  Write(file_, 100);
  EXPECT_EQ(record_->calls(), 6U);
}

TEST_F(FaultShimTest, FailsTheCallAndOnlyThat) {
  record_->SetPlan(0, {.deed = Deed::kFail, .from = 2, .error_number = ENOSPC});
  const auto failed = Write(file_, 100);
  EXPECT_EQ(failed.exit.code, 1);
  EXPECT_NE(failed.errors.find("No space left"), std::string::npos) << failed.errors;
  EXPECT_EQ(record_->fired(0), 1U);
  EXPECT_EQ(record_->fired_at(0), 2U);
  EXPECT_EQ(ReadFile(file_), "");
  EXPECT_TRUE(Write(file_, 100).exit.clean());
}

TEST_F(FaultShimTest, FailsTheCallThatHasTheName) {
  record_->SetPlan(0, {.deed = Deed::kFail,
                       .from = 1,
                       .error_number = ENOSPC,
                       .only_call = Call::kWrite,
                       .only_nth = 2,
                       .only_path = "inside/file"});
  EXPECT_TRUE(Write(inside_ + "/other", 100).exit.clean());
  EXPECT_TRUE(Write(file_, 100).exit.clean());
  EXPECT_TRUE(Write(inside_ + "/other", 100).exit.clean());
  EXPECT_EQ(Write(file_, 100).exit.code, 1);
  EXPECT_EQ(record_->fired(0), 1U);
  EXPECT_EQ(record_->fired_at(0), 11U);
}

TEST_F(FaultShimTest, FailsAllFromThenOnIfSticky) {
  record_->SetPlan(0, {.deed = Deed::kFail,
                       .from = 2,
                       .calls = BitOf(Call::kSync),
                       .error_number = EIO,
                       .sticky = true});
  EXPECT_EQ(Write(file_, 100).exit.code, 1);
  EXPECT_EQ(Write(file_, 100).exit.code, 1);
  EXPECT_EQ(record_->fired(0), 2U);
  record_->DropPlan(0);
  EXPECT_TRUE(Write(file_, 100).exit.clean());
}

TEST_F(FaultShimTest, KillsBeforeTheCallOrAfterHalfOfIt) {
  record_->SetPlan(0, {.deed = Deed::kKillBefore, .from = 2});
  EXPECT_EQ(Write(file_, 100).exit.signal, SIGKILL);
  EXPECT_EQ(ReadFile(file_), "");
  record_->Clear();
  record_->SetPlan(0, {.deed = Deed::kKillAfter, .from = 2});
  EXPECT_EQ(Write(file_, 100).exit.signal, SIGKILL);
  EXPECT_EQ(ReadFile(file_), std::string(50, 'x'));
}

TEST_F(FaultShimTest, WritesHalfAndSaysSo) {
  record_->SetPlan(0, {.deed = Deed::kShortWrite, .from = 2});
  EXPECT_TRUE(Write(file_, 100).exit.clean());
  EXPECT_EQ(ReadFile(file_), std::string(100, 'x')) << "dd writes on";
  EXPECT_THAT(Kinds(), ElementsAre(Call::kCreate, Call::kWrite, Call::kWrite, Call::kSync));
}

TEST_F(FaultShimTest, StallsUntilItIsLetGo) {
  record_->SetPlan(0, {.deed = Deed::kStall, .from = 2, .stall_ms = 20});
  EXPECT_TRUE(Write(file_, 100).exit.clean());
  EXPECT_EQ(record_->fired(0), 1U);
}

// Calls 1 to 4 under the shim: a write and three syncs of one file.
void SyncOneDescriptorThenTheOtherTwice(const char* path) {
  const int one = open(path, O_RDWR);
  const int other = open(path, O_RDWR);
  EXPECT_EQ(write(one, "x", 1), 1);
  EXPECT_EQ(fdatasync(one), -1);
  EXPECT_EQ(fdatasync(other), -1) << "it was open when the sync failed";
  EXPECT_EQ(fdatasync(other), 0);
}

TEST_F(FaultShimTest, TellsAFailedSyncToEveryDescriptorOnce) {
  // This test is also the program that it runs under the shim.
  if (const char* path = std::getenv("FILE_TO_SYNC")) {
    return SyncOneDescriptorThenTheOtherTwice(path);
  }
  std::ofstream(file_) << "before";
  record_->SetPlan(0, {.deed = Deed::kFail, .from = 2, .error_number = EIO});
  support::CommandOptions options;
  options.environment = Environment();
  options.environment.push_back("FILE_TO_SYNC=" + file_);
  ASSERT_OK_AND_ASSIGN(
      const auto result,
      support::RunCommand({"/proc/self/exe", "--gtest_filter=*TellsAFailedSyncToEvery*"}, options));
  EXPECT_TRUE(result.exit.clean()) << result.ToString();
  EXPECT_EQ(record_->fired(0), 1U);
  EXPECT_EQ(record_->calls(), 4U);
}

TEST_F(FaultShimTest, APowerCutTakesWhatNoSyncCovered) {
  Write(file_, 100);
  const std::string unsynced = inside_ + "/unsynced";
  Write(unsynced, 100, /*sync=*/false);
  ASSERT_OK(power_.LoseUnsynced(Calls(), nullptr));
  EXPECT_EQ(ReadFile(file_), std::string(100, 'x'));
  EXPECT_EQ(ReadFile(unsynced), std::string(100, '\0'));
}

TEST_F(FaultShimTest, WhatAFailedSyncCoveredIsLostWhateverComesAfter) {
  record_->SetPlan(
      0, {.deed = Deed::kFail, .from = 1, .calls = BitOf(Call::kSync), .error_number = EIO});
  EXPECT_EQ(Write(file_, 100).exit.code, 1);
  EXPECT_EQ(ReadFile(file_), std::string(100, 'x')) << "the page cache knows no better";
  Write(inside_ + "/other", 10);
  ASSERT_OK_AND_ASSIGN(const auto loss, power_.LoseFailed(Calls()));
  EXPECT_EQ(loss.bytes, 100);
  EXPECT_EQ(ReadFile(file_), std::string(100, '\0'));
  EXPECT_EQ(ReadFile(inside_ + "/other"), std::string(10, 'x'));
}

}  // namespace
}  // namespace tidemark::faults
