// EINTR means "not done": the call is made again.
#pragma once

#include <cerrno>

namespace tidemark::storage {

template <typename Call>
auto RetryOnInterrupt(Call call) {
  auto result = call();
  while (result < 0 && errno == EINTR) result = call();
  return result;
}

}  // namespace tidemark::storage
