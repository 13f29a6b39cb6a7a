#include "daemon/command_line.h"

#include <fstream>
#include <vector>

#include "daemon/daemon_options.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/temp_directory.h"

namespace tidemark::daemon {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class CommandLineTest : public testing::Test {
 protected:
  CommandLineTest() {
    options_.BindTo(schema_, 7201, 7202);
    schema_.TableArray("volume", "path", "A directory.", [this](ConfigSchema& row) {
      row.Text("path", std::nullopt, "Its directory.", &volumes_.emplace_back());
    });
  }

  std::variant<CommandLine, ExitCode> Run(std::vector<const char*> arguments) {
    arguments.insert(arguments.begin(), "tidemark-spu");
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    auto result = Configure({"tidemark-spu", "Keeps partitions.", "0.1.0"}, schema_,
                            static_cast<int>(arguments.size()), arguments.data());
    out_ = testing::internal::GetCapturedStdout();
    err_ = testing::internal::GetCapturedStderr();
    return result;
  }

  int RunToExit(std::vector<const char*> arguments) {
    const auto result = Run(std::move(arguments));
    const auto* const code = std::get_if<ExitCode>(&result);
    return code == nullptr ? -1 : code->value;
  }

  DaemonOptions options_;
  std::vector<std::string> volumes_;
  ConfigSchema schema_;
  std::string out_;
  std::string err_;
};

TEST_F(CommandLineTest, EveryKeyIsAFlag) {
  const auto result =
      Run({"--listen-grpc", "127.0.0.1:0", "--log-format=json", "--volume", "/a", "--volume=/b",
           "--health-loop-limit", "3s", "--ports-file", "/tmp/ports"});
  const auto* const parsed = std::get_if<CommandLine>(&result);
  ASSERT_NE(parsed, nullptr) << err_;
  EXPECT_EQ(options_.grpc_listen, (Endpoint{"127.0.0.1", 0}));
  EXPECT_EQ(options_.http_listen, (Endpoint{"127.0.0.1", 7202}));
  EXPECT_EQ(options_.log_format, LogFormat::kJson);
  EXPECT_EQ(options_.loop_limit, base::Duration(std::chrono::seconds(3)));
  EXPECT_EQ(parsed->ports_file, "/tmp/ports");
  EXPECT_THAT(volumes_, ElementsAre("/a", "/b"));
}

TEST_F(CommandLineTest, AnswersHelpVersionAndPrintConfig) {
  EXPECT_EQ(RunToExit({"--help"}), 0);
  EXPECT_THAT(out_, HasSubstr("--listen-grpc"));
  EXPECT_THAT(out_, HasSubstr("[127.0.0.1:7201]"));
  EXPECT_EQ(RunToExit({"--version"}), 0);
  EXPECT_THAT(out_, HasSubstr("tidemark-spu 0.1.0"));
  EXPECT_EQ(RunToExit({"--print-config", "--log-level", "warn"}), 0);
  EXPECT_THAT(out_, testing::ContainsRegex("log.level +. warn +# flag"));
  EXPECT_THAT(out_, testing::ContainsRegex("listen.grpc +. 127.0.0.1:7201 +# default"));
}

TEST_F(CommandLineTest, UsageErrorsExitWith2AndConfigurationErrorsWith78) {
  EXPECT_EQ(RunToExit({"--no-such-flag"}), kExitUsage);
  EXPECT_THAT(err_, HasSubstr("--no-such-flag"));
  EXPECT_EQ(RunToExit({"stray"}), kExitUsage);
  EXPECT_EQ(RunToExit({"--listen-grpc", "nonsense"}), kExitConfiguration);
  EXPECT_THAT(err_, HasSubstr("flag: 'listen.grpc': 'nonsense' is not an endpoint"));
  EXPECT_EQ(RunToExit({"--config", "/no/such/file.toml"}), kExitConfiguration);
  EXPECT_THAT(err_, HasSubstr("/no/such/file.toml"));
}

TEST_F(CommandLineTest, ReadsTheFileItIsGiven) {
  const support::TempDirectory directory;
  const std::string file = directory.File("spu.toml");
  std::ofstream(file) << "[drain]\ngrace = \"7s\"\n[[volume]]\npath = \"/v\"\n";
  const auto result = Run({"--config", file.c_str()});
  ASSERT_TRUE(std::holds_alternative<CommandLine>(result)) << err_;
  EXPECT_EQ(options_.drain_grace, base::Duration(std::chrono::seconds(7)));
  EXPECT_THAT(volumes_, ElementsAre("/v"));
}

}  // namespace
}  // namespace tidemark::daemon
