// Which partitions a topic has and which SPU serves each.
//
// Errors: kNotFound with the nearest topic there is; kInvalidArgument for a name that cannot be
//         parsed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "cli/invocation.h"
#include "tidemark/sc/v1/admin.pb.h"

namespace tidemark::cli {

// All partitions of `topic`, in order; only one of them if `index` is given. From the SPU itself
// where the invocation names one.
absl::StatusOr<std::vector<sc::v1::Partition>> FindPartitions(const Invocation& invocation,
                                                              const std::string& topic,
                                                              std::optional<std::int64_t> index);

struct TopicPartition {
  std::string topic;
  std::int64_t index = 0;
};
// "orders/3".
absl::StatusOr<TopicPartition> ParsePartitionName(const std::string& text);

// What an SPU says itself, in the SC's words; status and reach stay unknown where only the SC
// knows.
std::vector<sc::v1::Partition> FromLocal(const log::v1::ListLocalPartitionsResponse& local,
                                         const std::string& endpoint);

}  // namespace tidemark::cli
