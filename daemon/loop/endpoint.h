// "host:port" of something we listen on or dial.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace tidemark::daemon {

struct Endpoint {
  std::string host;
  std::uint16_t port = 0;

  // "127.0.0.1:7201", "[::1]:7201", "localhost:0". kInvalidArgument otherwise.
  static absl::StatusOr<Endpoint> Parse(std::string_view text);

  // 127.0.0.0/8, ::1, "localhost".
  bool IsLoopback() const;
  std::string ToString() const;
  bool operator==(const Endpoint&) const = default;
};

}  // namespace tidemark::daemon
