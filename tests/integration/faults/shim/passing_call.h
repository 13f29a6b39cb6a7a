// One call on its way: numbered, struck or not, and noted when it is over.
//
// Lifetime:  of the call, on the stack of who makes it. Only while SharedLog() is there.
// Threading: confined to that thread.
#pragma once

#include <sys/uio.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>

#include "tests/integration/faults/fault_log.h"

namespace tidemark::faults {

class PassingCall {
 public:
  PassingCall(Call call, const char* path);

  bool Fails() const { return deed_ == Deed::kFail; }
  int error_number() const { return error_number_; }

  // True: the caller returns -1 with errno set.
  bool Refused();

  // How much of a write may be done.
  std::size_t Allowed(std::size_t bytes) const {
    const bool half = deed_ == Deed::kShortWrite || deed_ == Deed::kKillAfter;
    return half && bytes > 1 ? bytes / 2 : bytes;
  }

  // To be called with what the real call returned; gives it back.
  template <typename Result>
  Result Ended(Result result, std::uint64_t file, std::int64_t position = 0, std::int64_t bytes = 0,
               const iovec* slices = nullptr, int slice_count = 0) {
    const int error_number = result < 0 ? errno : 0;
    Note(error_number, file, position, bytes, slices, slice_count);
    if (deed_ == Deed::kKillAfter) Die();
    errno = error_number;
    return result;
  }

 private:
  [[noreturn]] static void Die();
  void KeepEndOf(const char* path);
  bool IsTheOne(Plan& plan) const;
  void Take(Plan& plan);
  void Note(int error_number, std::uint64_t file, std::int64_t position, std::int64_t bytes,
            const iovec* slices, int slice_count);
  static void CopyData(CallNote& note, const iovec* slices, int slice_count);

  Call call_;
  Deed deed_ = Deed::kNothing;
  int error_number_ = 0;
  std::uint64_t stall_ms_ = 0;
  std::uint64_t number_ = 0;
  std::uint64_t notes_before_ = 0;
  char path_[kPathBytes];
};

}  // namespace tidemark::faults
