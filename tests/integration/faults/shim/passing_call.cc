#include "tests/integration/faults/shim/passing_call.h"

#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstring>

#include "tests/integration/faults/shim/shim_scope.h"

namespace tidemark::faults {
namespace {

void Stall(std::uint64_t for_ms) {
  constexpr int kLookEveryMs = 5;
  const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(for_ms);
  while (std::chrono::steady_clock::now() < end && SharedLog()->let_go.load() == 0) {
    poll(nullptr, 0, kLookEveryMs);
  }
}

}  // namespace

void PassingCall::Die() {
  kill(getpid(), SIGKILL);
  for (;;) pause();
}

PassingCall::PassingCall(Call call, const char* path) : call_(call) {
  number_ = ++SharedLog()->calls;
  notes_before_ = SharedLog()->notes_taken.load();
  KeepEndOf(path);
  for (Plan& plan : SharedLog()->plans) {
    if (deed_ == Deed::kNothing) Take(plan);
  }
  if (deed_ != Deed::kKillBefore) return;
  Stall(stall_ms_);
  Die();
}

bool PassingCall::Refused() {
  if (deed_ == Deed::kStall) Stall(stall_ms_);
  if (deed_ != Deed::kFail) return false;
  Note(error_number_, 0, 0, 0, nullptr, 0);
  errno = error_number_;
  return true;
}

void PassingCall::KeepEndOf(const char* path) {
  const std::size_t length = std::strlen(path);
  const std::size_t kept = std::min<std::size_t>(length, sizeof path_ - 1);
  std::memcpy(path_, path + length - kept, kept);
  std::memset(path_ + kept, 0, sizeof path_ - kept);
}

bool PassingCall::IsTheOne(Plan& plan) const {
  const std::size_t length = std::strlen(path_);
  const std::size_t end = std::strlen(plan.only_path);
  return call_ == plan.only_call && length >= end &&
         std::strcmp(path_ + length - end, plan.only_path) == 0 &&
         ++plan.only_seen == plan.only_nth;
}

void PassingCall::Take(Plan& plan) {
  if (plan.from == 0 || number_ < plan.from || (plan.calls & BitOf(call_)) == 0) return;
  if (plan.only_call != Call::kNone && plan.fired.load() == 0 && !IsTheOne(plan)) return;
  if (plan.fired.fetch_add(1) > 0 && plan.sticky == 0) {
    plan.fired.fetch_sub(1);
    return;
  }
  std::uint64_t none = 0;
  if (plan.fired_at.compare_exchange_strong(none, number_)) {
    std::memcpy(plan.fired_path, path_, sizeof plan.fired_path);
    plan.fired_on.store(call_);
  }
  deed_ = plan.deed;
  error_number_ = plan.error_number;
  stall_ms_ = plan.stall_ms;
}

void PassingCall::Note(int error_number, std::uint64_t file, std::int64_t position,
                       std::int64_t bytes, const iovec* slices, int slice_count) {
  const std::uint64_t at = SharedLog()->notes_taken.fetch_add(1);
  if (at >= kNotesMax) return;
  CallNote& note = SharedLog()->notes[at];
  note.call = call_;
  note.deed = deed_;
  note.error_number = error_number;
  note.number = number_;
  note.file = file;
  note.position = position;
  note.bytes = bytes;
  note.notes_before = notes_before_;
  std::memcpy(note.path, path_, sizeof note.path);
  if (slices != nullptr && error_number == 0) CopyData(note, slices, slice_count);
  note.done.store(1);
}

void PassingCall::CopyData(CallNote& note, const iovec* slices, int slice_count) {
  auto left = static_cast<std::uint64_t>(note.bytes);
  note.data_at = SharedLog()->data_taken.fetch_add(left);
  if (note.data_at + left > kNoteBytesMax) return;
  unsigned char* to = SharedLog()->data + note.data_at;
  for (int i = 0; i < slice_count && left > 0; ++i) {
    const std::uint64_t length = std::min<std::uint64_t>(left, slices[i].iov_len);
    std::memcpy(to, slices[i].iov_base, length);
    to += length;
    left -= length;
  }
}

}  // namespace tidemark::faults
