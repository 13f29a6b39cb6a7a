// Loads a configuration: flag > environment (TIDEMARK_…) > file > default.
//
// All or nothing, and everything wrong at once: the error lists each problem on a line of its own,
// `spu.toml:3:1: unknown key 'reserv' (did you mean 'reserve'?)`. A caller that reloads binds a
// schema to a new options struct and swaps it in only if Load succeeds.
//
// Errors: kInvalidArgument with every problem; kNotFound and friends if the file cannot be read.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "daemon/config_schema.h"

namespace tidemark::daemon {

struct ConfigSources {
  std::optional<std::string> file;  // path
  // Returns null where unset. Default: getenv.
  std::function<const char*(const char*)> environment;
  // {dotted name, text}, in the order given. A table array's name, repeated, replaces its rows.
  std::vector<std::pair<std::string, std::string>> flags;
};

// One value as it was decided, for --print-config.
struct ConfigValue {
  std::string name;  // "volume[0].path" for rows
  std::string text;
  std::string origin;  // "flag", "TIDEMARK_LISTEN_GRPC", "spu.toml:3:1", "default"
};

absl::StatusOr<std::vector<ConfigValue>> LoadConfig(const ConfigSchema& schema,
                                                    const ConfigSources& sources);
// The same with the file's text at hand (tests, fuzzing); `file` is only its name.
absl::StatusOr<std::vector<ConfigValue>> LoadConfigText(const ConfigSchema& schema,
                                                        const ConfigSources& sources,
                                                        std::string_view toml);

// "limits.batch" → "TIDEMARK_LIMITS_BATCH".
std::string EnvironmentName(std::string_view key);
// One aligned line per value: name = text   # origin
std::string FormatConfig(const std::vector<ConfigValue>& values);

}  // namespace tidemark::daemon
