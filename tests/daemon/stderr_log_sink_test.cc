#include "daemon/stderr_log_sink.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <string>
#include <thread>

#include "daemon/loop/unique_fd.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/await.h"
#include "tests/support/status_matchers.h"

namespace tidemark::daemon {
namespace {

using std::chrono_literals::operator""ms;
using support::kLongWait;
using support::WaitFor;
using testing::HasSubstr;
using testing::StartsWith;

struct Pipe {
  Pipe() {
    int ends[2];
    EXPECT_EQ(pipe2(ends, O_CLOEXEC), 0);
    out = UniqueFd(ends[0]);
    in = UniqueFd(ends[1]);
  }
  // From here on a writer blocks, whatever the threads' speed.
  void Fill() const {
    fcntl(in.get(), F_SETFL, O_NONBLOCK);
    const std::array<char, 4096> filler{};
    while (write(in.get(), filler.data(), filler.size()) > 0) {
    }
    fcntl(in.get(), F_SETFL, 0);
  }
  // Until the writer's end is closed.
  std::string ReadAll() {
    in.Reset();
    std::string text;
    std::array<char, 65536> chunk{};
    for (ssize_t got = 0; (got = read(out.get(), chunk.data(), chunk.size())) > 0;) {
      text.append(chunk.data(), static_cast<std::size_t>(got));
    }
    return text;
  }
  UniqueFd out;
  UniqueFd in;
};

void Write(LogSink& sink, LogLevel level, std::span<const LogField> fields = {}) {
  sink.Write({.time = 0, .level = level, .name = "test.event", .fields = fields});
}

TEST(StderrLogSinkTest, WritesJsonLinesOffATerminalInOrder) {
  Pipe pipe;
  {
    StderrLogSink sink({.fd = pipe.in.get()});
    for (int i = 0; i < 3; ++i) {
      const LogField fields[] = {{"i", i}};
      Write(sink, LogLevel::kInfo, fields);
    }
    Write(sink, LogLevel::kDebug);  // below the lowest level
    EXPECT_TRUE(sink.FlushWithin(kLongWait));
  }
  const std::string head =
      R"({"time":"1970-01-01T00:00:00.000Z","level":"info","event":"test.event","i":)";
  EXPECT_EQ(pipe.ReadAll(), head + "0}\n" + head + "1}\n" + head + "2}\n");
}

TEST(StderrLogSinkTest, ABlockedReaderStopsNobodyAndWhatWasDroppedIsCounted) {
  constexpr std::uint64_t kEvents = 20'000;
  constexpr std::uint64_t kQueue = 16;
  Pipe pipe;
  pipe.Fill();
  auto sink = std::make_unique<StderrLogSink>(StderrLogSink::Options{
      .format = LogFormat::kText, .queue_events = kQueue, .fd = pipe.in.get()});
  for (std::uint64_t i = 0; i < kEvents; ++i) {
    const LogField fields[] = {{"i", i}};
    Write(*sink, LogLevel::kInfo, fields);  // a call that blocks here is a test that never ends
  }
  EXPECT_GE(sink->dropped(), kEvents - kQueue - 1) << "one is being written, the queue is full";
  EXPECT_FALSE(sink->FlushWithin(1ms));

  // Somebody reads again: the count is told, and the last event is there.
  std::string text;
  std::thread reader([&] {
    std::array<char, 65536> chunk{};
    while (text.find("test.event i=19999") == std::string::npos) {
      const ssize_t got = read(pipe.out.get(), chunk.data(), chunk.size());
      if (got <= 0) break;
      text.append(chunk.data(), static_cast<std::size_t>(got));
    }
  });
  reader.join();
  EXPECT_THAT(text, HasSubstr("log.events_dropped dropped="));
  EXPECT_THAT(text, HasSubstr("test.event i=19999"));
  EXPECT_TRUE(sink->FlushWithin(kLongWait));
}

TEST(StderrLogSinkTest, EndsWhileItsReaderIsBlocked) {
  static Pipe* const pipe = new Pipe;  // its writer thread stays in write(2) to the process's end
  pipe->Fill();
  auto sink = std::make_unique<StderrLogSink>(
      StderrLogSink::Options{.queue_events = 16, .fd = pipe->in.get()});
  for (int i = 0; i < 5'000; ++i) Write(*sink, LogLevel::kInfo);
  sink.reset();
}

TEST(StderrLogSinkTest, OmitsTheFieldsOfALineThatIsTooLong) {
  Pipe pipe;
  {
    StderrLogSink sink({.format = LogFormat::kText, .fd = pipe.in.get()});
    const std::string huge(100'000, 'x');
    const LogField fields[] = {{"error", huge}};
    Write(sink, LogLevel::kError, fields);
    EXPECT_TRUE(sink.FlushWithin(kLongWait));
  }
  EXPECT_THAT(pipe.ReadAll(), StartsWith("1970-01-01T00:00:00.000Z ERROR test.event "
                                         "fields_omitted_bytes=1000"));
}

TEST(StderrLogSinkTest, ParsesFormats) {
  EXPECT_THAT(ParseLogFormat("json"), support::IsOkAndHolds(LogFormat::kJson));
  EXPECT_THAT(ParseLogFormat("text"), support::IsOkAndHolds(LogFormat::kText));
  EXPECT_THAT(ParseLogFormat("auto"), support::IsOkAndHolds(LogFormat::kAuto));
  EXPECT_THAT(ParseLogFormat("xml"), support::StatusIs(absl::StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace tidemark::daemon
