// The store on a filesystem that is really full.
#include <gtest/gtest.h>

#include <memory>

#include "base/byte_size.h"
#include "sc/store/sqlite_store.h"
#include "tests/sc/sample_rows.h"
#include "tests/support/foreign_filler.h"
#include "tests/support/small_volume.h"

namespace tidemark::sc {
namespace {

class FullDisk : public ::testing::TestWithParam<support::SmallVolume::Kind> {
 protected:
  void SetUp() override {
    auto volume = support::SmallVolume::Create({.kind = GetParam(), .size_bytes = 24 * base::kMiB});
    if (absl::IsUnimplemented(volume.status())) GTEST_SKIP() << volume.status().message();
    ASSERT_TRUE(volume.ok()) << volume.status();
    volume_ = *std::move(volume);
    auto filler = support::ForeignFiller::Create(volume_->path());
    ASSERT_TRUE(filler.ok()) << filler.status();
    filler_ = *std::move(filler);
  }

  std::unique_ptr<SqliteStore> Open(std::int64_t reserve_bytes) {
    auto store = SqliteStore::Open(
        {.data_directory = volume_->path() + "/sc", .reserve_bytes = reserve_bytes});
    EXPECT_TRUE(store.ok()) << store.status();
    return store.ok() ? *std::move(store) : nullptr;
  }

  // Applies batches until one fails; the number of the last that did not.
  static std::uint64_t ApplyUntilRefused(StatusStore& store, std::uint64_t from) {
    for (std::uint64_t n = from;; ++n) {
      const absl::Status applied = store.Apply(Numbered(n));
      if (applied.ok()) continue;
      EXPECT_EQ(applied.code(), absl::StatusCode::kResourceExhausted) << applied;
      return n - 1;
    }
  }

  // Two tables and the counter: half of it would show.
  static StoreBatch Numbered(std::uint64_t n) {
    StoreBatch batch;
    batch.session = base::SessionId(n);
    batch.volumes.push_back(SampleVolume(n));
    batch.events.push_back(SampleEvent(n, std::string(20'000, 'r')));
    return batch;
  }

  static void ExpectWhole(StatusStore& store, std::uint64_t n) {
    const auto contents = store.Load();
    ASSERT_TRUE(contents.ok()) << contents.status();
    EXPECT_EQ(contents->session, base::SessionId(n));
    EXPECT_EQ(contents->volumes.at(0).accepted.generation(), n);
    EXPECT_EQ(contents->newest_event_number, n);
  }

  std::unique_ptr<support::SmallVolume> volume_;
  std::unique_ptr<support::ForeignFiller> filler_;
};

TEST_P(FullDisk, ApplyFailsCleanlyAndWorksAgainWhenSpaceReturns) {
  auto store = Open(0);
  ASSERT_TRUE(store->Load().ok());
  ASSERT_TRUE(store->Apply(Numbered(1)).ok());
  ASSERT_TRUE(filler_->FillCompletely().ok());

  const std::uint64_t last = ApplyUntilRefused(*store, 2);
  ExpectWhole(*store, last);
  EXPECT_EQ(store->Probe().code(), absl::StatusCode::kResourceExhausted);

  ASSERT_TRUE(filler_->Free().ok());
  EXPECT_TRUE(store->Probe().ok());
  EXPECT_TRUE(store->Apply(Numbered(last + 1)).ok());
  ExpectWhole(*store, last + 1);
  store.reset();
  ExpectWhole(*Open(0), last + 1);
}

TEST_P(FullDisk, StillRecordsFromItsOwnReserveAndTakesItBackLater) {
  auto store = Open(2 * base::kMiB);
  ASSERT_TRUE(store->Load().ok());
  EXPECT_TRUE(store->reserve().held);
  ASSERT_TRUE(filler_->FillCompletely().ok());
  std::uint64_t n = 1;
  while (store->reserve().held) ASSERT_TRUE(store->Apply(Numbered(n++)).ok());
  ExpectWhole(*store, n - 1);
  EXPECT_TRUE(store->Probe().ok());
  EXPECT_FALSE(store->reserve().held) << "there is no room for it yet";

  ASSERT_TRUE(filler_->Free().ok());
  EXPECT_TRUE(store->Probe().ok());
  EXPECT_TRUE(store->reserve().held);
}

TEST_P(FullDisk, OpensWithoutRoomForItsReserveAndSaysSo) {
  {
    auto store = Open(0);
    ASSERT_TRUE(store->Load().ok());
    ASSERT_TRUE(store->Apply(Numbered(5)).ok());
  }
  ASSERT_TRUE(filler_->FillCompletely().ok());
  auto store = Open(2 * base::kMiB);
  ASSERT_NE(store, nullptr);
  EXPECT_FALSE(store->reserve().held);
  ExpectWhole(*store, 5);
}

INSTANTIATE_TEST_SUITE_P(OnRealFileSystems, FullDisk,
                         ::testing::Values(support::SmallVolume::Kind::kTmpfs,
                                           support::SmallVolume::Kind::kExt4),
                         [](const auto& kind) {
                           return kind.param == support::SmallVolume::Kind::kTmpfs ? "Tmpfs"
                                                                                   : "Ext4";
                         });

}  // namespace
}  // namespace tidemark::sc
