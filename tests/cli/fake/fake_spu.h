// An SPU that keeps its partitions in memory, over real gRPC on a port of its own. A test may hold
// its answers back, make it refuse, or break its streams.
//
// Threading: any thread.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "tidemark/log/v1/log.pb.h"
#include "tidemark/space/v1/volume_service.pb.h"

namespace tidemark::cli {

class FakeSpu {
 public:
  FakeSpu();
  ~FakeSpu();
  std::string endpoint() const;

  // Set before the first call.
  space::v1::ListVolumesResponse volumes;
  space::v1::Explanation explanation;
  std::set<std::string> unknown_volumes;  // no such volume here, if asked for by these names
  space::v1::PlanReclaimResponse plan;
  log::v1::ListLocalPartitionsResponse local_partitions;
  log::v1::ProduceStarted started;
  bool corrupt_batches = false;  // flips a byte of what consumers get

  // Appends to these partitions are refused so.
  void Refuse(std::uint64_t partition_id, const log::v1::Refusal& refusal);
  // Appends refused so far.
  int refused() {
    base::MutexLock lock(mutex_);
    return refused_;
  }
  // They are accepted again; tells the open stream if `notice`.
  void Accept(std::uint64_t partition_id, bool notice);
  // Answers nothing until Release; what comes meanwhile waits.
  void HoldAnswers();
  void Release();
  // Ends the open produce stream without an answer.
  void BreakStream();

  // Appends that arrived, in order: records in each.
  std::vector<int> batches(std::uint64_t partition_id) const;
  std::vector<std::string> values(std::uint64_t partition_id) const;
  std::int64_t credits_received() const;
  std::optional<std::int64_t> trimmed_before(std::uint64_t partition_id) const;

  // One value per record, straight into the log.
  void Fill(std::uint64_t partition_id, const std::vector<std::string>& records,
            int records_per_batch);

 private:
  struct Services;
  struct Partition {
    std::vector<std::string> stamped;  // batches
    std::vector<std::int64_t> ends;    // offset after each
    std::vector<std::string> values;
    std::vector<int> batch_records;
    std::optional<std::int64_t> trimmed_before;
    std::int64_t end() const { return ends.empty() ? 0 : ends.back(); }
  };
  void Store(Partition& partition, const std::string& batch) TM_REQUIRES(mutex_);

  mutable base::Mutex mutex_;
  base::CondVar changed_;
  std::map<std::uint64_t, Partition> partitions_ TM_GUARDED_BY(mutex_);
  std::map<std::uint64_t, log::v1::Refusal> refusals_ TM_GUARDED_BY(mutex_);
  int refused_ TM_GUARDED_BY(mutex_) = 0;
  bool held_ TM_GUARDED_BY(mutex_) = false;
  bool broken_ TM_GUARDED_BY(mutex_) = false;
  std::int64_t credits_received_ TM_GUARDED_BY(mutex_) = 0;
  std::unique_ptr<Services> services_;
};

}  // namespace tidemark::cli
