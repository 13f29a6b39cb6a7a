// A fixture that runs every test on a small real ext4 and a small real tmpfs, with a neighbour.
//
//   class SlotsTest : public support::OnSmallVolumes {};
//   TEST_P(SlotsTest, …) { … path() … filler() … }
//   INSTANTIATE_ON_SMALL_VOLUMES(SlotsTest);
#pragma once

#include <memory>
#include <string>

#include "gtest/gtest.h"
#include "storage/fs/posix_file_system.h"
#include "tests/support/foreign_filler.h"
#include "tests/support/small_volume.h"
#include "tests/support/status_matchers.h"

namespace tidemark::support {

class OnSmallVolumes : public testing::TestWithParam<SmallVolume::Kind> {
 protected:
  explicit OnSmallVolumes(SmallVolume::Options options = {.size_bytes = 32 * 1024 * 1024,
                                                          .inodes = 512})
      : options_(options) {}

  void SetUp() override {
    options_.kind = GetParam();
    auto volume = SmallVolume::Create(options_);
    if (absl::IsUnimplemented(volume.status())) GTEST_SKIP() << volume.status().message();
    ASSERT_OK(volume);
    volume_ = *std::move(volume);
    auto filler = ForeignFiller::Create(volume_->path());
    ASSERT_OK(filler);
    filler_ = *std::move(filler);
  }

  const std::string& path() const { return volume_->path(); }
  SmallVolume& volume() { return *volume_; }
  ForeignFiller& filler() { return *filler_; }
  void RemoveFiller() { filler_.reset(); }
  std::int64_t available_bytes() const { return *ForeignFiller::AvailableBytes(path()); }
  std::int64_t available_inodes() const { return *ForeignFiller::AvailableInodes(path()); }

  storage::PosixFileSystem disk_;

 private:
  SmallVolume::Options options_;
  std::unique_ptr<SmallVolume> volume_;
  std::unique_ptr<ForeignFiller> filler_;
};

}  // namespace tidemark::support

#define INSTANTIATE_ON_SMALL_VOLUMES(suite)                                                    \
  INSTANTIATE_TEST_SUITE_P(                                                                    \
      Kinds, suite,                                                                            \
      testing::Values(::tidemark::support::SmallVolume::Kind::kExt4,                           \
                      ::tidemark::support::SmallVolume::Kind::kTmpfs),                         \
      [](const auto& kind) {                                                                   \
        return kind.param == ::tidemark::support::SmallVolume::Kind::kExt4 ? "Ext4" : "Tmpfs"; \
      })
