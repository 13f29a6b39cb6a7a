// A process that stands behind the story and cleans up however the story ends.
//
// The story runs in a child, in a temporary directory that the guardian made. Whatever becomes of
// the child (exit, signal, Ctrl-C, kill -9): its daemons die with it, its mounts vanish with its
// mount namespace, loop devices detach with the mounts, and the guardian removes the directory. If
// it is killed itself, a process that waits for that does.
//
// Threading: to be called before the process has threads.
#pragma once

#include <functional>
#include <string>

namespace tidemark::story {

// What the child does; returns its exit code. It calls `stay` when the story is over and it should
// go on until somebody ends it: its caller is let go with the given exit code.
using Play = std::function<int(const std::function<void(int exit_code)>& stay)>;

// With `stay`, guardian and child go on in the background after the child has called it.
int RunGuarded(bool stay, const Play& play);

// Blocks until SIGTERM or SIGINT. For a child that stays.
void WaitToBeEnded();

}  // namespace tidemark::story
