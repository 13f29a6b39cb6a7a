// Always-on checks for our own broken invariants. Never on input, disk or network: those are
// errors.
#pragma once

namespace tidemark::base {

[[noreturn]] void CheckFailed(const char* file, int line, const char* condition);

}  // namespace tidemark::base

#define TM_CHECK(condition)                            \
  (static_cast<bool>(condition) ? static_cast<void>(0) \
                                : ::tidemark::base::CheckFailed(__FILE__, __LINE__, #condition))
