// A real SC and a real SPU on one small real disk, with a wire between them that can be cut.
//
// Three partitions: two of a topic that keeps everything, one of a topic whose records expire.
//
// Lifetime:  the disk outlives it; daemons are killed when destroyed.
// Threading: confined to the thread that created it.
// Errors:    what was expected and what was seen instead.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>

#include "absl/status/statusor.h"
#include "base/byte_size.h"
#include "base/clock.h"
#include "cli/client/producer.h"
#include "tests/integration/disks/disk.h"
#include "tests/integration/disks/tally.h"
#include "tests/integration/network/wall_clock.h"
#include "tests/integration/story/ledger.h"
#include "tests/integration/story/status_watcher.h"
#include "tests/support/daemon_process.h"
#include "tests/support/tcp_cut.h"
#include "tests/support/temp_directory.h"
#include "tidemark/sc/v1/admin.pb.h"
#include "tidemark/space/v1/volume_service.pb.h"

namespace tidemark::disks {

inline constexpr auto kOnline = sc::v1::PARTITION_STATUS_ONLINE;
// To show that a cluster takes records, no more.
inline constexpr std::int64_t kFewBytes = 512 * base::kKiB;

// Large: what a cycle costs is bytes, not records.
inline constexpr std::int64_t kRecordBytes = 4096;
// How old a record of the topic that expires may get.
inline constexpr std::int64_t kRetentionMs = 3'600'000;

struct Written {
  std::int64_t records = 0;
  std::set<std::uint64_t> refused;  // partitions: for want of space
  bool failed = false;              // a commit was not acknowledged, or the device is held
  std::string why;                  // the first refusal
};

class Cluster {
 public:
  static absl::StatusOr<std::unique_ptr<Cluster>> Create(Disk& disk, std::uint64_t seed);
  ~Cluster();

  // Appends to the partitions in turn until `bytes` were sent or each was refused or it failed.
  // Any refusal for another reason is an error.
  absl::StatusOr<Written> Write(const std::set<std::uint64_t>& partitions, std::int64_t bytes);
  // Every acknowledged record that was not trimmed, once, in order, byte for byte.
  absl::Status ReadEverything();
  // What was read goes, but for the last `keep` records of each partition.
  absl::Status Trim(std::int64_t keep);

  absl::Status WaitForStatus(sc::v1::PartitionStatus status, bool reachable) const;
  // Begins a chapter of the watcher when it sees that status, too.
  absl::Status BeginChapter(sc::v1::PartitionStatus status);
  absl::Status WaitForNewSession(std::uint64_t session) const;
  // Waits until the session is newer than `session`, and then for the status.
  absl::Status WaitForSession(std::uint64_t session, sc::v1::PartitionStatus status) const;
  absl::StatusOr<std::uint64_t> Session() const;
  // The SC's and the SPU's own view of the volume.
  absl::StatusOr<sc::v1::ScVolume> VolumeAtController() const;
  absl::StatusOr<space::v1::Volume> VolumeAtAgent() const;
  absl::StatusOr<space::v1::Explanation> Explain() const;
  absl::StatusOr<std::int64_t> DurableEnd(std::uint64_t partition) const;

  // The SPU's clock goes on by so much that every record of the topic that expires is too old.
  absl::Status LetRecordsExpire();

  void KillAgent();
  // Same ports as before.
  absl::Status StartAgent();
  // Failed calls that the SPU logged since the last time: adds to `tally`. kInternal if one of them
  // was a commit, or a matter of the device, unless that is what the case is about.
  absl::Status CountFailedCalls(Tally& tally);

  // A write into space that is held met EDQUOT: on btrfs a quota counts the metadata of any write,
  // too, and no reading shows it. That is a fault of the device, until a start has recovered.
  bool FailedByQuota() const;
  // The quota gets space back, the SPU starts again: Online, and every acknowledged record is
  // there.
  absl::Status RecoverFromFault();

  const std::set<std::uint64_t>& all() const { return all_; }
  const std::set<std::uint64_t>& kept() const { return kept_; }
  const std::set<std::uint64_t>& expiring() const { return expiring_; }
  support::TcpCut& wire() { return *wire_; }
  story::StatusWatcher& watcher() { return *watcher_; }
  const story::Ledger& ledger() const { return ledger_; }
  std::string LogTails() const;

 private:
  Cluster(Disk& disk, std::uint64_t seed) : disk_(disk), ledger_(seed, kRecordBytes) {}
  absl::Status Format();
  absl::Status StartController();
  absl::Status FirstStartOfAgent();
  absl::Status CreateTopics();
  void Take(const client::Outcome& outcome, Written& written);

  Disk& disk_;
  support::TempDirectory home_;
  story::Ledger ledger_;
  std::unique_ptr<network::WallClock> spu_clock_;
  std::unique_ptr<support::DaemonProcess> sc_;
  std::unique_ptr<support::DaemonProcess> spu_;
  std::unique_ptr<support::TcpCut> wire_;
  std::unique_ptr<story::StatusWatcher> watcher_;
  std::string controller_;
  std::string agent_;
  std::set<std::uint64_t> all_;
  std::set<std::uint64_t> kept_;
  std::set<std::uint64_t> expiring_;
  std::size_t log_counted_ = 0;  // bytes of the newest log
};

}  // namespace tidemark::disks
