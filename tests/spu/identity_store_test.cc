#include "spu/identity_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "storage/fs/posix_file_system.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_directory.h"

namespace tidemark::spu {
namespace {

using support::StatusIs;
using testing::HasSubstr;

class IdentityStoreTest : public testing::Test {
 protected:
  absl::StatusOr<IdentityRecord> Boot() {
    auto store = IdentityStore::Open(disk_, home_.File("state"));
    if (!store.ok()) return store.status();
    return (*store)->record();
  }
  // One bit of the payload of slot 0 or 1.
  void Spoil(std::size_t slot) {
    std::fstream file(home_.File("state") + "/identity.slots",
                      std::ios::in | std::ios::out | std::ios::binary);
    ASSERT_TRUE(file.is_open());
    const auto at = static_cast<std::streamoff>(slot * storage::kSlotBytes + 40);
    file.seekg(at);
    const int byte = file.get();
    file.seekp(at);
    file.put(static_cast<char>(byte ^ 1));
  }

  support::TempDirectory home_;
  storage::PosixFileSystem disk_;
};

TEST_F(IdentityStoreTest, EveryStartIsCountedUnderOneUuid) {
  ASSERT_OK_AND_ASSIGN(const IdentityRecord first, Boot());
  ASSERT_OK_AND_ASSIGN(const IdentityRecord second, Boot());
  EXPECT_EQ(second.spu_uuid, first.spu_uuid);
  EXPECT_EQ(second.boot_count, first.boot_count + 1);
}

TEST_F(IdentityStoreTest, AFenceOutlivesARestart) {
  {
    ASSERT_OK_AND_ASSIGN(const auto store, IdentityStore::Open(disk_, home_.File("state")));
    IdentityRecord record = store->record();
    EXPECT_FALSE(record.fenced);
    record.fenced = true;
    ASSERT_OK(store->Write(record));
  }
  ASSERT_OK_AND_ASSIGN(const IdentityRecord after, Boot());
  EXPECT_TRUE(after.fenced);
}

// The slot that cannot be read may be the one that was written last.
TEST_F(IdentityStoreTest, NoBootCountIsGivenTwiceWhicheverSlotIsUnreadable) {
  for (const std::size_t slot : {0u, 1u}) {
    ASSERT_OK(Boot());
    ASSERT_OK_AND_ASSIGN(const IdentityRecord before, Boot());
    Spoil(slot);
    ASSERT_OK_AND_ASSIGN(const IdentityRecord after, Boot());
    EXPECT_GT(after.boot_count, before.boot_count) << "slot " << slot;
    EXPECT_EQ(after.spu_uuid, before.spu_uuid);
  }
}

TEST_F(IdentityStoreTest, NoIdentityIsMadeUpWhereNoSlotCanBeRead) {
  ASSERT_OK(Boot());
  ASSERT_OK(Boot());
  Spoil(0);
  Spoil(1);
  EXPECT_THAT(Boot().status(),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("neither identity slot")));
}

}  // namespace
}  // namespace tidemark::spu
