// One record, as a view into the batch that holds it.
//
// Lifetime:  the views live as long as the bytes of the batch.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"

namespace tidemark::storage {

struct RecordHeader {
  std::string_view name;
  std::span<const std::byte> value;
};

struct Record {
  base::Offset offset;
  base::WallMillis timestamp = 0;
  std::optional<std::span<const std::byte>> key;
  std::span<const std::byte> value;
  std::vector<RecordHeader> headers;
};

}  // namespace tidemark::storage
