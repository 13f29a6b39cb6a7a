#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>
#include <fstream>
#include <iterator>

#include "daemon/ports_file.h"
#include "daemon/process_setup.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_directory.h"

namespace tidemark::daemon {
namespace {

std::string ReadFile(const std::string& path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), {}};
}

TEST(PortsFileTest, IsReplacedInOneStep) {
  const support::TempDirectory directory;
  const std::string path = directory.File("ports.json");
  ASSERT_OK(WritePortsFile(path, {{"grpc", 7201}, {"http", 7202}}));
  EXPECT_EQ(ReadFile(path), "{\"grpc\":7201,\"http\":7202}\n");
  std::ifstream old(path);  // still reads the whole old file after it was replaced
  ASSERT_OK(WritePortsFile(path, {{"grpc", 1}}));
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(old), {}),
            "{\"grpc\":7201,\"http\":7202}\n");
  EXPECT_EQ(ReadFile(path), "{\"grpc\":1}\n");
}

TEST(PortsFileTest, NamesThePathThatCannotBeWritten) {
  EXPECT_THAT(
      WritePortsFile("/no/such/dir/ports", {}),
      support::StatusIs(absl::StatusCode::kNotFound, testing::HasSubstr("'/no/such/dir/ports'")));
}

TEST(ProcessSetupDeathTest, SetsUmaskSignalsAndDescriptorLimit) {
  EXPECT_EXIT(
      {
        SetUpProcess();
        rlimit files{};
        getrlimit(RLIMIT_NOFILE, &files);
        struct sigaction pipe_action {};
        sigaction(SIGPIPE, nullptr, &pipe_action);
        const bool good = umask(0) == 077 && files.rlim_cur == files.rlim_max &&
                          pipe_action.sa_handler == SIG_IGN;
        _exit(good ? 0 : 1);
      },
      testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace tidemark::daemon
