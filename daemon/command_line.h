// The command line both daemons share: --config, --print-config, --ports-file, --version, --help,
// and every key of the schema as a flag (`limits.batch` is --limits-batch VALUE).
//
// Errors: a usage error is printed with its reason, exit code 2.
#pragma once

#include <optional>
#include <string>
#include <variant>

#include "daemon/config_schema.h"
#include "daemon/toml_config.h"

namespace tidemark::daemon {

inline constexpr int kExitUsage = 2;
inline constexpr int kExitUnavailable = 69;
inline constexpr int kExitConfiguration = 78;

struct ProgramName {
  std::string name;     // "tidemark-spu"
  std::string summary;  // first line of --help
  std::string version;
};

struct CommandLine {
  ConfigSources sources;
  bool print_config = false;
  std::optional<std::string> ports_file;
};

struct ExitCode {
  int value;
};

// ExitCode: --help, --version or a usage error was answered already.
std::variant<CommandLine, ExitCode> ParseCommandLine(const ProgramName& program,
                                                     const ConfigSchema& schema, int argc,
                                                     const char* const* argv);

// The whole start of a daemon: ParseCommandLine(), then LoadConfig() into the fields `schema` is
// bound to, then --print-config. Problems are printed, exit code 78.
std::variant<CommandLine, ExitCode> Configure(const ProgramName& program,
                                              const ConfigSchema& schema, int argc,
                                              const char* const* argv);

}  // namespace tidemark::daemon
