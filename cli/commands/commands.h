// Every noun of the command line. Each adds itself to the tree.
#pragma once

#include "cli/command.h"
#include "cli/invocation.h"

namespace tidemark::cli {

void AddTopicCommands(Command& root, Invocation& invocation);
void AddPartitionCommands(Command& root, Invocation& invocation);
void AddSpuCommands(Command& root, Invocation& invocation);
void AddVolumeCommands(Command& root, Invocation& invocation);
void AddProduceCommand(Command& root, Invocation& invocation);
void AddConsumeCommand(Command& root, Invocation& invocation);
void AddTrimCommand(Command& root, Invocation& invocation);
void AddStatusCommand(Command& root, Invocation& invocation);
void AddEventsCommand(Command& root, Invocation& invocation);
void AddWatchCommand(Command& root, Invocation& invocation);
void AddHealthCommand(Command& root, Invocation& invocation);

}  // namespace tidemark::cli
