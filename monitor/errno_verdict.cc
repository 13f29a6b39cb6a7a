#include "monitor/errno_verdict.h"

#include <cerrno>

#include "base/errno_status.h"

namespace tidemark::monitor {
namespace {

// The row of "EIO, EROFS, ESTALE, ENODEV": of the device, in whatever operation.
std::optional<DeviceCause> DeviceCauseOf(int error_number) {
  switch (error_number) {
    case EIO:
    case ENXIO:
    case EUCLEAN:  // ext4 and xfs: the filesystem found itself corrupt
      return DeviceCause::kIoError;
    case EROFS:
      return DeviceCause::kReadOnly;
    case ESTALE:
      return DeviceCause::kStale;
    case ENODEV:
      return DeviceCause::kMissingVolume;
    default:
      return std::nullopt;
  }
}

}  // namespace

ErrnoVerdict JudgeErrno(DiskOperation operation, int error_number) {
  ErrnoVerdict verdict;
  if (const auto cause = DeviceCauseOf(error_number)) {
    verdict.meaning = ErrnoMeaning::kDevice;
    verdict.device_cause = *cause;
    return verdict;
  }
  if (operation == DiskOperation::kSync || operation == DiskOperation::kJournal) {
    verdict.meaning = ErrnoMeaning::kDevice;
    verdict.device_cause = DeviceCause::kSyncFailed;
    return verdict;
  }
  switch (error_number) {
    case ENOSPC:
    case EDQUOT:
      if (operation != DiskOperation::kAllocate) break;
      verdict.meaning = ErrnoMeaning::kSpace;
      verdict.space_cause = error_number == EDQUOT ? SpaceCause::kQuota : SpaceCause::kBytes;
      return verdict;
    case EMFILE:
    case ENFILE:
    case ENOMEM:
      verdict.meaning = ErrnoMeaning::kUnavailable;
      return verdict;
    default:
      break;
  }
  return verdict;
}

ErrnoVerdict JudgeStatus(DiskOperation operation, const absl::Status& status) {
  return JudgeErrno(operation, base::ErrnoOf(status).value_or(0));
}

std::string_view ErrnoMeaningName(ErrnoMeaning meaning) {
  switch (meaning) {
    case ErrnoMeaning::kSpace:
      return "space";
    case ErrnoMeaning::kDevice:
      return "device";
    case ErrnoMeaning::kUnavailable:
      return "unavailable";
    case ErrnoMeaning::kRefused:
      return "refused";
  }
  return "unknown";
}

}  // namespace tidemark::monitor
