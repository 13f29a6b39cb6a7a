#include <charconv>
#include <memory>

#include "absl/strings/str_format.h"
#include "base/status_macros.h"
#include "cli/commands/commands.h"
#include "cli/partition_lookup.h"
#include "cli/words.h"

namespace tidemark::cli {
namespace {

struct TrimOptions {
  std::string partition;
  std::string before;
};

absl::StatusOr<std::int64_t> BeforeOffset(const client::SpuClient& spu, std::uint64_t partition_id,
                                          const std::string& text) {
  if (text == "end") {
    log::v1::ListOffsetsRequest request;
    request.set_partition_id(partition_id);
    TM_ASSIGN_OR_RETURN(const auto offsets, spu.ListOffsets(request));
    return offsets.durable_end();
  }
  std::int64_t offset = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, offset);
  if (error != std::errc() || rest != end || offset < 0) {
    return absl::InvalidArgumentError(
        absl::StrFormat("--before '%s' is neither an offset nor 'end'", text));
  }
  return offset;
}

absl::Status Trim(Invocation& invocation, const TrimOptions& options) {
  TM_ASSIGN_OR_RETURN(const TopicPartition wanted, ParsePartitionName(options.partition));
  TM_ASSIGN_OR_RETURN(const auto found, FindPartitions(invocation, wanted.topic, wanted.index));
  const sc::v1::Partition& partition = found.front();
  const auto spu = invocation.Spu(partition.endpoint());
  TM_ASSIGN_OR_RETURN(const auto before, BeforeOffset(spu, partition.id(), options.before));
  TM_ASSIGN_OR_RETURN(const auto trimmed, spu.Trim(partition.id(), before));
  if (invocation.output.json()) return invocation.output.PrintJson(trimmed);
  invocation.output.Note(absl::StrFormat("%s now begins at offset %d; freed %s", options.partition,
                                         trimmed.log_start(), ExactBytes(trimmed.freed_bytes())));
  return absl::OkStatus();
}

}  // namespace

void AddTrimCommand(Command& root, Invocation& invocation) {
  const auto options = std::make_shared<TrimOptions>();
  root.Sub("trim", "Delete the oldest records of a partition")
      .Example("tidemark trim orders/3 --before 12000", "offset 12000 becomes the first")
      .Example("tidemark trim orders/3 --before end", "everything goes; works on a full disk")
      .Positional("TOPIC/PARTITION", options->partition, "")
      .Option("--before", options->before, "OFFSET|end", "records below this offset go")
      .Required()
      .Runs([&invocation, options] { return Finish(invocation, Trim(invocation, *options)); });
}

}  // namespace tidemark::cli
