// What the configuration refuses before anything is opened.
#include "spu/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "tests/support/status_matchers.h"

namespace tidemark::spu {
namespace {

using support::StatusIs;
using ::testing::HasSubstr;

SpuOptions Good() {
  SpuOptions options;
  options.id = "node-7.rack_2";
  options.sc = "sc.example:7101";
  options.daemon.grpc_listen = {"127.0.0.1", 7201};
  options.volumes.emplace_back().path = "/data/a";
  options.batch_bytes_max = base::kMiB;
  options.reading_deadline = std::chrono::seconds(1);
  options.settle = std::chrono::seconds(1);
  return options;
}

TEST(SpuConfigTest, TakesWhatIsGood) {
  EXPECT_OK(CheckOptions(Good()));
  SpuOptions everywhere = Good();
  everywhere.daemon.grpc_listen.host = "0.0.0.0";
  everywhere.insecure = true;
  everywhere.advertise = "10.1.2.3:7201";
  EXPECT_OK(CheckOptions(everywhere));
}

TEST(SpuConfigTest, RefusesWhatWouldOnlyShowLater) {
  struct Case {
    const char* name;
    std::function<void(SpuOptions&)> spoil;
    std::vector<std::string> says;
  };
  const auto listen = [](const char* host) {
    return [host](SpuOptions& options) {
      options.daemon.grpc_listen.host = host;
      options.insecure = true;
    };
  };
  const Case cases[] = {
      {"no id", [](SpuOptions& o) { o.id = ""; }, {"id = ''", "[A-Za-z0-9._-]"}},
      {"an id of other letters", [](SpuOptions& o) { o.id = "../no de"; }, {"id = '../no de'"}},
      {"a long id", [](SpuOptions& o) { o.id = std::string(250, 'a'); }, {"1 to 249"}},
      {"more volumes than the pool serves",
       [](SpuOptions& o) {
         for (int i = 0; i < 63; ++i) o.volumes.push_back({"/more/" + std::to_string(i), {}});
       },
       {"64 volumes", "at most 63"}},
      {"every address", listen("0.0.0.0"), {"0.0.0.0:7201", "advertise"}},
      {"every address", listen("::"), {"[::]:7201", "advertise"}},
      {"no port of the SC", [](SpuOptions& o) { o.sc = "10.0.0.1"; }, {"sc: '10.0.0.1'", "port"}},
      {"a port too high", [](SpuOptions& o) { o.sc = "10.0.0.1:70000"; }, {"sc: ", "65535"}},
      {"advertised", [](SpuOptions& o) { o.advertise = "a:70000"; }, {"advertise: ", "65535"}},
  };
  for (const Case& bad : cases) {
    SCOPED_TRACE(bad.name);
    SpuOptions options = Good();
    bad.spoil(options);
    for (const std::string& text : bad.says) {
      EXPECT_THAT(CheckOptions(options),
                  StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(text)));
    }
  }
}

}  // namespace
}  // namespace tidemark::spu
