// Results of appends that wait for their place on a stream, packed into messages of bounded size.
//
// One message may carry thousands of small results, but never more than a client takes. What waits
// counts against the producer: who does not read his results is not read from.
//
// Lifetime:  value type.
// Threading: confined to the loop.
#pragma once

#include <cstddef>
#include <deque>

#include "tidemark/log/v1/log.pb.h"

namespace tidemark::spu {

class ResultQueue {
 public:
  // Well below gRPC's limit of 4 MiB for a message; the last result may go beyond it by itself.
  static constexpr std::size_t kMessageBytes = 512 * 1024;

  void Add(tidemark::log::v1::AppendResult&& result) {
    bytes_ += SizeOf(result);
    results_.push_back(std::move(result));
  }

  // Moves as many as fit into `message`, oldest first.
  void Fill(tidemark::log::v1::ProduceResponse& message) {
    std::size_t filled = 0;
    while (!results_.empty() && filled < kMessageBytes) {
      const std::size_t size = SizeOf(results_.front());
      filled += size;
      bytes_ -= size;
      *message.add_results() = std::move(results_.front());
      results_.pop_front();
    }
  }

  bool empty() const { return results_.empty(); }
  std::size_t bytes() const { return bytes_; }

 private:
  // On the wire, and a little for its place in memory.
  static std::size_t SizeOf(const tidemark::log::v1::AppendResult& result) {
    return result.ByteSizeLong() + 8;
  }

  std::deque<tidemark::log::v1::AppendResult> results_;
  std::size_t bytes_ = 0;
};

}  // namespace tidemark::spu
