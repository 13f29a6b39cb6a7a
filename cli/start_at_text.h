// Where to begin reading, as a person types it.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "base/clock.h"
#include "cli/client/consumer.h"

namespace tidemark::cli {

// "earliest", "latest", an offset ("1200"), a time ("2026-11-23T04:00:00Z"), or how long ago
// ("15m"). kInvalidArgument with what would do.
absl::StatusOr<client::StartAt> ParseStartAt(const std::string& text, base::WallMillis now);

}  // namespace tidemark::cli
