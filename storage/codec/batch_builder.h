// Packs records into one batch: the client's side.
//
//   BatchBuilder builder;
//   builder.Add({.timestamp = now, .key = key, .value = value});
//   stream.Send(builder.Build());
//
// Lifetime:  Add copies. After Build the builder is empty and may be used again.
// Threading: confined.
// Errors:    none; whoever builds looks at size_bytes() and record_count() against the limits.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "storage/codec/batch.h"
#include "storage/codec/buffer.h"
#include "storage/codec/record.h"

namespace tidemark::storage {

class BatchBuilder {
 public:
  explicit BatchBuilder(ProducerStamp producer = {}) : producer_(producer) {}

  // record.offset is ignored: the server gives it.
  void Add(const Record& record);

  std::size_t size_bytes() const { return bytes_.empty() ? kBatchHeaderBytes : bytes_.size(); }
  std::uint32_t record_count() const { return record_count_; }
  bool empty() const { return record_count_ == 0; }
  void set_producer(ProducerStamp producer) { producer_ = producer; }

  // Needs at least one record.
  Buffer Build();

 private:
  std::vector<std::byte> bytes_;
  std::uint32_t record_count_ = 0;
  base::WallMillis first_timestamp_ = 0;
  base::WallMillis max_timestamp_ = 0;
  ProducerStamp producer_;
};

// A batch whose records the client compressed itself: `payload` stands where the records would.
Buffer BuildCompressedBatch(Compression compression, std::uint32_t record_count,
                            base::WallMillis first_timestamp, base::WallMillis max_timestamp,
                            std::span<const std::byte> payload, ProducerStamp producer = {});

}  // namespace tidemark::storage
