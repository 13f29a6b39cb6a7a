#include "tests/integration/faults/fault_record.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "base/errno_status.h"

namespace tidemark::faults {

absl::StatusOr<std::unique_ptr<FaultRecord>> FaultRecord::Create(const std::string& path) {
  constexpr mode_t kForTheDaemonsUser = 0666;
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, kForTheDaemonsUser);
  if (fd < 0) return base::ErrnoStatus(errno, absl::StrFormat("create '%s'", path));
  void* mapped = MAP_FAILED;
  if (::fchmod(fd, kForTheDaemonsUser) == 0 && ::ftruncate(fd, sizeof(FaultLog)) == 0) {
    mapped = ::mmap(nullptr, sizeof(FaultLog), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  }
  const int error_number = errno;
  ::close(fd);
  if (mapped == MAP_FAILED) {
    return base::ErrnoStatus(error_number, absl::StrFormat("map '%s'", path));
  }
  return std::unique_ptr<FaultRecord>(new FaultRecord(path, static_cast<FaultLog*>(mapped)));
}

FaultRecord::~FaultRecord() {
  ::munmap(log_, sizeof(FaultLog));
  ::unlink(path_.c_str());
}

void FaultRecord::Clear() {
  const std::uint64_t notes = std::min(log_->notes_taken.load(), kNotesMax);
  for (std::uint32_t slot = 0; slot < kPlans; ++slot) SetPlan(slot, {});
  log_->let_go = 0;
  log_->calls = 0;
  log_->notes_taken = 0;
  log_->data_taken = 0;
  for (std::uint64_t i = 0; i < notes; ++i) log_->notes[i].done = 0;
}

void FaultRecord::SetPlan(std::uint32_t slot, const PlannedFault& fault) {
  Plan& plan = log_->plans[slot];
  plan.deed = fault.deed;
  plan.calls = fault.calls;
  plan.sticky = fault.sticky ? 1 : 0;
  plan.error_number = fault.error_number;
  plan.stall_ms = fault.stall_ms;
  plan.only_call = fault.only_call;
  plan.only_nth = fault.only_nth;
  plan.only_path[fault.only_path.copy(plan.only_path, sizeof plan.only_path - 1)] = '\0';
  plan.only_seen = 0;
  plan.fired = 0;
  plan.fired_at = 0;
  plan.fired_on = Call::kNone;
  plan.from = fault.from;
}

void FaultRecord::DropPlan(std::uint32_t slot) {
  log_->plans[slot].from = 0;
  log_->let_go = 1;
}

std::uint64_t FaultRecord::fired(std::uint32_t slot) const { return log_->plans[slot].fired; }
std::uint64_t FaultRecord::fired_at(std::uint32_t slot) const { return log_->plans[slot].fired_at; }
NotedCall FaultRecord::Struck(std::uint32_t slot) const {
  const Plan& plan = log_->plans[slot];
  NotedCall call;
  call.call = plan.fired_on;
  if (call.call == Call::kNone) return call;
  call.number = plan.fired_at;
  call.path = plan.fired_path;
  return call;
}

std::uint64_t FaultRecord::calls() const { return log_->calls; }
std::uint64_t FaultRecord::position() const { return log_->notes_taken; }

absl::StatusOr<std::vector<NotedCall>> FaultRecord::Calls(std::uint64_t first) const {
  const std::uint64_t end = log_->notes_taken;
  if (end > kNotesMax || log_->data_taken > kNoteBytesMax) {
    return absl::OutOfRangeError(absl::StrFormat(
        "the day is too long for its log: %d calls, %d bytes", end, log_->data_taken.load()));
  }
  std::vector<NotedCall> calls;
  for (std::uint64_t i = first; i < end; ++i) {
    const CallNote& note = log_->notes[i];
    NotedCall& call = calls.emplace_back();
    call.done = note.done != 0;
    if (!call.done) continue;
    call.call = note.call;
    call.deed = note.deed;
    call.error_number = note.error_number;
    call.number = note.number;
    call.file = note.file;
    call.position = note.position;
    call.bytes = note.bytes;
    call.notes_before = note.notes_before;
    call.path = note.path;
    if (note.call == Call::kWrite && note.error_number == 0) {
      call.written = {log_->data + note.data_at, static_cast<std::size_t>(note.bytes)};
    }
  }
  return calls;
}

std::vector<std::string> FaultRecord::Environment(const std::string& library,
                                                  const std::vector<std::string>& scope) const {
  return {absl::StrFormat("LD_PRELOAD=%s", library), absl::StrFormat("%s=%s", kLogVariable, path_),
          absl::StrFormat("%s=%s", kScopeVariable, absl::StrJoin(scope, ":"))};
}

std::string NotedCall::ToString() const {
  if (!done) return "a call during which the process died";
  std::string text = absl::StrFormat("%d %s %s", number, CallName(call), path);
  if (call == Call::kWrite) absl::StrAppendFormat(&text, ", %d bytes at %d", bytes, position);
  if (call == Call::kAllocate || call == Call::kTruncate)
    absl::StrAppendFormat(&text, ", %d", bytes);
  if (deed != Deed::kNothing) text += ", struck";
  if (error_number != 0) absl::StrAppendFormat(&text, ": %s", std::strerror(error_number));
  return text;
}

std::string_view CallName(Call call) {
  switch (call) {
    case Call::kNone:
      return "none";
    case Call::kCreate:
      return "create";
    case Call::kWrite:
      return "write";
    case Call::kAllocate:
      return "allocate";
    case Call::kTruncate:
      return "truncate";
    case Call::kUnlink:
      return "unlink";
    case Call::kRename:
      return "rename";
    case Call::kMakeDirectory:
      return "mkdir";
    case Call::kRemoveDirectory:
      return "rmdir";
    case Call::kSync:
      return "sync";
  }
  return "unknown";
}

}  // namespace tidemark::faults
