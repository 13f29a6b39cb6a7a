// A command of the tree: its words, options, help and what it does.
//
// A thin face on CLI11, whose header takes eight seconds to compile: only command.cc includes it.
//
//   struct Options { std::string topic; std::int64_t partitions = 1; };
//   auto options = std::make_shared<Options>();
//   parent.Sub("create", "Create a topic")
//       .Example("tidemark topic create orders --partitions 4", "four partitions")
//       .Positional("TOPIC", options->topic, "name")
//       .Option("--partitions", options->partitions, "N", "how many")
//       .Runs([options] { return Create(*options); });
//
// Lifetime:  a Command refers to its CommandTree; the variables outlive Parse and Run.
// Threading: confined.
// Errors:    CommandTree::Parse says what to print and with which exit code.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"

namespace CLI {
class App;
}

namespace tidemark::cli {

// What a whole number may be. Every option says so: a number that does not fit where it goes must
// not become another one.
struct Limits {
  std::int64_t least = 0;
  std::int64_t most = std::numeric_limits<std::int64_t>::max();
};
// Of what travels as an int32.
inline constexpr Limits kIndexLimits{0, std::numeric_limits<std::int32_t>::max()};

// Bytes or a duration as a person writes them: "64MiB", "30s". At least 1 byte or 1 ms, the least
// the protocol knows: 0 would mean "no limit" there, the opposite of what was typed.
struct ByteSize {
  std::int64_t bytes = 0;
};
struct TimeSpan {
  base::Duration duration{0};
};

class Command {
 public:
  Command Sub(const std::string& name, const std::string& summary);

  // Shown first in --help.
  Command& Example(const std::string& line, const std::string& what);

  Command& Positional(const std::string& name, std::string& value, const std::string& help);
  Command& OptionalPositional(const std::string& name, std::string& value, const std::string& help);

  Command& Flag(const std::string& name, bool& value, const std::string& help);
  Command& Option(const std::string& name, std::string& value, const std::string& type,
                  const std::string& help);
  Command& Option(const std::string& name, std::optional<std::string>& value,
                  const std::string& type, const std::string& help);
  Command& Option(const std::string& name, std::int64_t& value, Limits limits,
                  const std::string& type, const std::string& help);
  Command& Option(const std::string& name, std::optional<std::int64_t>& value, Limits limits,
                  const std::string& type, const std::string& help);
  Command& Option(const std::string& name, ByteSize& value, const std::string& help);
  Command& Option(const std::string& name, TimeSpan& value, const std::string& help);
  // One of `choices`.
  Command& Choice(const std::string& name, std::string& value,
                  const std::vector<std::string>& choices, const std::string& help);
  // The option named last: also from the environment; or must be given; or not with another.
  Command& Env(const std::string& variable);
  Command& Required();
  Command& Excludes(const std::string& other);

  // What to do; the result is the exit status of the program.
  Command& Runs(std::function<int()> action);

 private:
  friend class CommandTree;
  struct Node;
  Command(CLI::App* app, std::shared_ptr<std::function<int()>> chosen)
      : app_(app), chosen_(std::move(chosen)) {}

  CLI::App* app_;
  std::shared_ptr<std::function<int()>> chosen_;
  std::string last_option_;
};

struct ParseResult {
  std::optional<int> exit_code;  // nothing to run: print and leave
  std::string text;              // help or the error
  bool is_error = false;
};

class CommandTree {
 public:
  CommandTree(const std::string& name, const std::string& summary, const std::string& epilogue);
  ~CommandTree();

  Command root();
  ParseResult Parse(const std::vector<std::string>& arguments);
  // Runs what Parse chose.
  int Run();

 private:
  std::unique_ptr<CLI::App> app_;
  std::shared_ptr<std::function<int()>> chosen_;
};

}  // namespace tidemark::cli
