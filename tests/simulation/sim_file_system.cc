#include "tests/simulation/sim_file_system.h"

#include <linux/magic.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "absl/strings/match.h"
#include "base/block.h"
#include "base/errno_status.h"
#include "tests/simulation/sim_file.h"

namespace tidemark::simulation {
namespace {

using base::ErrnoStatus;
using storage::FileStat;
using storage::FileSystemStat;
using storage::OpenMode;

constexpr std::int64_t kHistoryBlocks = 2;  // files of at most this many can be rolled back
constexpr std::size_t kHistoryLength = 8;

absl::Status Failed(int error, std::string_view call, const std::string& path) {
  return ErrnoStatus(error, std::string(call) + " " + path);
}

class SimLock final : public storage::FileLock {};

}  // namespace

SimFileSystem::SimFileSystem(const Options& options, std::uint64_t seed)
    : options_(options), random_(seed) {}

std::int64_t SimFileSystem::TrueAvailable() const {
  return options_.capacity_bytes - allocated_bytes_ - foreign_bytes_ - late_bytes_;
}

std::int64_t SimFileSystem::InodesAvailable() const {
  return options_.inodes - static_cast<std::int64_t>(nodes_.size()) - foreign_inodes_;
}

std::int64_t SimFileSystem::ForeignTakes(std::int64_t bytes) {
  const std::int64_t taken =
      std::clamp<std::int64_t>(bytes, 0, std::max<std::int64_t>(0, TrueAvailable()));
  foreign_bytes_ += taken;
  return taken;
}

void SimFileSystem::ForeignGives(std::int64_t bytes) {
  foreign_bytes_ -= std::min(bytes, foreign_bytes_);
}

void SimFileSystem::ForeignTakesInodes(std::int64_t inodes) {
  foreign_inodes_ =
      std::max<std::int64_t>(0, foreign_inodes_ + std::min(inodes, InodesAvailable()));
}

absl::Status SimFileSystem::Begin(std::string_view call, const std::string& path) {
  if (dead_) return Failed(EIO, call, path);
  ++mutating_calls_;
  if (calls_to_live_ && (*calls_to_live_)-- <= 0) {
    calls_to_live_.reset();
    dead_ = true;
    return Failed(EIO, call, path);
  }
  if (mood_ == StatvfsMood::kReadOnly) return Failed(EROFS, call, path);
  return absl::OkStatus();
}

absl::Status SimFileSystem::Allocate(Node& node, std::int64_t to_bytes, std::string_view call) {
  const std::int64_t missing = base::RoundUpToBlock(to_bytes) - node.allocated;
  if (missing <= 0) return absl::OkStatus();
  if (quota_bytes_ && allocated_bytes_ + missing > *quota_bytes_) {
    return Failed(EDQUOT, call, node.path);
  }
  if (missing > TrueAvailable()) {
    ++enospc_count_;
    // ext4 keeps what it could get until somebody truncates or unlinks.
    const std::int64_t partial =
        std::max<std::int64_t>(0, TrueAvailable() / base::kBlockBytes * base::kBlockBytes);
    node.allocated += partial;
    allocated_bytes_ += partial;
    return Failed(ENOSPC, call, node.path);
  }
  node.allocated += missing;
  allocated_bytes_ += missing;
  return absl::OkStatus();
}

void SimFileSystem::Release(std::int64_t bytes) {
  allocated_bytes_ -= bytes;
  if (frees_late_) late_bytes_ += bytes;
}

absl::Status SimFileSystem::Sync(Node& node) {
  if (absl::Status begun = Begin("fsync", node.path); !begun.ok()) return begun;
  if (std::exchange(fail_sync_, false)) {
    // The pages are marked clean; whether they reached the disk, nobody knows.
    if (random_.Chance(500)) LoseUnsynced(node);
    return Failed(EIO, "fsync", node.path);
  }
  node.unsynced.clear();
  node.durable_size = node.size;
  node.durable_allocated = node.allocated;
  if (node.size <= kHistoryBlocks * base::kBlockBytes) {
    node.history.push_back(node.blocks);
    if (node.history.size() > kHistoryLength) node.history.erase(node.history.begin());
  }
  return absl::OkStatus();
}

// Each block by itself: lost, kept, or torn in the middle.
void SimFileSystem::LoseUnsynced(Node& node) {
  for (const auto& [index, before] : node.unsynced) {
    const auto block = node.blocks.find(index);
    if (block == node.blocks.end()) continue;
    const std::uint64_t fate = random_.Below(3);
    if (fate == 0) continue;  // it was written back in time
    const std::size_t kept = fate == 1 ? 0 : 512 * (1 + random_.Below(7));
    Bytes torn = before == nullptr ? Bytes{} : *before;
    std::copy_n(block->second->begin(), kept, torn.begin());
    block->second = std::make_shared<const Bytes>(torn);
  }
  node.unsynced.clear();
}

void SimFileSystem::ForgetFaults() {
  calls_to_live_.reset();
  fail_sync_ = false;
  fail_write_ = false;
  fail_allocation_.reset();
}

void SimFileSystem::Crash(bool power_cut) {
  dead_ = false;
  ForgetFaults();
  if (!power_cut) return;
  for (auto it = nodes_.begin(); it != nodes_.end();) {
    Node& node = *it->second;
    if (!node.linked && random_.Chance(500)) {
      allocated_bytes_ -= node.allocated;
      it = nodes_.erase(it);
      continue;
    }
    LoseUnsynced(node);
    if (node.allocated != node.durable_allocated && random_.Chance(500)) {
      const std::int64_t kept = std::min(node.allocated, node.durable_allocated);
      allocated_bytes_ -= node.allocated - kept;
      node.allocated = kept;
      node.size = std::min(node.size, node.durable_size);
    }
    node.linked = true;
    node.durable_size = node.size;
    node.durable_allocated = node.allocated;
    ++it;
  }
}

void SimFileSystem::RollBack(const std::string& path, std::size_t syncs) {
  Node* node = Find(path);
  if (node == nullptr || node->history.empty()) return;
  const std::size_t back = std::min(syncs, node->history.size() - 1);
  node->blocks = node->history[node->history.size() - 1 - back];
  node->unsynced.clear();
}

void SimFileSystem::Zero(const std::string& path) {
  if (Node* node = Find(path)) node->blocks.clear();
}

void SimFileSystem::TearBlock(const std::string& path, std::int64_t block) {
  Node* node = Find(path);
  if (node == nullptr) return;
  Block& whole = node->blocks[block];
  Bytes torn = whole == nullptr ? Bytes{} : *whole;
  // Torn twice is torn all the same.
  std::fill(torn.begin() + 1024, torn.begin() + 2048, std::byte{0xDB});
  whole = std::make_shared<const Bytes>(torn);
}

std::int64_t SimFileSystem::AllocatedBytes(const std::string& path) const {
  const Node* node = Find(path);
  return node == nullptr ? 0 : std::min(node->allocated, base::RoundUpToBlock(node->size));
}

void SimFileSystem::PunchOut(const std::string& path) {
  Node* node = Find(path);
  if (node == nullptr) return;
  allocated_bytes_ -= node->allocated;
  node->allocated = 0;
  node->durable_allocated = 0;
}

SimFileSystem::Node* SimFileSystem::Find(const std::string& path) {
  const auto it = nodes_.find(path);
  return it == nodes_.end() ? nullptr : it->second.get();
}

const SimFileSystem::Node* SimFileSystem::Find(const std::string& path) const {
  const auto it = nodes_.find(path);
  return it == nodes_.end() ? nullptr : it->second.get();
}

absl::StatusOr<std::unique_ptr<storage::File>> SimFileSystem::Open(const std::string& path,
                                                                   OpenMode mode) {
  const auto found = nodes_.find(path);
  if (mode != OpenMode::kCreate) {
    if (found == nodes_.end()) return Failed(ENOENT, "open", path);
    return std::make_unique<SimFile>(*this, found->second);
  }
  if (found != nodes_.end()) return Failed(EEXIST, "open", path);
  if (absl::Status begun = Begin("create", path); !begun.ok()) return begun;
  if (InodesAvailable() <= 0) {
    ++enospc_count_;
    return Failed(ENOSPC, "create", path);
  }
  auto node = std::make_shared<Node>();
  node->path = path;
  node->inode = ++newest_inode_;
  nodes_[path] = node;
  return std::make_unique<SimFile>(*this, node);
}

absl::Status SimFileSystem::CreateDirectory(const std::string& path) {
  return Begin("mkdir", path);
}

absl::Status SimFileSystem::RemoveFile(const std::string& path) {
  const auto found = nodes_.find(path);
  if (found == nodes_.end()) return Failed(ENOENT, "unlink", path);
  if (absl::Status begun = Begin("unlink", path); !begun.ok()) return begun;
  Release(found->second->allocated);
  found->second->allocated = 0;
  nodes_.erase(found);
  return absl::OkStatus();
}

absl::Status SimFileSystem::RemoveDirectory(const std::string& path) {
  return Begin("rmdir", path);
}

absl::Status SimFileSystem::Rename(const std::string& from, const std::string& to) {
  const auto found = nodes_.find(from);
  if (found == nodes_.end()) return Failed(ENOENT, "rename", from);
  if (absl::Status begun = Begin("rename", from); !begun.ok()) return begun;
  const auto node = found->second;
  nodes_.erase(found);
  node->path = to;
  nodes_[to] = node;
  return absl::OkStatus();
}

absl::Status SimFileSystem::SyncDirectory(const std::string& path) {
  if (absl::Status begun = Begin("fsync", path); !begun.ok()) return begun;
  if (std::exchange(fail_sync_, false)) return Failed(EIO, "fsync", path);
  for (const auto& [name, node] : nodes_) {
    if (absl::StartsWith(name, path)) node->linked = true;
  }
  return absl::OkStatus();
}

absl::Status SimFileSystem::SyncFileSystem(const std::string& path) {
  late_bytes_ = 0;
  return Begin("syncfs", path);
}

absl::StatusOr<std::vector<std::string>> SimFileSystem::List(const std::string& path) {
  std::vector<std::string> names;
  const std::string prefix = path + "/";
  for (const auto& [name, node] : nodes_) {
    if (!absl::StartsWith(name, prefix)) continue;
    std::string rest = name.substr(prefix.size());
    if (rest.find('/') == std::string::npos) names.push_back(std::move(rest));
  }
  return names;
}

absl::StatusOr<FileStat> SimFileSystem::Stat(const std::string& path) {
  const Node* node = Find(path);
  if (node == nullptr) return Failed(ENOENT, "stat", path);
  return FileStat{node->size, node->allocated, node->inode, 1};
}

absl::StatusOr<FileSystemStat> SimFileSystem::StatFileSystem(const std::string& path) {
  if (mood_ == StatvfsMood::kFails) return Failed(ENOMEM, "statvfs", path);
  if (mood_ == StatvfsMood::kIoError) return Failed(EIO, "statvfs", path);
  const auto blocks = [](std::int64_t bytes) {
    return static_cast<std::uint64_t>(std::max<std::int64_t>(0, bytes) / base::kBlockBytes);
  };
  FileSystemStat stat;
  stat.fragment_bytes = static_cast<std::uint64_t>(base::kBlockBytes);
  stat.blocks_total = blocks(options_.capacity_bytes);
  stat.blocks_available = blocks(TrueAvailable());
  stat.blocks_free = stat.blocks_available;
  stat.inodes_total = static_cast<std::uint64_t>(options_.inodes);
  stat.inodes_available = static_cast<std::uint64_t>(std::max<std::int64_t>(0, InodesAvailable()));
  stat.device_id = options_.device_id;
  stat.file_system_id = options_.device_id * 1000;
  stat.type_magic = EXT4_SUPER_MAGIC;
  switch (mood_) {
    case StatvfsMood::kAbsurd:
      stat.blocks_available = stat.blocks_total + 1;
      stat.blocks_free = stat.blocks_available;
      break;
    case StatvfsMood::kNoTotal:
      stat.blocks_total = 0;
      break;
    case StatvfsMood::kFlatters:
      stat.blocks_available =
          std::min(stat.blocks_total, stat.blocks_available + blocks(25 * base::kMiB));
      stat.blocks_free = stat.blocks_available;
      break;
    case StatvfsMood::kElsewhere:
      stat.device_id += 77;
      break;
    case StatvfsMood::kReadOnly:
      stat.read_only = true;
      break;
    default:
      break;
  }
  return stat;
}

absl::StatusOr<std::unique_ptr<storage::FileLock>> SimFileSystem::Lock(const std::string& path) {
  if (Find(path) == nullptr) return Failed(ENOENT, "lock", path);
  return std::make_unique<SimLock>();
}

}  // namespace tidemark::simulation
