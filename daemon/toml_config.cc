#include "daemon/toml_config.h"

#include <fcntl.h>
#include <toml++/toml.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <map>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_format.h"
#include "base/errno_status.h"
#include "base/status_macros.h"
#include "daemon/loop/unique_fd.h"
#include "daemon/nearest_name.h"

namespace tidemark::daemon {
namespace {

struct Setting {
  std::string text;
  std::string origin;
};
using Settings = std::map<std::string, Setting>;

// Everything that is wrong, in the order it was found.
class Problems {
 public:
  void Add(std::string_view origin, std::string_view problem) {
    lines_ += absl::StrFormat("%s%s: %s", lines_.empty() ? "" : "\n", origin, problem);
  }
  absl::Status ToStatus() const {
    return lines_.empty() ? absl::OkStatus() : absl::InvalidArgumentError(lines_);
  }

 private:
  std::string lines_;
};

std::string UnknownName(std::string_view name, const ConfigSchema& schema) {
  const std::vector<std::string> names = schema.Names();
  const auto nearest = NearestName(name, names);
  return nearest.has_value()
             ? absl::StrFormat("unknown key '%s' (did you mean '%s'?)", name, *nearest)
             : absl::StrFormat("unknown key '%s'", name);
}

// Reads one parsed file (or one row of it) into texts, checking names and types on the way.
class TomlReader {
 public:
  TomlReader(const ConfigSchema& schema, std::string_view file, Problems& problems)
      : schema_(schema), file_(file), problems_(problems) {}

  void Read(const toml::table& table) { Read(table, ""); }

  const Settings& settings() const { return settings_; }
  const std::map<std::string, const toml::array*>& arrays() const { return arrays_; }

  std::string Where(const toml::source_region& source) const {
    return absl::StrFormat("%s:%d:%d", file_, source.begin.line, source.begin.column);
  }

 private:
  void Read(const toml::table& table, const std::string& prefix) {
    for (const auto& [key, node] : table) {
      const std::string name = prefix + std::string(key.str());
      if (ReadArray(name, node, key.source())) continue;
      const ConfigKey* const known = Find(name);
      if (known != nullptr) {
        ReadValue(*known, node, key.source());
      } else if (node.is_table() && IsGroup(name)) {
        Read(*node.as_table(), name + ".");
      } else {
        problems_.Add(Where(key.source()), UnknownName(name, schema_));
      }
    }
  }

  bool ReadArray(const std::string& name, const toml::node& node,
                 const toml::source_region& source) {
    const auto& known = schema_.table_arrays();
    if (std::ranges::find(known, name, &ConfigTableArray::name) == known.end()) return false;
    if (node.is_array_of_tables()) {
      arrays_[name] = node.as_array();
    } else {
      problems_.Add(Where(source), absl::StrFormat("'%s' is written as [[%s]]", name, name));
    }
    return true;
  }

  void ReadValue(const ConfigKey& key, const toml::node& node, const toml::source_region& source) {
    const std::optional<std::string> text = TextOf(key.type, node);
    if (text.has_value()) {
      settings_[key.name] = Setting{.text = *text, .origin = Where(source)};
    } else {
      problems_.Add(Where(source),
                    absl::StrFormat("'%s' must be %s", key.name, ConfigTypeName(key.type)));
    }
  }

  const ConfigKey* Find(const std::string& name) const {
    const auto found = std::ranges::find(schema_.keys(), name, &ConfigKey::name);
    return found == schema_.keys().end() ? nullptr : &*found;
  }

  bool IsGroup(const std::string& name) const {
    return std::ranges::any_of(schema_.keys(), [prefix = name + "."](const ConfigKey& key) {
      return key.name.starts_with(prefix);
    });
  }

  // nullopt: not a value of this type.
  static std::optional<std::string> TextOf(ConfigType type, const toml::node& node) {
    auto text = node.value_exact<std::string>();
    const auto integer = node.value_exact<std::int64_t>();
    const auto flag = node.value_exact<bool>();
    switch (type) {
      case ConfigType::kText:
      case ConfigType::kDuration:
        return text;
      case ConfigType::kInteger:
        return integer ? std::optional(std::to_string(*integer)) : std::nullopt;
      case ConfigType::kBool:
        return flag ? std::optional<std::string>(*flag ? "true" : "false") : std::nullopt;
      case ConfigType::kBytes:
      case ConfigType::kSize:
        return integer ? std::optional(std::to_string(*integer)) : text;
      case ConfigType::kTextList:
        return ListOf(node.as_array());
    }
    return std::nullopt;
  }

  static std::optional<std::string> ListOf(const toml::array* items) {
    if (items == nullptr) return std::nullopt;
    std::string list;
    for (const toml::node& item : *items) {
      const auto text = item.value_exact<std::string>();
      if (!text.has_value() || text->find(',') != std::string::npos) return std::nullopt;
      list += (list.empty() ? "" : ",") + *text;
    }
    return list;
  }

  const ConfigSchema& schema_;
  const std::string_view file_;
  Problems& problems_;
  Settings settings_;
  std::map<std::string, const toml::array*> arrays_;
};

class Loader {
 public:
  Loader(const ConfigSchema& schema, const ConfigSources& sources)
      : schema_(schema), sources_(sources) {}

  absl::StatusOr<std::vector<ConfigValue>> Load(const toml::table& table) {
    TomlReader reader(schema_, FileName(), problems_);
    reader.Read(table);
    CheckFlagNames();
    Apply(schema_, "", [&](const ConfigKey& key) { return Decide(key, reader.settings()); });
    for (const ConfigTableArray& array : schema_.table_arrays()) LoadRows(array, reader);
    TM_RETURN_IF_ERROR(problems_.ToStatus());
    return std::move(values_);
  }

 private:
  using Decision = std::function<std::optional<Setting>(const ConfigKey&)>;

  std::string_view FileName() const {
    return sources_.file.has_value() ? std::string_view(*sources_.file) : "configuration";
  }

  void CheckFlagNames() {
    const std::vector<std::string> names = schema_.Names();
    for (const auto& [name, text] : sources_.flags) {
      if (std::ranges::find(names, name) == names.end()) {
        problems_.Add("flag", UnknownName(name, schema_));
      }
    }
  }

  std::vector<std::string> FlagsOf(const std::string& name) const {
    std::vector<std::string> texts;
    for (const auto& [flag, text] : sources_.flags) {
      if (flag == name) texts.push_back(text);
    }
    return texts;
  }

  std::optional<Setting> FromEnvironment(const std::string& name) const {
    const std::string variable = EnvironmentName(name);
    const char* const text = sources_.environment ? sources_.environment(variable.c_str())
                                                  : std::getenv(variable.c_str());
    if (text == nullptr) return std::nullopt;
    return Setting{.text = text, .origin = variable};
  }

  // Flag > environment > file > default.
  std::optional<Setting> Decide(const ConfigKey& key, const Settings& file) const {
    if (const auto flags = FlagsOf(key.name); !flags.empty()) {
      return Setting{.text = flags.back(), .origin = "flag"};
    }
    if (auto setting = FromEnvironment(key.name)) return setting;
    return FileOrDefault(key, file);
  }

  static std::optional<Setting> FileOrDefault(const ConfigKey& key, const Settings& file) {
    if (const auto found = file.find(key.name); found != file.end()) return found->second;
    if (!key.default_text.has_value()) return std::nullopt;
    return Setting{.text = *key.default_text, .origin = "default"};
  }

  // Sets every key of `schema`, collecting what is wrong.
  void Apply(const ConfigSchema& schema, const std::string& prefix, const Decision& decide) {
    for (const ConfigKey& key : schema.keys()) {
      const std::string name = prefix + key.name;
      const std::optional<Setting> setting = decide(key);
      if (!setting.has_value()) {
        problems_.Add(FileName(), absl::StrFormat("'%s' is missing: %s", name, key.description));
        continue;
      }
      if (const absl::Status set = key.set(setting->text); !set.ok()) {
        problems_.Add(setting->origin, absl::StrFormat("'%s': %s", name, set.message()));
      }
      values_.push_back({.name = name, .text = setting->text, .origin = setting->origin});
    }
  }

  // Rows come from one source as a whole: flags, else the environment, else the file.
  void LoadRows(const ConfigTableArray& array, const TomlReader& reader) {
    std::vector<Setting> given;
    for (const std::string& text : FlagsOf(array.name)) given.push_back({text, "flag"});
    if (const auto setting = FromEnvironment(array.name); given.empty() && setting.has_value()) {
      std::string_view rest = setting->text;
      while (!rest.empty()) {
        const std::size_t comma = std::min(rest.find(','), rest.size());
        given.push_back({std::string(rest.substr(0, comma)), setting->origin});
        rest.remove_prefix(std::min(comma + 1, rest.size()));
      }
    }
    if (!given.empty()) {
      for (const Setting& setting : given) LoadRow(array, {{array.primary, setting}});
      return;
    }
    const auto found = reader.arrays().find(array.name);
    if (found == reader.arrays().end()) return;
    for (const toml::node& row : *found->second) {
      ConfigSchema schema;
      array.bind_row(schema);
      TomlReader row_reader(schema, FileName(), problems_);
      row_reader.Read(*row.as_table());
      ApplyRow(array, schema, row_reader.settings());
    }
  }

  void LoadRow(const ConfigTableArray& array, const Settings& settings) {
    ConfigSchema schema;
    array.bind_row(schema);
    ApplyRow(array, schema, settings);
  }

  void ApplyRow(const ConfigTableArray& array, const ConfigSchema& schema,
                const Settings& settings) {
    const std::string prefix = absl::StrFormat("%s[%d].", array.name, rows_[array.name]++);
    Apply(schema, prefix, [&](const ConfigKey& key) { return FileOrDefault(key, settings); });
  }

  const ConfigSchema& schema_;
  const ConfigSources& sources_;
  Problems problems_;
  std::vector<ConfigValue> values_;
  std::map<std::string, int> rows_;
};

absl::StatusOr<std::string> ReadFile(const std::string& path) {
  constexpr std::size_t kLargest = 1024 * 1024;
  const std::string what = absl::StrFormat("read configuration '%s'", path);
  const UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) return base::ErrnoStatus(errno, what);
  std::string text;
  std::array<char, 4096> chunk{};
  for (;;) {
    const ssize_t got = read(fd.get(), chunk.data(), chunk.size());
    if (got < 0) return base::ErrnoStatus(errno, what);
    if (got == 0) return text;
    text.append(chunk.data(), static_cast<std::size_t>(got));
    if (text.size() > kLargest) {
      return absl::InvalidArgumentError(absl::StrFormat("%s: larger than 1 MiB", what));
    }
  }
}

}  // namespace

absl::StatusOr<std::vector<ConfigValue>> LoadConfigText(const ConfigSchema& schema,
                                                        const ConfigSources& sources,
                                                        std::string_view toml) {
  try {
    return Loader(schema, sources).Load(toml::parse(toml));
  } catch (const toml::parse_error& error) {
    return absl::InvalidArgumentError(absl::StrFormat(
        "%s:%d:%d: %s", sources.file.value_or("configuration"), error.source().begin.line,
        error.source().begin.column, std::string(error.description())));
  }
}

absl::StatusOr<std::vector<ConfigValue>> LoadConfig(const ConfigSchema& schema,
                                                    const ConfigSources& sources) {
  std::string text;
  if (sources.file.has_value()) {
    TM_ASSIGN_OR_RETURN(text, ReadFile(*sources.file));
  }
  return LoadConfigText(schema, sources, text);
}

std::string EnvironmentName(std::string_view key) {
  std::string name = "TIDEMARK_";
  for (const char c : key) {
    const bool lower = c >= 'a' && c <= 'z';
    name += lower ? static_cast<char>(c - 'a' + 'A') : c == '.' || c == '-' ? '_' : c;
  }
  return name;
}

std::string FormatConfig(const std::vector<ConfigValue>& values) {
  std::size_t name_width = 0;
  std::size_t text_width = 0;
  for (const ConfigValue& value : values) {
    name_width = std::max(name_width, value.name.size());
    text_width = std::max(text_width, value.text.size());
  }
  std::string lines;
  for (const ConfigValue& value : values) {
    lines += absl::StrFormat("%-*s = %-*s  # %s\n", static_cast<int>(name_width), value.name,
                             static_cast<int>(text_width), value.text, value.origin);
  }
  return lines;
}

}  // namespace tidemark::daemon
