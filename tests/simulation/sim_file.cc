#include "tests/simulation/sim_file.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>

#include "base/block.h"
#include "base/errno_status.h"

namespace tidemark::simulation {
namespace {

absl::Status FailedOn(int error, std::string_view call, const std::string& path) {
  return base::ErrnoStatus(error, std::string(call) + " " + path);
}

}  // namespace

SimFile::SimFile(SimFileSystem& system, std::shared_ptr<SimFileSystem::Node> node)
    : system_(system), node_(std::move(node)) {}

absl::StatusOr<std::size_t> SimFile::ReadAt(base::FilePosition position,
                                            std::span<std::byte> out) const {
  const std::int64_t left = std::max<std::int64_t>(0, node_->size - position.value());
  const std::size_t count = std::min(out.size(), static_cast<std::size_t>(left));
  for (std::size_t done = 0; done < count;) {
    const std::int64_t at = position.value() + static_cast<std::int64_t>(done);
    const auto offset = static_cast<std::size_t>(at % base::kBlockBytes);
    const std::size_t piece = std::min(count - done, std::size_t{base::kBlockBytes} - offset);
    const auto block = node_->blocks.find(at / base::kBlockBytes);
    if (block == node_->blocks.end()) {
      std::memset(out.data() + done, 0, piece);
    } else {
      std::memcpy(out.data() + done, block->second->data() + offset, piece);
    }
    done += piece;
  }
  return count;
}

absl::Status SimFile::WriteAt(base::FilePosition position, std::span<const iovec> slices,
                              std::size_t* written) {
  if (absl::Status begun = system_.Begin("write", node_->path); !begun.ok()) return begun;
  if (std::exchange(system_.fail_write_, false)) return FailedOn(EIO, "write", node_->path);
  std::int64_t at = position.value();
  for (const iovec& slice : slices) {
    const std::int64_t end = at + static_cast<std::int64_t>(slice.iov_len);
    if (absl::Status room = system_.Allocate(*node_, end, "write"); !room.ok()) {
      return room;
    }
    Put(at, static_cast<const std::byte*>(slice.iov_base), slice.iov_len);
    node_->size = std::max(node_->size, end);
    at = end;
  }
  if (written != nullptr) *written = static_cast<std::size_t>(at - position.value());
  return absl::OkStatus();
}

absl::Status SimFile::Allocate(base::FilePosition position, std::int64_t length) {
  if (absl::Status begun = system_.Begin("fallocate", node_->path); !begun.ok()) return begun;
  if (const auto error = std::exchange(system_.fail_allocation_, std::nullopt)) {
    return FailedOn(*error, "fallocate", node_->path);
  }
  const std::int64_t end = position.value() + length;
  if (absl::Status room = system_.Allocate(*node_, end, "fallocate"); !room.ok()) return room;
  node_->size = std::max(node_->size, end);
  return absl::OkStatus();
}

absl::Status SimFile::Truncate(std::int64_t size) {
  if (absl::Status begun = system_.Begin("truncate", node_->path); !begun.ok()) return begun;
  node_->size = size;
  node_->blocks.erase(node_->blocks.lower_bound(base::RoundUpToBlock(size) / base::kBlockBytes),
                      node_->blocks.end());
  const std::int64_t kept = std::min(node_->allocated, base::RoundUpToBlock(size));
  system_.Release(node_->allocated - kept);
  node_->allocated = kept;
  return absl::OkStatus();
}

void SimFile::Put(std::int64_t at, const std::byte* bytes, std::size_t count) {
  for (std::size_t done = 0; done < count;) {
    const std::int64_t index = (at + static_cast<std::int64_t>(done)) / base::kBlockBytes;
    const auto offset =
        static_cast<std::size_t>((at + static_cast<std::int64_t>(done)) % base::kBlockBytes);
    const std::size_t piece = std::min(count - done, std::size_t{base::kBlockBytes} - offset);
    SimFileSystem::Block& block = node_->blocks[index];
    node_->unsynced.try_emplace(index, block);
    auto changed = block == nullptr ? std::make_shared<SimFileSystem::Bytes>()
                                    : std::make_shared<SimFileSystem::Bytes>(*block);
    std::memcpy(changed->data() + offset, bytes + done, piece);
    block = std::move(changed);
    done += piece;
  }
}

absl::StatusOr<storage::FileStat> SimFile::Stat() const {
  return storage::FileStat{node_->size, node_->allocated, node_->inode, 1};
}

}  // namespace tidemark::simulation
