// `tidemark-spu format` makes no volume that could never start.
#include "spu/format_command.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "base/byte_size.h"
#include "daemon/command_line.h"
#include "tests/support/small_volume.h"
#include "tests/support/status_matchers.h"

namespace tidemark::spu {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

TEST(FormatCommandTest, RefusesAVolumeThatIsTooSmallForItsMarksWithTheNumbers) {
  for (const std::int64_t mebibytes : {4, 64}) {
    SCOPED_TRACE(mebibytes);
    auto volume = support::SmallVolume::Create(
        {.kind = support::SmallVolume::Kind::kTmpfs, .size_bytes = mebibytes * base::kMiB});
    if (absl::IsUnimplemented(volume.status())) GTEST_SKIP() << volume.status().message();
    ASSERT_OK(volume);
    const std::string path = (*volume)->path() + "/volume";
    std::filesystem::create_directory(path);
    const char* const words[] = {path.c_str()};
    testing::internal::CaptureStderr();
    const int code = RunFormat(1, words);
    const std::string said = testing::internal::GetCapturedStderr();
    if (mebibytes == 64) {
      EXPECT_EQ(code, 0) << said;
      continue;
    }
    EXPECT_EQ(code, daemon::kExitConfiguration);
    EXPECT_THAT(
        said, AllOf(HasSubstr(path), HasSubstr("of 4.0 MiB"), HasSubstr("reserve takes 4.0 MiB")));
    EXPECT_TRUE(std::filesystem::is_empty(path));
  }
}

}  // namespace
}  // namespace tidemark::spu
