// What a power cut, or a failed sync, takes away: bytes that were written and never made durable.
//
// A killed process leaves everything in the page cache, so that a kill alone proves nothing of
// syncs. Here the files are given back the bytes a disk would have: those of writes that a
// successful sync covered. A write that was under way or unsynced when the power went is gone, or,
// with torn sectors, partly gone. A write that a *failed* sync covered is gone whatever came after:
// the kernel calls its pages clean, so that a second sync succeeds and saves nothing. (Whoever had
// the file open by another descriptor is told, too, by the shim as by the kernel.)
//
// Names and sizes stay as they are: a file system's journal may have committed them at any moment.
//
// Lifetime:  Remember() before the first daemon starts, Lose…() while none runs.
// Threading: confined.
// Errors:    errno statuses.
#pragma once

#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tests/integration/faults/fault_record.h"

namespace tidemark::faults {

class PowerCut {
 public:
  // What the files below `directories` hold now is durable.
  // The first so many calls are past.
  absl::Status Remember(const std::vector<std::string>& directories, std::size_t calls = 0);

  struct Loss {
    std::int64_t writes = 0;  // of which not every byte was durable
    std::int64_t bytes = 0;   // that really changed
  };
  // Only what failed syncs covered: the process ended, the machine did not.
  absl::StatusOr<Loss> LoseFailed(const std::vector<NotedCall>& calls);
  // All that no sync covered. With `random`, each of its sectors may have reached the disk. What is
  // left is remembered.
  absl::StatusOr<Loss> LoseUnsynced(const std::vector<NotedCall>& calls, std::mt19937_64* random);

 private:
  using Bytes = std::vector<unsigned char>;
  enum class Fate : std::uint8_t { kCached, kDurable, kLost };

  static bool Covers(const NotedCall& sync, std::size_t write_at, const NotedCall& write);
  static Fate FateOf(std::size_t write_at, const std::vector<NotedCall>& calls);
  std::vector<Fate> FatesOf(const std::vector<NotedCall>& calls) const;
  Bytes DiskOf(std::uint64_t file, const std::vector<NotedCall>& calls,
               const std::vector<Fate>& fates, std::mt19937_64* random) const;
  absl::StatusOr<Loss> Rewrite(const std::vector<NotedCall>& calls, const std::vector<Fate>& fates,
                               std::mt19937_64* random);

  std::vector<std::string> directories_;
  std::size_t calls_before_ = 0;
  std::map<std::uint64_t, Bytes> durable_;  // by FileKey
};

}  // namespace tidemark::faults
