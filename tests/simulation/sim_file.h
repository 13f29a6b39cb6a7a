// One open file of the filesystem in memory: what is written is seen at once, and durable with a
// sync.
//
// Lifetime:  as storage::File; used no more once its SimFileSystem is gone.
// Threading: one thread.
// Errors:    as SimFileSystem.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "tests/simulation/sim_file_system.h"

namespace tidemark::simulation {

class SimFile final : public storage::File {
 public:
  SimFile(SimFileSystem& system, std::shared_ptr<SimFileSystem::Node> node);

  absl::StatusOr<std::size_t> ReadAt(base::FilePosition position,
                                     std::span<std::byte> out) const override;
  absl::Status WriteAt(base::FilePosition position, std::span<const iovec> slices,
                       std::size_t* written) override;
  absl::Status SyncData() override { return system_.Sync(*node_); }
  absl::Status SyncAll() override { return system_.Sync(*node_); }
  absl::Status Allocate(base::FilePosition position, std::int64_t length) override;
  absl::Status Truncate(std::int64_t size) override;
  absl::StatusOr<storage::FileStat> Stat() const override;
  absl::Status SetNoCow() override { return absl::UnimplementedError("no such flag"); }
  void ForgetCached() override {}  // what a failed sync leaves is not simulated
  const std::string& path() const override { return node_->path; }
  int descriptor() const override { return -1; }

 private:
  void Put(std::int64_t at, const std::byte* bytes, std::size_t count);

  SimFileSystem& system_;
  std::shared_ptr<SimFileSystem::Node> node_;
};

}  // namespace tidemark::simulation
