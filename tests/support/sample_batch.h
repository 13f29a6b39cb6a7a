// Batches to test with. Users link tidemark_storage_codec.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_format.h"
#include "storage/codec/batch_builder.h"
#include "storage/codec/batch_codec.h"
#include "storage/codec/record_reader.h"

namespace tidemark::support {

inline std::span<const std::byte> AsBytes(std::string_view text) {
  return std::as_bytes(std::span(text));
}
inline std::string AsText(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

struct SampleBatch {
  int records = 1;
  base::WallMillis timestamp = 1'790'000'000'000;
  std::size_t value_bytes = 20;
  std::string tag = "v";  // the values are "<tag><n>" and dots up to value_bytes
};

// Unstamped, as a client sends it. Record n is n ms newer than the first.
inline storage::Buffer MakeBatch(const SampleBatch& sample = {}) {
  storage::BatchBuilder builder;
  for (int i = 0; i < sample.records; ++i) {
    std::string value = absl::StrFormat("%s%d", sample.tag, i);
    value.resize(std::max(value.size(), sample.value_bytes), '.');
    builder.Add({.timestamp = sample.timestamp + i, .value = AsBytes(value)});
  }
  return builder.Build();
}

// As it lies on disk.
inline std::vector<std::byte> Stamped(const storage::Buffer& batch, base::Offset base_offset,
                                      std::uint32_t leader_epoch = 0) {
  std::vector<std::byte> bytes(batch.bytes().begin(), batch.bytes().end());
  const auto header = storage::StampedHeader(bytes, base_offset, leader_epoch);
  std::copy(header.begin(), header.end(), bytes.begin());
  return bytes;
}

}  // namespace tidemark::support
