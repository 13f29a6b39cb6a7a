#include <cstdlib>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "daemon/config_schema.h"
#include "daemon/nearest_name.h"
#include "daemon/toml_config.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_directory.h"

namespace tidemark::daemon {
namespace {

using std::chrono_literals::operator""s;
using support::StatusIs;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

struct VolumeOptions {
  std::string path;
  std::optional<base::SizeSpec> full;
};

struct Options {
  std::string listen;
  std::int64_t workers = 0;
  std::int64_t batch_bytes = 0;
  base::SizeSpec reserve;
  std::optional<base::SizeSpec> full;
  base::Duration grace{};
  bool insecure = false;
  std::string acks;
  std::vector<std::string> peers;
  std::vector<VolumeOptions> volumes;
};

class ConfigTest : public testing::Test {
 protected:
  ConfigTest() {
    schema_.Text("listen.grpc", "127.0.0.1:7201", "Where to listen.", &options_.listen);
    schema_.Integer("workers", "4", "Threads.", 1, 64, &options_.workers);
    schema_.Bytes("limits.batch", "1MiB", "Largest batch.", &options_.batch_bytes);
    schema_.Size("space.reserve", "3%", "Held back.", &options_.reserve);
    schema_.Size("space.full", "", "Full mark.", &options_.full);
    schema_.Duration("drain.grace", "20s", "Drain time.", &options_.grace);
    schema_.Bool("insecure", "false", "No TLS.", &options_.insecure);
    schema_.Choice("acks", "durable", "When to acknowledge.", {"written", "durable"},
                   &options_.acks);
    schema_.TextList("peers", "", "Others.", &options_.peers);
    schema_.TableArray("volume", "path", "A directory.", [this](ConfigSchema& row) {
      VolumeOptions& volume = options_.volumes.emplace_back();
      row.Text("path", std::nullopt, "Its directory.", &volume.path);
      row.Size("full", "", "Full mark.", &volume.full);
    });
    sources_.file = "spu.toml";
    sources_.environment = [this](const char* name) -> const char* {
      const auto found = environment_.find(name);
      return found == environment_.end() ? nullptr : found->second.c_str();
    };
  }

  auto Load(std::string_view toml) { return LoadConfigText(schema_, sources_, toml); }

  Options options_;
  ConfigSchema schema_;
  ConfigSources sources_;
  std::map<std::string, std::string> environment_;
};

TEST_F(ConfigTest, DefaultsAreParsedLikeEverythingElse) {
  ASSERT_OK(Load(""));
  EXPECT_EQ(options_.listen, "127.0.0.1:7201");
  EXPECT_EQ(options_.workers, 4);
  EXPECT_EQ(options_.batch_bytes, base::kMiB);
  EXPECT_EQ(options_.reserve.percent, 3);
  EXPECT_EQ(options_.full, std::nullopt);
  EXPECT_EQ(options_.grace, base::Duration(20s));
  EXPECT_FALSE(options_.insecure);
  EXPECT_EQ(options_.acks, "durable");
  EXPECT_THAT(options_.peers, IsEmpty());
  EXPECT_THAT(options_.volumes, IsEmpty());
}

TEST_F(ConfigTest, ReadsEveryTypeFromTheFile) {
  ASSERT_OK(Load(R"(
workers = 8
insecure = true
acks = "written"
peers = ["a:1", "b:2"]
listen.grpc = "[::]:1"
[limits]
batch = "512KiB"
[space]
reserve = "5GiB"
full = "10%"
[drain]
grace = "30s"
[[volume]]
path = "/a"
[[volume]]
path = "/b"
full = 1048576
)"));
  EXPECT_EQ(options_.workers, 8);
  EXPECT_EQ(options_.batch_bytes, 512 * base::kKiB);
  EXPECT_EQ(options_.reserve.bytes, 5 * base::kGiB);
  EXPECT_EQ(options_.full->percent, 10);
  EXPECT_EQ(options_.grace, base::Duration(30s));
  EXPECT_TRUE(options_.insecure);
  EXPECT_EQ(options_.acks, "written");
  EXPECT_EQ(options_.listen, "[::]:1");
  EXPECT_THAT(options_.peers, ElementsAre("a:1", "b:2"));
  ASSERT_EQ(options_.volumes.size(), 2U);
  EXPECT_EQ(options_.volumes[0].path, "/a");
  EXPECT_EQ(options_.volumes[0].full, std::nullopt);
  EXPECT_EQ(options_.volumes[1].path, "/b");
  EXPECT_EQ(options_.volumes[1].full->bytes, base::kMiB);
}

TEST_F(ConfigTest, FlagBeatsEnvironmentBeatsFileBeatsDefault) {
  const std::string file = "workers = 2\n[limits]\nbatch = \"2MiB\"\n[drain]\ngrace = \"2s\"\n";
  environment_["TIDEMARK_LIMITS_BATCH"] = "3MiB";
  environment_["TIDEMARK_DRAIN_GRACE"] = "3s";
  sources_.flags = {{"drain.grace", "4s"}, {"drain.grace", "5s"}};
  ASSERT_OK_AND_ASSIGN(const auto values, Load(file));
  EXPECT_EQ(options_.grace, base::Duration(5s)) << "the last flag";
  EXPECT_EQ(options_.batch_bytes, 3 * base::kMiB);
  EXPECT_EQ(options_.workers, 2);

  std::map<std::string, std::string> origins;
  for (const ConfigValue& value : values) origins[value.name] = value.text + " " + value.origin;
  EXPECT_EQ(origins["drain.grace"], "5s flag");
  EXPECT_EQ(origins["limits.batch"], "3MiB TIDEMARK_LIMITS_BATCH");
  EXPECT_EQ(origins["workers"], "2 spu.toml:1:1");
  EXPECT_EQ(origins["acks"], "durable default");
  EXPECT_THAT(FormatConfig(values), HasSubstr("# TIDEMARK_LIMITS_BATCH\n"));
}

TEST_F(ConfigTest, RowsComeFromOneSourceAsAWhole) {
  const std::string file = "[[volume]]\npath = \"/file\"\nfull = \"9%\"\n";
  environment_["TIDEMARK_VOLUME"] = "/e1,/e2";
  ASSERT_OK(Load(file));
  ASSERT_EQ(options_.volumes.size(), 2U);
  EXPECT_EQ(options_.volumes[1].path, "/e2");

  options_.volumes.clear();
  sources_.flags = {{"volume", "/flag"}};
  ASSERT_OK_AND_ASSIGN(const auto values, Load(file));
  ASSERT_EQ(options_.volumes.size(), 1U);
  EXPECT_EQ(options_.volumes[0].path, "/flag");
  EXPECT_EQ(options_.volumes[0].full, std::nullopt);
  EXPECT_EQ(values.back().name, "volume[0].full");
}

TEST_F(ConfigTest, NamesFileLineColumnAndTheNearestKey) {
  const struct {
    std::string_view toml;
    std::string_view message;
  } kCases[] = {
      {"workers = 1\nworkrs = 2\n", "spu.toml:2:1: unknown key 'workrs' (did you mean 'workers'?)"},
      {"[limits]\n  batsh = 1\n",
       "spu.toml:2:3: unknown key 'limits.batsh' (did you mean 'limits.batch'?)"},
      {"[nothing.like]\nit = 1\n", "spu.toml:1:2: unknown key 'nothing'"},
      {"[[volume]]\npath = \"/a\"\nful = \"1%\"\n",
       "spu.toml:3:1: unknown key 'ful' (did you mean 'full'?)"},
      {"[[volume]]\nfull = \"1%\"\n", "spu.toml: 'volume[0].path' is missing: Its directory."},
      {"volume = \"/a\"\n", "spu.toml:1:1: 'volume' is written as [[volume]]"},
      {"workers = \"4\"\n", "spu.toml:1:1: 'workers' must be a whole number"},
      {"workers = 65\n", "spu.toml:1:1: 'workers': 65 is not between 1 and 64"},
      {"acks = \"never\"\n", "spu.toml:1:1: 'acks': 'never' is none of 'written', 'durable'"},
      {"[drain]\ngrace = 30\n", "spu.toml:2:1: 'drain.grace' must be a duration such as \"30s\""},
      {"[space]\nfull = \"110%\"\n", "spu.toml:2:1: 'space.full': '110%'"},
      {"peers = [\"a\", 1]\n", "spu.toml:1:1: 'peers' must be a list of texts"},
      {"workers = \n", "spu.toml:1:"},
      {"workers = 1\nworkers = 2\n", "spu.toml:2:"},
      {"limits = 1\n", "spu.toml:1:1: unknown key 'limits'"},
  };
  for (const auto& [toml, message] : kCases) {
    EXPECT_THAT(Load(toml),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(std::string(message))))
        << toml;
  }
}

TEST_F(ConfigTest, ListsEverythingWrongAtOnce) {
  environment_["TIDEMARK_INSECURE"] = "yes";
  sources_.flags = {{"wrokers", "1"}, {"limits.batch", "lots"}};
  EXPECT_THAT(Load("nope = 1\nacks = true\n"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       testing::AllOf(HasSubstr("spu.toml:1:1: unknown key 'nope'"),
                                      HasSubstr("spu.toml:2:1: 'acks' must be a text"),
                                      HasSubstr("flag: unknown key 'wrokers' (did you mean"),
                                      HasSubstr("flag: 'limits.batch': 'lots'"),
                                      HasSubstr("TIDEMARK_INSECURE: 'insecure': 'yes'"))));
}

TEST_F(ConfigTest, ReadsFromDiskAndNamesAFileThatIsNotThere) {
  const support::TempDirectory directory;
  sources_.file = directory.File("spu.toml");
  EXPECT_THAT(LoadConfig(schema_, sources_),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr(directory.File("spu.toml"))));
  std::ofstream(*sources_.file) << "workers = 9\n";
  ASSERT_OK(LoadConfig(schema_, sources_));
  EXPECT_EQ(options_.workers, 9);
  sources_.file.reset();
  ASSERT_OK(LoadConfig(schema_, sources_));
  EXPECT_EQ(options_.workers, 4);
}

TEST_F(ConfigTest, TextThatIsNoTomlNeverCrashes) {
  for (const std::string_view toml :
       {"[", "[[volume]", "a.b.c.", "\xff\xfe", "x = 2026-11-23", "[volume]\npath = 1", "\"\" = 1",
        "workers = 99999999999999999999", "volume = [{}, 1]", "volume = []",
        "[listen.grpc.x]\ny=1"}) {
    const auto ignored = Load(toml);
  }
}

TEST(NearestNameTest, FindsSlipsButNotOtherWords) {
  const std::vector<std::string> known = {"reserve", "resume", "full"};
  EXPECT_EQ(NearestName("reserv", known), "reserve");
  EXPECT_EQ(NearestName("rezerve", known), "reserve");
  EXPECT_EQ(NearestName("ful", known), "full");
  EXPECT_EQ(NearestName("banana", known), std::nullopt);
  EXPECT_EQ(NearestName("", known), std::nullopt);
}

}  // namespace
}  // namespace tidemark::daemon
