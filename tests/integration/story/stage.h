// The real things the story is played on: two small filesystems, an SC, an SPU, the wire between
// them, and who watches and remembers.
//
// Lifetime:  everything is stopped, unmounted and removed when destroyed.
// Threading: confined to the thread that created it (the daemons die with it).
// Errors:    kUnimplemented with the reason where this machine cannot mount anything.
#pragma once

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "tests/integration/story/ledger.h"
#include "tests/integration/story/reporter.h"
#include "tests/integration/story/status_watcher.h"
#include "tests/support/command.h"
#include "tests/support/daemon_process.h"
#include "tests/support/foreign_filler.h"
#include "tests/support/small_volume.h"
#include "tests/support/tcp_cut.h"
#include "tidemark/sc/v1/admin.pb.h"
#include "tidemark/space/v1/volume_service.pb.h"

namespace tidemark::story {

// What a full volume's partitions show.
inline constexpr auto kFull = sc::v1::PARTITION_STATUS_OUT_OF_SPACE;

inline constexpr std::int64_t kVolumeBytes = 64LL * 1024 * 1024;
// A neighbour's file on each volume, there before the SPU's first reading: what a neighbour takes
// later, a flood may meet as ENOSPC, and rightly. On the full volume it goes in mid-story.
inline constexpr std::int64_t kNeighbourBytes = 8LL * 1024 * 1024;

struct StageOptions {
  std::int64_t volume_bytes = kVolumeBytes;
  std::int64_t inodes = 0;  // 0: the filesystem's own choice
  std::string settings;     // lines for each volume's section of the SPU's configuration
};

class Stage {
 public:
  static absl::StatusOr<std::unique_ptr<Stage>> Create(Reporter& reporter, std::uint64_t seed,
                                                       const StageOptions& options = {});
  ~Stage();

  // Both daemons, from nothing.
  absl::Status StartDaemons();
  // The second start of a daemon keeps its ports, so that everybody finds it again.
  absl::Status StartController();
  absl::Status StartAgent();

  // What a person types. Fails if the exit code is not `expected`; otherwise what was said.
  absl::StatusOr<support::CommandResult> Type(const std::vector<std::string>& words,
                                              int expected = 0, const std::string& input = "");

  absl::StatusOr<std::vector<sc::v1::Partition>> Partitions() const;
  // Waits until the SC shows all of them so.
  absl::Status WaitForStatus(const std::set<std::uint64_t>& partitions,
                             sc::v1::PartitionStatus status, bool reachable) const;
  // The SPU's own view of the volume that gets full.
  absl::StatusOr<space::v1::Volume> FullVolume() const;

  // Learns which partitions lie on which volume; the one of the first partition gets full.
  absl::Status ChooseVolumes();
  // Appends a few records to every partition of the other volume and wants them acknowledged.
  absl::Status ProveCalm();

  std::string volume_directory(int index) const;
  const std::string& controller() const { return controller_endpoint_; }
  const std::string& agent() const { return agent_endpoint_; }
  std::string file_system() const;
  // Of the SPU: who it is, apart from its volumes.
  std::string state_directory() const { return home_.path() + "/spu-state"; }

  Reporter& reporter;
  Ledger ledger;
  std::unique_ptr<StatusWatcher> watcher;
  std::vector<std::unique_ptr<support::SmallVolume>> volumes;
  std::unique_ptr<support::DaemonProcess> sc;
  std::unique_ptr<support::DaemonProcess> spu;
  std::unique_ptr<support::TcpCut> wire;
  std::vector<std::unique_ptr<support::ForeignFiller>> neighbours;  // one on each volume
  support::ForeignFiller* neighbour = nullptr;                      // on the one that gets full
  std::unique_ptr<support::ForeignFiller> grabber;                  // takes what becomes free

  std::set<std::uint64_t> full_partitions;  // on the volume that gets full
  std::set<std::uint64_t> calm_partitions;  // on the other
  std::string full_path;
  std::uint64_t episode = 0;
  std::int64_t full_bytes = 0;
  std::int64_t resume_bytes = 0;

 private:
  Stage(Reporter& to, std::uint64_t seed) : reporter(to), ledger(seed) {}
  absl::Status MakeVolumes(const StageOptions& options);
  absl::Status Format(int index);

  support::TempDirectory home_;
  std::string volume_settings_;
  std::string controller_endpoint_;
  std::string agent_endpoint_;
};

// kInternal with `what` unless it holds.
absl::Status Expect(bool condition, const std::string& what);

}  // namespace tidemark::story
