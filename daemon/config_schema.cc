#include "daemon/config_schema.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "absl/strings/str_format.h"
#include "base/status_macros.h"
#include "daemon/nearest_name.h"

namespace tidemark::daemon {
namespace {

absl::StatusOr<std::int64_t> ParseInteger(std::string_view text, std::int64_t lowest,
                                          std::int64_t highest) {
  std::int64_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || stop != end) {
    return absl::InvalidArgumentError(absl::StrFormat("'%s' is no whole number", text));
  }
  if (value < lowest || value > highest) {
    return absl::InvalidArgumentError(
        absl::StrFormat("%d is not between %d and %d", value, lowest, highest));
  }
  return value;
}

absl::StatusOr<bool> ParseBool(std::string_view text) {
  if (text == "true") return true;
  if (text == "false") return false;
  return absl::InvalidArgumentError(absl::StrFormat("'%s' is neither true nor false", text));
}

absl::StatusOr<std::string> ParseChoice(std::string_view text,
                                        const std::vector<std::string>& choices) {
  if (std::ranges::find(choices, text) != choices.end()) return std::string(text);
  std::string listed;
  for (const std::string& choice : choices) {
    listed += absl::StrFormat("%s'%s'", listed.empty() ? "" : ", ", choice);
  }
  return absl::InvalidArgumentError(absl::StrFormat("'%s' is none of %s", text, listed));
}

absl::StatusOr<std::vector<std::string>> ParseList(std::string_view text) {
  std::vector<std::string> items;
  while (!text.empty()) {
    const std::size_t comma = std::min(text.find(','), text.size());
    if (comma == 0) return absl::InvalidArgumentError("an item of the list is empty");
    items.emplace_back(text.substr(0, comma));
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return items;
}

}  // namespace

std::string_view ConfigTypeName(ConfigType type) {
  switch (type) {
    case ConfigType::kText:
      return "a text in quotes";
    case ConfigType::kInteger:
      return "a whole number";
    case ConfigType::kBool:
      return "true or false";
    case ConfigType::kBytes:
      return "a size such as \"5GiB\"";
    case ConfigType::kSize:
      return "a size such as \"5GiB\" or \"10%\"";
    case ConfigType::kDuration:
      return "a duration such as \"30s\"";
    case ConfigType::kTextList:
      return "a list of texts such as [\"a\", \"b\"]";
  }
  return "?";
}

void ConfigSchema::Add(std::string name, ConfigType type, Default text, std::string description,
                       std::function<absl::Status(std::string_view)> set) {
  keys_.push_back(ConfigKey{.name = std::move(name),
                            .type = type,
                            .default_text = std::move(text),
                            .description = std::move(description),
                            .set = std::move(set)});
}

void ConfigSchema::Text(std::string name, Default text, std::string description,
                        std::string* field) {
  Add(std::move(name), ConfigType::kText, std::move(text), std::move(description),
      [field](std::string_view value) {
        *field = std::string(value);
        return absl::OkStatus();
      });
}

void ConfigSchema::Choice(std::string name, Default text, std::string description,
                          std::vector<std::string> choices, std::string* field) {
  AddParsed(
      std::move(name), ConfigType::kText, std::move(text), std::move(description),
      [choices = std::move(choices)](std::string_view value) {
        return ParseChoice(value, choices);
      },
      field);
}

void ConfigSchema::Integer(std::string name, Default text, std::string description,
                           std::int64_t lowest, std::int64_t highest, std::int64_t* field) {
  AddParsed(
      std::move(name), ConfigType::kInteger, std::move(text), std::move(description),
      [lowest, highest](std::string_view value) { return ParseInteger(value, lowest, highest); },
      field);
}

void ConfigSchema::Bool(std::string name, Default text, std::string description, bool* field) {
  AddParsed(std::move(name), ConfigType::kBool, std::move(text), std::move(description), ParseBool,
            field);
}

void ConfigSchema::Bytes(std::string name, Default text, std::string description,
                         std::int64_t* field) {
  AddParsed(std::move(name), ConfigType::kBytes, std::move(text), std::move(description),
            base::ParseByteSize, field);
}

void ConfigSchema::Size(std::string name, Default text, std::string description,
                        base::SizeSpec* field) {
  AddParsed(std::move(name), ConfigType::kSize, std::move(text), std::move(description),
            base::ParseSizeSpec, field);
}

void ConfigSchema::Size(std::string name, Default text, std::string description,
                        std::optional<base::SizeSpec>* field) {
  Add(std::move(name), ConfigType::kSize, std::move(text), std::move(description),
      [field](std::string_view value) -> absl::Status {
        field->reset();
        if (value.empty()) return absl::OkStatus();
        TM_ASSIGN_OR_RETURN(*field, base::ParseSizeSpec(value));
        return absl::OkStatus();
      });
}

void ConfigSchema::Duration(std::string name, Default text, std::string description,
                            base::Duration* field) {
  AddParsed(std::move(name), ConfigType::kDuration, std::move(text), std::move(description),
            base::ParseDuration, field);
}

void ConfigSchema::TextList(std::string name, Default text, std::string description,
                            std::vector<std::string>* field) {
  AddParsed(std::move(name), ConfigType::kTextList, std::move(text), std::move(description),
            ParseList, field);
}

void ConfigSchema::TableArray(std::string name, std::string primary, std::string description,
                              std::function<void(ConfigSchema&)> bind_row) {
  table_arrays_.push_back(ConfigTableArray{.name = std::move(name),
                                           .primary = std::move(primary),
                                           .description = std::move(description),
                                           .bind_row = std::move(bind_row)});
}

std::vector<std::string> ConfigSchema::Names() const {
  std::vector<std::string> names;
  for (const ConfigKey& key : keys_) names.push_back(key.name);
  for (const ConfigTableArray& array : table_arrays_) names.push_back(array.name);
  return names;
}

}  // namespace tidemark::daemon
