#include "storage/fs/posix_file_system.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <numeric>
#include <string>
#include <vector>

#include "absl/strings/str_format.h"
#include "base/byte_size.h"
#include "tests/support/foreign_filler.h"
#include "tests/support/private_mounts.h"
#include "tests/support/small_volume.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_directory.h"

namespace tidemark::storage {
namespace {

using base::FilePosition;
using support::ForeignFiller;
using support::HasErrno;
using support::IsOk;
using support::IsOkAndHolds;
using support::SmallVolume;
using support::StatusIs;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

std::span<std::byte> Bytes(std::string& text) {
  return std::as_writable_bytes(std::span(text.data(), text.size()));
}

iovec Slice(const std::string& text) { return {const_cast<char*>(text.data()), text.size()}; }

absl::Status WriteText(File& file, std::int64_t position, const std::string& text) {
  const iovec slice = Slice(text);
  return file.WriteAt(FilePosition(position), {&slice, 1});
}

std::string ReadText(const File& file, std::int64_t position, std::size_t length) {
  std::string text(length, '?');
  const auto got = file.ReadAt(FilePosition(position), Bytes(text));
  EXPECT_OK(got);
  text.resize(got.value_or(0));
  return text;
}

class PosixFileSystemTest : public testing::Test {
 protected:
  std::unique_ptr<File> Create(const std::string& name) {
    auto file = disk_.Open(home_.File(name), OpenMode::kCreate);
    EXPECT_OK(file);
    return *std::move(file);
  }

  PosixFileSystem disk_;
  support::TempDirectory home_;
};

TEST_F(PosixFileSystemTest, ReadsBackWhatWasWritten) {
  const auto file = Create("a");
  ASSERT_OK(WriteText(*file, 5, "tide"));
  EXPECT_EQ(ReadText(*file, 5, 4), "tide");
  EXPECT_EQ(ReadText(*file, 7, 100), "de") << "short only at the end of the file";
  EXPECT_EQ(ReadText(*file, 9, 1), "");
  ASSERT_OK(file->SyncData());
  ASSERT_OK(file->SyncAll());
  EXPECT_EQ(file->path(), home_.File("a"));
}

TEST_F(PosixFileSystemTest, WritesMoreSlicesThanOneCallTakes) {
  std::vector<std::string> texts;
  std::vector<iovec> slices;
  std::string whole;
  constexpr int kSlices = 3000;  // more than IOV_MAX
  texts.reserve(kSlices);
  for (int i = 0; i < kSlices; ++i) {
    texts.push_back(i % 7 == 0 ? "" : std::to_string(i) + ",");
    slices.push_back(Slice(texts.back()));
    whole += texts.back();
  }
  const auto file = Create("a");
  std::size_t written = 0;
  ASSERT_OK(file->WriteAt(FilePosition(0), slices, &written));
  EXPECT_EQ(written, whole.size());
  EXPECT_EQ(ReadText(*file, 0, whole.size() + 1), whole);
}

TEST_F(PosixFileSystemTest, SaysHowMuchOfAFailedWriteReachedTheFile) {
  auto volume = SmallVolume::Create({.kind = SmallVolume::Kind::kTmpfs, .size_bytes = base::kMiB});
  if (!volume.ok()) GTEST_SKIP() << volume.status().message();
  ASSERT_OK_AND_ASSIGN(const auto file,
                       disk_.Open(JoinPath((*volume)->path(), "a"), OpenMode::kCreate));
  const std::string half(static_cast<std::size_t>(600 * base::kKiB), 'x');
  const std::vector<iovec> slices = {Slice(half), Slice(half)};
  std::size_t written = 0;
  const absl::Status status = file->WriteAt(FilePosition(0), slices, &written);
  EXPECT_THAT(status, HasErrno(ENOSPC));
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr(file->path())));
  ASSERT_OK_AND_ASSIGN(const FileStat stat, file->Stat());
  EXPECT_EQ(static_cast<std::int64_t>(written), stat.size);
  EXPECT_EQ(written, static_cast<std::size_t>(base::kMiB)) << "went on after the short write";
}

TEST_F(PosixFileSystemTest, AllocatesForReal) {
  const auto file = Create("a");
  ASSERT_OK(file->Allocate(FilePosition(0), base::kMiB));
  ASSERT_OK_AND_ASSIGN(const FileStat stat, file->Stat());
  EXPECT_EQ(stat.size, base::kMiB);
  EXPECT_GE(stat.allocated_bytes, base::kMiB);
  ASSERT_OK(file->Truncate(0));
  EXPECT_THAT(file->Stat()->allocated_bytes, 0);
}

TEST_F(PosixFileSystemTest, AllocationFailsInsteadOfWritingWhereTheFileSystemCannot) {
  // ramfs has no fallocate; glibc's posix_fallocate would write zeros there and call it success.
  const absl::Status entered = support::EnterPrivateMounts();
  const std::string mount_point = home_.File("ramfs");
  ASSERT_OK(disk_.CreateDirectory(mount_point));
  if (!entered.ok() || ::mount("ramfs", mount_point.c_str(), "ramfs", 0, nullptr) != 0) {
    GTEST_SKIP() << "no ramfs: may not mount here";
  }
  ASSERT_OK_AND_ASSIGN(auto file, disk_.Open(JoinPath(mount_point, "a"), OpenMode::kCreate));
  EXPECT_THAT(file->Allocate(FilePosition(0), 4096), HasErrno(EOPNOTSUPP));
  EXPECT_EQ(file->Stat()->size, 0);
  file.reset();
  EXPECT_EQ(::umount2(mount_point.c_str(), 0), 0);
}

TEST_F(PosixFileSystemTest, AllocationOnAFullVolumeIsAFailureForSpace) {
  auto volume =
      SmallVolume::Create({.kind = SmallVolume::Kind::kTmpfs, .size_bytes = 2 * base::kMiB});
  if (!volume.ok()) GTEST_SKIP() << volume.status().message();
  ASSERT_OK_AND_ASSIGN(const auto file,
                       disk_.Open(JoinPath((*volume)->path(), "a"), OpenMode::kCreate));
  EXPECT_THAT(file->Allocate(FilePosition(0), 3 * base::kMiB),
              StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("3145728")));
}

TEST_F(PosixFileSystemTest, OpenModesDemandOrRefuseAnExistingFile) {
  const std::string path = home_.File("a");
  for (const OpenMode mode : {OpenMode::kRead, OpenMode::kReadWrite, OpenMode::kReadDirect}) {
    EXPECT_THAT(disk_.Open(path, mode), StatusIs(absl::StatusCode::kNotFound));
  }
  ASSERT_OK(disk_.Open(path, OpenMode::kCreate));
  EXPECT_THAT(disk_.Open(path, OpenMode::kCreate), StatusIs(absl::StatusCode::kAlreadyExists));
  for (const OpenMode mode : {OpenMode::kRead, OpenMode::kReadWrite, OpenMode::kReadDirect}) {
    EXPECT_OK(disk_.Open(path, mode));
  }
}

TEST_F(PosixFileSystemTest, CreatedFilesAndDirectoriesAreOursAlone) {
  Create("a");
  ASSERT_OK(disk_.CreateDirectory(home_.File("d")));
  struct stat st {};
  ASSERT_EQ(::stat(home_.File("a").c_str(), &st), 0);
  EXPECT_EQ(st.st_mode & 0777U, 0600U);
  ASSERT_EQ(::stat(home_.File("d").c_str(), &st), 0);
  EXPECT_EQ(st.st_mode & 0777U, 0700U);
}

TEST_F(PosixFileSystemTest, NeverFollowsALinkAndNeverLeaksADescriptor) {
  const auto file = Create("a");
  ASSERT_EQ(::symlink(home_.File("a").c_str(), home_.File("link").c_str()), 0);
  EXPECT_THAT(disk_.Open(home_.File("link"), OpenMode::kRead), HasErrno(ELOOP));
  EXPECT_THAT(disk_.Lock(home_.File("link")), HasErrno(ELOOP));
  EXPECT_NE(::fcntl(file->descriptor(), F_GETFD) & FD_CLOEXEC, 0);
}

TEST_F(PosixFileSystemTest, DirectReadsSeeTheWholeFileAlsoItsUnalignedEnd) {
  const auto file = Create("a");
  const std::string text(5000, 'd');
  ASSERT_OK(WriteText(*file, 0, text));
  ASSERT_OK(file->SyncAll());
  ASSERT_OK_AND_ASSIGN(const auto direct, disk_.Open(home_.File("a"), OpenMode::kReadDirect));
  alignas(4096) static std::byte buffer[16384];
  ASSERT_THAT(direct->ReadAt(FilePosition(0), buffer), IsOkAndHolds(text.size()));
  EXPECT_EQ(std::memcmp(buffer, text.data(), text.size()), 0);
}

TEST_F(PosixFileSystemTest, ListsSortedAndKnowsWhatIsAbsent) {
  EXPECT_THAT(disk_.List(home_.path()), IsOkAndHolds(IsEmpty()));
  Create("b");
  ASSERT_OK(disk_.CreateDirectory(home_.File("c")));
  Create("a");
  EXPECT_THAT(disk_.List(home_.path()), IsOkAndHolds(ElementsAre("a", "b", "c")));
  ASSERT_OK(disk_.SyncDirectory(home_.path()));
  ASSERT_OK(disk_.SyncFileSystem(home_.path()));
  ASSERT_OK(disk_.Rename(home_.File("a"), home_.File("z")));
  EXPECT_THAT(disk_.Stat(home_.File("a")), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(disk_.RemoveFile(home_.File("a")), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_OK(disk_.RemoveFile(home_.File("z")));
  EXPECT_OK(disk_.RemoveDirectory(home_.File("c")));
  EXPECT_THAT(disk_.List(home_.path()), IsOkAndHolds(ElementsAre("b")));
  EXPECT_THAT(disk_.List(home_.File("none")), StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(PosixFileSystemTest, OnlyOneHoldsALock) {
  EXPECT_THAT(disk_.Lock(home_.File("lock")), StatusIs(absl::StatusCode::kNotFound));
  Create("lock");
  ASSERT_OK_AND_ASSIGN(auto held, disk_.Lock(home_.File("lock")));
  EXPECT_THAT(disk_.Lock(home_.File("lock")),
              StatusIs(absl::StatusCode::kUnavailable,
                       AllOf(HasSubstr(home_.File("lock")),
                             HasSubstr(absl::StrFormat("process %d uses it", getpid())))));
  held.reset();
  EXPECT_OK(disk_.Lock(home_.File("lock")));
}

TEST_F(PosixFileSystemTest, NoCopyOnWriteIsRefusedWhereThereIsNoSuchFlag) {
  auto volume = SmallVolume::Create({.kind = SmallVolume::Kind::kTmpfs});
  if (!volume.ok()) GTEST_SKIP() << volume.status().message();
  ASSERT_OK_AND_ASSIGN(const auto file,
                       disk_.Open(JoinPath((*volume)->path(), "a"), OpenMode::kCreate));
  EXPECT_THAT(file->SetNoCow(), StatusIs(absl::StatusCode::kUnimplemented));
}

TEST_F(PosixFileSystemTest, StatFileSystemAgreesWithTheVolumeThatWasMade) {
  constexpr std::int64_t kSize = 8 * base::kMiB;
  auto volume =
      SmallVolume::Create({.kind = SmallVolume::Kind::kTmpfs, .size_bytes = kSize, .inodes = 100});
  if (!volume.ok()) GTEST_SKIP() << volume.status().message();
  const std::string& path = (*volume)->path();
  ASSERT_OK_AND_ASSIGN(const FileSystemStat empty, disk_.StatFileSystem(path));
  EXPECT_EQ(empty.blocks_total * empty.fragment_bytes, static_cast<std::uint64_t>(kSize));
  EXPECT_EQ(empty.blocks_available, empty.blocks_total);
  EXPECT_EQ(empty.inodes_total, 100U);
  EXPECT_FALSE(empty.read_only);
  EXPECT_EQ(empty.type_magic, 0x01021994U);

  ASSERT_OK_AND_ASSIGN(const auto file, disk_.Open(JoinPath(path, "a"), OpenMode::kCreate));
  ASSERT_OK(file->Allocate(FilePosition(0), base::kMiB));
  ASSERT_OK((*volume)->RemountReadOnly(false));
  ASSERT_OK_AND_ASSIGN(const FileSystemStat used, disk_.StatFileSystem(path));
  EXPECT_EQ((empty.blocks_available - used.blocks_available) * used.fragment_bytes,
            static_cast<std::uint64_t>(base::kMiB));
  EXPECT_EQ(empty.inodes_available - used.inodes_available, 1U);
  EXPECT_EQ(used.device_id, empty.device_id);
  EXPECT_EQ(used.file_system_id, empty.file_system_id);

  ASSERT_OK_AND_ASSIGN(const FileSystemStat elsewhere, disk_.StatFileSystem(home_.path()));
  EXPECT_NE(elsewhere.device_id, used.device_id);
  EXPECT_THAT(disk_.StatFileSystem(home_.File("none")), StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(PosixFileSystemTest, SeesTheReservedBlocksAndTheReadOnlyMountOfExt4) {
  auto volume = SmallVolume::Create({.kind = SmallVolume::Kind::kExt4, .reserved_percent = 20});
  if (!volume.ok()) GTEST_SKIP() << volume.status().message();
  ASSERT_OK_AND_ASSIGN(const FileSystemStat stat, disk_.StatFileSystem((*volume)->path()));
  EXPECT_GT(stat.blocks_free - stat.blocks_available, stat.blocks_total / 10);
  EXPECT_EQ(stat.type_magic, 0xEF53U);
  ASSERT_OK((*volume)->RemountReadOnly(true));
  EXPECT_TRUE(disk_.StatFileSystem((*volume)->path())->read_only);
  EXPECT_THAT(disk_.CreateDirectory(JoinPath((*volume)->path(), "d")), HasErrno(EROFS));
}

}  // namespace
}  // namespace tidemark::storage
