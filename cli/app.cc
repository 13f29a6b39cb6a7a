#include "cli/app.h"

#include <ostream>
#include <utility>

#include "cli/commands/commands.h"
#include "cli/exit_code.h"
#include "cli/invocation.h"
#include "daemon/loop/endpoint.h"

namespace tidemark::cli {
namespace {

constexpr char kSummary[] =
    "Tidemark keeps append-only logs on this cluster's disks and tells the truth about their "
    "space.";

constexpr char kEpilogue[] = R"(Exit status:
  0 ok   1 failed   2 usage   10 out of space   69 unavailable   75 try again   78 configuration
  (`tidemark health` has those of grpc_health_probe: 0 to 4)
)";

}  // namespace

int RunTidemark(const std::vector<std::string>& arguments, const Streams& streams) {
  Invocation invocation(streams.in, streams.out, streams.err);
  invocation.output.colors = streams.colors;
  CommandTree tree("tidemark", kSummary, kEpilogue);
  Command root = tree.root();
  root.Example("tidemark status", "one screen: SC, SPUs, volumes, partitions")
      .Example("tidemark topic create orders --partitions 4", "")
      .Example("echo hello | tidemark produce orders", "")
      .Example("tidemark consume orders", "")
      .Example("tidemark volume explain", "why is it not Online, and what to do");
  root.Option("--sc", invocation.sc, "HOST:PORT", "the SC to ask").Env("TIDEMARK_SC");
  root.Option("--spu", invocation.spu, "HOST:PORT", "ask this SPU itself, not through the SC");
  root.Choice("-o,--output", invocation.format, {"table", "json"}, "form of the results");
  root.Option("--timeout", invocation.timeout, "how long to wait for an answer");
  AddTopicCommands(root, invocation);
  AddPartitionCommands(root, invocation);
  AddSpuCommands(root, invocation);
  AddVolumeCommands(root, invocation);
  AddProduceCommand(root, invocation);
  AddConsumeCommand(root, invocation);
  AddTrimCommand(root, invocation);
  AddStatusCommand(root, invocation);
  AddEventsCommand(root, invocation);
  AddWatchCommand(root, invocation);
  AddHealthCommand(root, invocation);

  const ParseResult parsed = tree.Parse(arguments);
  if (parsed.exit_code) {
    if (parsed.is_error) {
      streams.err << parsed.text << '\n';
    } else {
      streams.out << parsed.text;
    }
    return *parsed.exit_code;
  }
  for (const auto& [flag, text] : {std::pair("--sc", invocation.sc), {"--spu", invocation.spu}}) {
    if (text.empty()) continue;
    // gRPC would take the lower 16 bits of the port, and ask somebody else.
    const auto endpoint = daemon::Endpoint::Parse(text);
    if (endpoint.ok()) continue;
    streams.err << flag << ": " << endpoint.status().message() << '\n';
    return static_cast<int>(ExitCode::kUsage);
  }
  invocation.output.format = invocation.format == "json" ? Format::kJson : Format::kTable;
  return tree.Run();
}

}  // namespace tidemark::cli
