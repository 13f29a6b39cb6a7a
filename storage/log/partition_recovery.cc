#include "storage/log/partition_recovery.h"

#include <algorithm>
#include <array>
#include <utility>

#include "absl/strings/str_format.h"
#include "base/errno_status.h"
#include "base/status_macros.h"
#include "storage/log/partition_directory.h"
#include "storage/segment/recovery_table.h"
#include "storage/segment/segment_name.h"
#include "storage/segment/segment_scan.h"

namespace tidemark::storage {
namespace {

// Writes zeros over [from, to), in place: no allocation, and the step stays taken.
absl::Status WriteZeros(File& file, base::FilePosition from, base::FilePosition to) {
  std::vector<std::byte> zeros(
      static_cast<std::size_t>(std::min<std::int64_t>(to - from, 1 << 20)));
  while (from < to) {
    const auto length = std::min<std::int64_t>(to - from, std::ssize(zeros));
    const iovec slice{zeros.data(), static_cast<std::size_t>(length)};
    TM_RETURN_IF_ERROR(file.WriteAt(from, {&slice, 1}));
    from = from + length;
  }
  return absl::OkStatus();
}

class Opener {
 public:
  Opener(FileSystem& file_system, const std::string& directory, const LogOptions& options)
      : file_system_(file_system), options_(options) {
    result_.directory = directory;
  }

  absl::StatusOr<RecoveredPartition> Run() {
    TM_ASSIGN_OR_RETURN(result_.state, LoadPartitionState(file_system_, result_.directory));
    TM_RETURN_IF_ERROR(CheckName());
    if (result_.state.tombstone) return std::move(result_);
    result_.clean_stop = result_.state.clean_end.has_value();
    result_.log_end = result_.state.log_start;
    TM_RETURN_IF_ERROR(ListSegments());
    TM_RETURN_IF_ERROR(RemoveTrimmed());
    if (!bases_.empty() && bases_.front() > result_.state.log_start) {
      Report({result_.state.log_start, bases_.front()}, SegmentFileName(bases_.front()),
             "the segments before it are missing");
    }
    for (std::size_t i = 0; i + 1 < bases_.size(); ++i) {
      TM_RETURN_IF_ERROR(OpenEarlier(bases_[i], bases_[i + 1]));
    }
    if (!bases_.empty()) TM_RETURN_IF_ERROR(OpenLast(bases_.back()));
    CheckCleanEnd();
    TM_RETURN_IF_ERROR(SettleState());
    return std::move(result_);
  }

 private:
  std::string PathOf(base::Offset base) const {
    return JoinPath(result_.directory, SegmentFileName(base));
  }

  void Report(LostRange range, std::string file, std::string what) {
    result_.notes.push_back(absl::StrFormat("'%s': %s: offsets %d to %d are lost", file, what,
                                            range.first.value(), range.end.value()));
    result_.damages.push_back({range, std::move(file), std::move(what)});
  }

  absl::Status CheckName() const {
    const std::string& path = result_.directory;
    const auto slash = path.find_last_of('/');
    const auto named = ParsePartitionDirectoryName(
        std::string_view(path).substr(slash == std::string::npos ? 0 : slash + 1));
    if (!named.has_value() || *named == result_.state.id) return absl::OkStatus();
    return absl::DataLossError(absl::StrFormat("open partition '%s': its state is of partition %s",
                                               path, PartitionDirectoryName(result_.state.id)));
  }

  absl::Status ListSegments() {
    TM_ASSIGN_OR_RETURN(const auto names, file_system_.List(result_.directory));
    std::vector<base::Offset> indexes;
    for (const std::string& name : names) {
      if (const auto base = ParseSegmentFileName(name); base.has_value()) {
        bases_.push_back(*base);
      } else if (const auto index = ParseIndexFileName(name); index.has_value()) {
        indexes.push_back(*index);
      } else if (name != kPartitionStateFile) {
        result_.notes.push_back(absl::StrFormat("'%s' is none of ours, left alone", name));
      }
    }
    std::sort(bases_.begin(), bases_.end());
    for (const base::Offset index : indexes) {
      if (std::binary_search(bases_.begin(), bases_.end(), index)) continue;
      TM_RETURN_IF_ERROR(RemoveIndex(index));
    }
    return absl::OkStatus();
  }

  absl::Status RemoveIndex(base::Offset base) {
    const absl::Status status =
        file_system_.RemoveFile(JoinPath(result_.directory, IndexFileName(base)));
    return absl::IsNotFound(status) ? absl::OkStatus() : status;
  }

  // The mark that allows it may be in the page cache only, left there by a killed process: first it
  // is made durable. Else a power cut could keep the unlink and take back the mark, and the log
  // would begin at 0 again.
  absl::Status RemoveSegment(base::Offset base) {
    if (!std::exchange(mark_is_durable_, true)) {
      TM_RETURN_IF_ERROR(SavePartitionState(file_system_, result_.directory, result_.state));
    }
    TM_RETURN_IF_ERROR(RemoveIndex(base));
    result_.notes.push_back(absl::StrFormat("'%s' lies below the log start %d, removed",
                                            SegmentFileName(base),
                                            result_.state.log_start.value()));
    return file_system_.RemoveFile(PathOf(base));
  }

  // What a trim that was interrupted after its mark had still to unlink.
  absl::Status RemoveTrimmed() {
    while (bases_.size() > 1 && bases_[1] <= result_.state.log_start) {
      TM_RETURN_IF_ERROR(RemoveSegment(bases_.front()));
      bases_.erase(bases_.begin());
    }
    return absl::OkStatus();
  }

  // Each hole is damage by the table; the action is the same for all, the numbers are not.
  void ReportHoles(const SegmentScan& scan, SegmentRole role) {
    for (const DamagedBytes& hole : scan.holes) {
      const RecoveryRow& row = DecideRecovery(
          {.role = role, .tail = hole.evidence, .behind = BehindEvidence::kValidBatch});
      Report({hole.first_lost, hole.resumes_at}, SegmentFileName(scan.base_offset),
             absl::StrFormat("%s: bytes %d to %d: %s", row.name, hole.from.value(), hole.to.value(),
                             hole.what));
    }
  }

  const RecoveryRow& Decide(const SegmentScan& scan, SegmentRole role, KnownEnd known_end) const {
    return DecideRecovery({.role = role,
                           .tail = scan.tail,
                           .behind = BehindEvidence::kNothing,
                           .known_end = known_end});
  }

  absl::Status OpenEarlier(base::Offset base, base::Offset next) {
    TM_ASSIGN_OR_RETURN(const FileStat stat, file_system_.Stat(PathOf(base)));
    LogSegment segment{
        .base_offset = base, .end_offset = next, .allocated_bytes = stat.allocated_bytes};
    const auto index = ReadIndexFile(file_system_, result_.directory, base);
    if (index.ok() && index->end_offset == next && index->data_end.value() <= stat.size) {
      segment.data_end = segment.allocated_end = index->data_end;
      segment.max_timestamp = index->index.max_timestamp();
      const auto index_stat = file_system_.Stat(JoinPath(result_.directory, IndexFileName(base)));
      if (index_stat.ok()) segment.allocated_bytes += index_stat->allocated_bytes;
    } else {
      TM_RETURN_IF_ERROR(ScanEarlier(next, segment));
    }
    result_.log_end = next;
    result_.segments.push_back(std::move(segment));
    return absl::OkStatus();
  }

  absl::Status ScanEarlier(base::Offset next, LogSegment& segment) {
    TM_ASSIGN_OR_RETURN(SegmentScan scan, Scan(segment.base_offset, OpenMode::kRead));
    ReportHoles(scan, SegmentRole::kEarlier);
    const RecoveryRow& row =
        Decide(scan, SegmentRole::kEarlier,
               scan.end_offset == next ? KnownEnd::kReached : KnownEnd::kMissed);
    segment.end_offset = scan.end_offset;
    segment.data_end = segment.allocated_end = scan.data_end;
    segment.max_timestamp = scan.index.max_timestamp();
    segment.holes = scan.holes;
    if (row.action == RecoveryAction::kReportDamage) {
      Report({std::min(scan.end_offset, next), next}, SegmentFileName(segment.base_offset),
             absl::StrFormat("%s: ends at offset %d, position %d (%s)", row.name,
                             scan.end_offset.value(), scan.data_end.value(), TailName(scan.tail)));
      return absl::OkStatus();
    }
    // Damage is looked at again at each open: only a sound segment gets an index.
    if (!scan.holes.empty()) return absl::OkStatus();
    segment.unwritten_index = std::make_shared<const ClosedSegmentIndex>(ClosedSegmentIndex{
        segment.base_offset, scan.end_offset, scan.data_end, std::move(scan.index)});
    return absl::OkStatus();
  }

  absl::StatusOr<SegmentScan> Scan(base::Offset base, OpenMode mode) {
    TM_ASSIGN_OR_RETURN(file_, file_system_.Open(PathOf(base), mode));
    ++result_.segments_scanned;
    if (!result_.clean_stop) {
      // What an earlier process wrote and never synced comes to the disk now or is lost. Which of
      // them, the disk tells, and the page cache does not; a failure here is that process's.
      file_->SyncAll().IgnoreError();
      file_->ForgetCached();
    }
    return ScanSegment(*file_, base, IndexIntervalFor(options_.segment_bytes));
  }

  absl::Status OpenLast(base::Offset base) {
    TM_ASSIGN_OR_RETURN(SegmentScan scan, Scan(base, OpenMode::kReadWrite));
    if (const auto& start = result_.state.log_start;
        scan.end_offset <= start && (base < start || scan.data_end > base::FilePosition(0)) &&
        scan.tail != TailEvidence::kNewVersion) {
      file_.reset();
      return RemoveSegment(base);
    }
    const std::size_t damages_before = result_.damages.size();
    ReportHoles(scan, SegmentRole::kLast);
    KnownEnd known_end = KnownEnd::kUnknown;
    if (const auto clean = result_.state.clean_end; clean.has_value()) {
      known_end = scan.end_offset >= *clean ? KnownEnd::kReached : KnownEnd::kMissed;
    }
    const RecoveryRow& row = Decide(scan, SegmentRole::kLast, known_end);
    if (row.action == RecoveryAction::kReportDamage) {
      const base::Offset end = result_.state.clean_end.value_or(scan.end_offset);
      Report({scan.end_offset, std::max(end, scan.end_offset)}, SegmentFileName(base),
             absl::StrFormat("%s: ends at position %d (%s)", row.name, scan.data_end.value(),
                             TailName(scan.tail)));
    }
    result_.has_active = result_.damages.size() == damages_before;
    if (result_.has_active) {
      TM_RETURN_IF_ERROR(SettleActive(scan, row));
    }
    return KeepLast(std::move(scan));
  }

  // Makes the last segment what the log will go on with: no torn tail, a real step or none, synced.
  absl::Status SettleActive(const SegmentScan& scan, const RecoveryRow& row) {
    if (row.action == RecoveryAction::kCutTail) {
      result_.torn_bytes = scan.garbage_end - scan.data_end;
      result_.notes.push_back(absl::StrFormat(
          "'%s': %s: %d bytes behind offset %d cut (%s)", SegmentFileName(scan.base_offset),
          row.name, result_.torn_bytes, scan.end_offset.value(), scan.tail_detail));
      TM_RETURN_IF_ERROR(WriteZeros(*file_, scan.data_end, scan.garbage_end));
    }
    TM_ASSIGN_OR_RETURN(const FileStat stat, file_->Stat());
    // A copied file may be sparse: what is not allocated is no step.
    if (stat.allocated_bytes < stat.size && stat.size > scan.data_end.value()) {
      TM_RETURN_IF_ERROR(file_->Truncate(scan.data_end.value()));
    }
    // It will grow: an index of it would be of its past.
    TM_RETURN_IF_ERROR(RemoveIndex(scan.base_offset));
    if (result_.clean_stop && row.action != RecoveryAction::kCutTail) return absl::OkStatus();
    // After a kill, batches may be here that were never synced; from now on they count as durable.
    TM_RETURN_IF_ERROR(file_->SyncAll());
    return file_system_.SyncDirectory(result_.directory);
  }

  absl::Status KeepLast(SegmentScan scan) {
    TM_ASSIGN_OR_RETURN(const FileStat stat, file_->Stat());
    LogSegment segment{.base_offset = scan.base_offset,
                       .end_offset = scan.end_offset,
                       .data_end = scan.data_end,
                       .allocated_end = scan.data_end,
                       .max_timestamp = scan.index.max_timestamp(),
                       .allocated_bytes = stat.allocated_bytes,
                       .holes = scan.holes};
    if (result_.has_active) {
      segment.allocated_end = base::FilePosition(stat.size);
      segment.file = std::move(file_);
      result_.active_index = std::move(scan.index);
    }
    result_.log_end = std::max(result_.log_end, scan.end_offset);
    result_.segments.push_back(std::move(segment));
    return absl::OkStatus();
  }

  // A clean stop whose segments are gone altogether.
  void CheckCleanEnd() {
    const auto clean = result_.state.clean_end;
    if (!clean.has_value() || *clean <= result_.log_end || !result_.damages.empty()) return;
    Report({result_.log_end, *clean}, result_.directory, "the log was known to reach further");
  }

  // Damage is held in the slot, once; the mark of the clean stop has been used.
  absl::Status SettleState() {
    PartitionState state = result_.state;
    state.clean_end.reset();
    if (!result_.damages.empty()) {
      if (!state.lost_data.has_value()) {
        const Damage& first = result_.damages.front();
        state.lost_data = LostDataHold{absl::StrFormat("%s: %s", first.file, first.what), {}};
      }
      auto& ranges = state.lost_data->ranges;
      for (const Damage& damage : result_.damages) {
        if (std::find(ranges.begin(), ranges.end(), damage.range) == ranges.end()) {
          ranges.push_back(damage.range);
        }
      }
    }
    if (state.lost_data.has_value()) {
      // Offsets that were given out once are not given out again.
      for (const LostRange& range : state.lost_data->ranges) {
        result_.log_end = std::max(result_.log_end, range.end);
      }
    }
    if (result_.has_active && result_.segments.back().end_offset != result_.log_end) {
      result_.has_active = false;
      result_.segments.back().file.reset();
    }
    if (EncodePartitionState(state) == EncodePartitionState(result_.state)) {
      return absl::OkStatus();
    }
    TM_RETURN_IF_ERROR(SavePartitionState(file_system_, result_.directory, state));
    result_.state = std::move(state);
    return absl::OkStatus();
  }

  FileSystem& file_system_;
  const LogOptions& options_;
  RecoveredPartition result_;
  std::vector<base::Offset> bases_;
  std::unique_ptr<File> file_;  // the one scanned last
  bool mark_is_durable_ = false;
};

}  // namespace

absl::StatusOr<RecoveredPartition> OpenPartition(FileSystem& file_system,
                                                 const std::string& directory,
                                                 const LogOptions& options) {
  auto opened = Opener(file_system, directory, options).Run();
  if (!opened.ok()) {
    return base::Annotate(opened.status(), absl::StrFormat("open partition '%s'", directory));
  }
  return opened;
}

}  // namespace tidemark::storage
