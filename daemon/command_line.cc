#include "daemon/command_line.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <utility>
#include <vector>

#include "absl/strings/str_format.h"

namespace tidemark::daemon {
namespace {

// "limits.batch_bytes" → "--limits-batch-bytes".
std::string FlagName(const std::string& key) {
  std::string name = "--" + key;
  std::ranges::replace(name, '.', '-');
  std::ranges::replace(name, '_', '-');
  return name;
}

std::string Describe(const ConfigKey& key) {
  if (!key.default_text.has_value()) return key.description + " Must be set.";
  if (key.default_text->empty()) return key.description;
  return absl::StrFormat("%s [%s]", key.description, *key.default_text);
}

void AddKey(const std::string& name, const std::string& description, const char* placeholder,
            CLI::App& app, CommandLine& parsed) {
  app.add_option_function<std::vector<std::string>>(
         FlagName(name),
         [&parsed, name](const std::vector<std::string>& texts) {
           for (const std::string& text : texts) parsed.sources.flags.emplace_back(name, text);
         },
         description)
      ->type_name(placeholder)
      ->allow_extra_args(false)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->group("Configuration (flag > TIDEMARK_… > file > default)");
}

}  // namespace

std::variant<CommandLine, ExitCode> ParseCommandLine(const ProgramName& program,
                                                     const ConfigSchema& schema, int argc,
                                                     const char* const* argv) {
  CommandLine parsed;
  CLI::App app(program.summary, program.name);
  app.set_version_flag("--version", program.name + " " + program.version);
  app.add_option("--config", parsed.sources.file, "Configuration file (TOML).")
      ->envname("TIDEMARK_CONFIG")
      ->type_name("FILE");
  app.add_flag("--print-config", parsed.print_config,
               "Print every value and where it came from, then exit.");
  app.add_option("--ports-file", parsed.ports_file,
                 "Write the ports really bound to this file, as JSON.")
      ->type_name("FILE");
  for (const ConfigKey& key : schema.keys()) AddKey(key.name, Describe(key), "VALUE", app, parsed);
  for (const ConfigTableArray& array : schema.table_arrays()) {
    AddKey(array.name, array.description + " May be repeated.", array.primary.c_str(), app, parsed);
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return ExitCode{app.exit(error) == 0 ? 0 : kExitUsage};
  }
  return parsed;
}

std::variant<CommandLine, ExitCode> Configure(const ProgramName& program,
                                              const ConfigSchema& schema, int argc,
                                              const char* const* argv) {
  auto parsed = ParseCommandLine(program, schema, argc, argv);
  const auto* const command_line = std::get_if<CommandLine>(&parsed);
  if (command_line == nullptr) return parsed;
  const auto values = LoadConfig(schema, command_line->sources);
  if (!values.ok()) {
    std::fprintf(stderr, "%s: the configuration is not usable\n%s\n", program.name.c_str(),
                 std::string(values.status().message()).c_str());
    return ExitCode{kExitConfiguration};
  }
  if (command_line->print_config) {
    std::fputs(FormatConfig(*values).c_str(), stdout);
    return ExitCode{0};
  }
  return parsed;
}

}  // namespace tidemark::daemon
