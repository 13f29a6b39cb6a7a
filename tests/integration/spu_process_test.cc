// The agent as a real process: what an operator gets wrong, and what it says then.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <memory>

#include "absl/strings/str_format.h"
#include "base/byte_size.h"
#include "tests/support/command.h"
#include "tests/support/daemon_process.h"
#include "tests/support/small_volume.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_directory.h"

namespace tidemark::support {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

constexpr int kTryAgain = 69;
constexpr int kConfiguration = 78;

class SpuProcessTest : public testing::Test {
 protected:
  void SetUp() override {
    volume_ = MakeVolume();
    if (volume_ == nullptr) return;
    ASSERT_OK(GiveToDaemons(home_.path()));
    std::filesystem::create_directory(home_.File("state"));
    ASSERT_OK(GiveToDaemons(home_.File("state")));
  }

  // Null, and the test is skipped, where nothing can be mounted.
  std::unique_ptr<SmallVolume> MakeVolume() {
    auto volume = SmallVolume::Create({.size_bytes = 64 * base::kMiB, .world_writable = true});
    if (!volume.ok()) {
      skip_reason_ = std::string(volume.status().message());
      return nullptr;
    }
    return *std::move(volume);
  }

  // A directory of its own: ext4 has a lost+found beside it.
  std::string MakeDirectory(const SmallVolume& volume, const std::string& name) {
    const std::string path = volume.path() + "/" + name;
    std::filesystem::create_directory(path);
    EXPECT_OK(GiveToDaemons(path));
    return path;
  }

  CommandResult Run(std::vector<std::string> words) {
    words.insert(words.begin(), Program("tidemark-spu"));
    auto result = RunCommand(words, {.as_daemon_user = true});
    EXPECT_OK(result);
    return result.ok() ? *result : CommandResult{};
  }
  std::string Formatted(const SmallVolume& volume, const std::string& name) {
    const std::string path = MakeDirectory(volume, name);
    EXPECT_EQ(Run({"format", path}).exit.code, 0);
    return path;
  }
  std::vector<std::string> Arguments(const std::vector<std::string>& more) const {
    std::vector<std::string> words = {"--state-dir", home_.File("state"), "--listen-grpc",
                                      "127.0.0.1:0", "--listen-http",     "127.0.0.1:0"};
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }
  std::string ConfigFile(const std::string& text) const {
    const std::string path = home_.File("spu.toml");
    std::ofstream(path) << text;
    EXPECT_OK(GiveToDaemons(path));
    return path;
  }

  TempDirectory home_;
  std::unique_ptr<SmallVolume> volume_;
  std::string skip_reason_;
};

#define SKIP_WITHOUT_VOLUME() \
  if (volume_ == nullptr) GTEST_SKIP() << skip_reason_

TEST_F(SpuProcessTest, FormatRefusesWhatIsNotEmptyAndWhatIsAVolumeAlready) {
  SKIP_WITHOUT_VOLUME();
  const std::string path = Formatted(*volume_, "a");
  const CommandResult again = Run({"format", path});
  EXPECT_EQ(again.exit.code, kConfiguration);
  EXPECT_THAT(again.errors, HasSubstr(path));
  const std::string used = MakeDirectory(*volume_, "b");
  std::ofstream(used + "/precious") << "data";
  const CommandResult refused = Run({"format", used});
  EXPECT_EQ(refused.exit.code, kConfiguration);
  EXPECT_THAT(refused.errors, HasSubstr("precious"));
  EXPECT_TRUE(std::filesystem::exists(used + "/precious"));
  EXPECT_EQ(Run({"format"}).exit.code, 2);
  EXPECT_EQ(Run({"format", "--require-mountpoint", MakeDirectory(*volume_, "c")}).exit.code,
            kConfiguration);
}

TEST_F(SpuProcessTest, NamesWhatIsWrongWithTheConfiguration) {
  SKIP_WITHOUT_VOLUME();
  const std::string path = Formatted(*volume_, "v");
  struct Case {
    std::string name;
    std::string toml;
    std::vector<std::string> says;
  };
  const Case cases[] = {
      {"unknown key",
       absl::StrFormat("[[volume]]\npath = \"%s\"\nreserv = \"5MiB\"\n", path),
       {"spu.toml:3:", "reserv", "reserve"}},
      {"marks in wrong order",
       absl::StrFormat("[[volume]]\npath = \"%s\"\nfull = \"50%%\"\nresume = \"40%%\"\n", path),
       {"resume", "full"}},
      {"mark beyond the volume's size",
       absl::StrFormat("[[volume]]\npath = \"%s\"\nfull = \"10GiB\"\n", path),
       {"10.0 GiB", "below the volume"}},
      {"not absolute", "[[volume]]\npath = \"relative\"\n", {"'relative' is not absolute"}},
      {"twice",
       absl::StrFormat("[[volume]]\npath = \"%s\"\n[[volume]]\npath = \"%s\"\n", path, path),
       {"given twice"}},
      {"no volume", "id = \"a\"\n", {"no volume is configured"}},
      {"not TOML", "id = \n", {"spu.toml:1"}},
      {"unit",
       absl::StrFormat("[[volume]]\npath = \"%s\"\n[limits]\nbatch = \"5 apples\"\n", path),
       {"spu.toml:4:", "5 apples"}},
  };
  for (const Case& bad : cases) {
    SCOPED_TRACE(bad.name);
    const CommandResult result = Run(Arguments({"--config", ConfigFile(bad.toml)}));
    EXPECT_EQ(result.exit.code, kConfiguration) << result.ToString();
    for (const std::string& text : bad.says) EXPECT_THAT(result.errors, HasSubstr(text));
    // The SC would know it for ever.
    EXPECT_THAT(result.errors, Not(HasSubstr("spu.serving")));
  }
}

TEST_F(SpuProcessTest, RefusesAnAddressBeyondLoopbackUnlessTold) {
  SKIP_WITHOUT_VOLUME();
  const std::string path = Formatted(*volume_, "v");
  const CommandResult result =
      Run({"--state-dir", home_.File("state"), "--volume", path, "--listen-grpc", "0.0.0.0:0"});
  EXPECT_EQ(result.exit.code, kConfiguration);
  EXPECT_THAT(result.errors, AllOf(HasSubstr("not loopback"), HasSubstr("insecure")));
}

TEST_F(SpuProcessTest, RefusesTwoVolumesOnOneFilesystem) {
  SKIP_WITHOUT_VOLUME();
  const std::string a = Formatted(*volume_, "a");
  const std::string b = Formatted(*volume_, "b");
  const CommandResult result = Run(Arguments({"--volume", a, "--volume", b}));
  EXPECT_EQ(result.exit.code, kConfiguration);
  EXPECT_THAT(result.errors, AllOf(HasSubstr(a), HasSubstr(b), HasSubstr("one filesystem")));
}

TEST_F(SpuProcessTest, RefusesADirectoryWithoutItsMarker) {
  SKIP_WITHOUT_VOLUME();
  const std::string path = MakeDirectory(*volume_, "never-formatted");
  const CommandResult result = Run(Arguments({"--volume", path}));
  EXPECT_EQ(result.exit.code, kConfiguration);
  EXPECT_THAT(result.errors, AllOf(HasSubstr(path), HasSubstr("marker")));
  EXPECT_TRUE(std::filesystem::is_empty(path)) << "the daemon never formats";
}

TEST_F(SpuProcessTest, RefusesAVolumeAndAStateDirectoryThatARunningSpuOwns) {
  SKIP_WITHOUT_VOLUME();
  const std::string path = Formatted(*volume_, "v");
  DaemonProcess first({.name = "first",
                       .program = Program("tidemark-spu"),
                       .arguments = Arguments({"--volume", path}),
                       .directory = home_.path()});
  ASSERT_OK(first.Start());
  ASSERT_OK(first.WaitForPorts());
  const CommandResult same_state = Run(Arguments({"--volume", path}));
  EXPECT_EQ(same_state.exit.code, kTryAgain) << same_state.ToString();
  const std::string owner = absl::StrFormat("process %d uses it", first.pid());
  EXPECT_THAT(same_state.errors, AllOf(HasSubstr(home_.File("state")), HasSubstr(owner)));

  std::filesystem::create_directory(home_.File("other"));
  ASSERT_OK(GiveToDaemons(home_.File("other")));
  const CommandResult same_volume =
      Run({"--state-dir", home_.File("other"), "--volume", path, "--listen-grpc", "127.0.0.1:0"});
  EXPECT_EQ(same_volume.exit.code, kTryAgain) << same_volume.ToString();
  EXPECT_THAT(same_volume.errors, AllOf(HasSubstr(path), HasSubstr(owner)));
  EXPECT_TRUE(first.running());
  first.Terminate();
  EXPECT_THAT(first.WaitForExit(), IsOkAndHolds(ExitStatus{})) << first.LogTail();
}

// A copy of the state directory counts the same boot as the original, under another nonce.
TEST_F(SpuProcessTest, ACloneIsSupersededAndExits) {
  SKIP_WITHOUT_VOLUME();
  const auto other = MakeVolume();
  ASSERT_NE(other, nullptr) << skip_reason_;
  for (const char* name : {"data", "clone"}) {
    std::filesystem::create_directory(home_.File(name));
    std::filesystem::permissions(home_.File(name), std::filesystem::perms::owner_all);
    ASSERT_OK(GiveToDaemons(home_.File(name)));
  }
  DaemonProcess sc({.name = "sc",
                    .program = Program("tidemark-sc"),
                    .arguments = {"--data-dir", home_.File("data"), "--listen-grpc", "127.0.0.1:0",
                                  "--listen-http", "127.0.0.1:0", "--store-reserve", "1MiB"},
                    .directory = home_.path()});
  ASSERT_OK(sc.Start());
  ASSERT_OK_AND_ASSIGN(auto ports, sc.WaitForPorts());
  const std::string controller = absl::StrFormat("127.0.0.1:%d", ports.at("grpc"));
  const auto agent = [&](const std::string& name, const std::string& state,
                         const std::string& path) {
    return DaemonOptions{
        .name = name,
        .program = Program("tidemark-spu"),
        .arguments = {"--sc", controller, "--state-dir", home_.File(state), "--volume", path,
                      "--listen-grpc", "127.0.0.1:0", "--listen-http", "127.0.0.1:0"},
        .directory = home_.path()};
  };
  const auto attached = [](const DaemonProcess& daemon) {
    return WaitFor([&] { return daemon.Log().find("link.attached") != std::string::npos; },
                   kLongWait, "the agent to attach");
  };
  DaemonProcess original(agent("original", "state", Formatted(*volume_, "v")));
  ASSERT_OK(original.Start());
  ASSERT_TRUE(attached(original));
  original.Terminate();
  ASSERT_THAT(original.WaitForExit(), IsOkAndHolds(ExitStatus{})) << original.LogTail();
  for (const char* file : {"identity.slots", "lock"}) {
    const std::string copy = home_.File("clone") + "/" + file;
    std::filesystem::copy_file(home_.File("state") + "/" + file, copy);
    ASSERT_OK(GiveToDaemons(copy));
  }
  ASSERT_OK(original.Start());
  ASSERT_TRUE(attached(original));

  DaemonProcess clone(agent("clone", "clone", Formatted(*other, "w")));
  ASSERT_OK(clone.Start());
  EXPECT_THAT(clone.WaitForExit(), IsOkAndHolds(ExitStatus{.code = kConfiguration}));
  EXPECT_THAT(clone.Log(), HasSubstr("superseded"));
  EXPECT_TRUE(original.running());
}

TEST_F(SpuProcessTest, RefusesToRunAsRootUnlessTold) {
  SKIP_WITHOUT_VOLUME();
  if (geteuid() != 0) GTEST_SKIP() << "this machine runs the tests as somebody else than root";
  const std::string path = Formatted(*volume_, "v");
  std::vector<std::string> words = Arguments({"--volume", path});
  words.insert(words.begin(), Program("tidemark-spu"));
  ASSERT_OK_AND_ASSIGN(const auto result, RunCommand(words));
  EXPECT_EQ(result.exit.code, kConfiguration);
  EXPECT_THAT(result.errors, HasSubstr("as root"));
}

}  // namespace
}  // namespace tidemark::support
