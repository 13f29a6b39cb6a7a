// The keys a daemon's configuration knows, each bound to a field of its options struct.
//
//   SpuOptions options;
//   ConfigSchema schema;
//   schema.Text("listen.grpc", "127.0.0.1:7201", "Where producers and consumers connect.",
//               &options.grpc_listen);
//   schema.Bytes("limits.batch", "1MiB", "Largest batch.", &options.batch_bytes);
//   schema.TableArray("volume", "path", "A directory to keep partitions in.",
//                     [&options](ConfigSchema& row) {
//                       VolumeOptions& volume = options.volumes.emplace_back();
//                       row.Text("path", std::nullopt, "Directory.", &volume.path);
//                     });
//
// The default is text, parsed like everything else, and shown by --print-config. No default
// (nullopt) means the key must be given; an empty default on an optional field leaves it empty.
//
// Lifetime:  the bound fields outlive the schema, and do not move while it is loaded.
// Threading: none.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/byte_size.h"
#include "base/clock.h"

namespace tidemark::daemon {

// What a TOML file may hold for a key.
enum class ConfigType : std::uint8_t {
  kText,
  kInteger,
  kBool,
  kBytes,
  kSize,
  kDuration,
  kTextList
};

std::string_view ConfigTypeName(ConfigType type);  // "a duration such as \"30s\""

struct ConfigKey {
  std::string name;  // dotted: "limits.batch"
  ConfigType type;
  std::optional<std::string> default_text;
  std::string description;
  std::function<absl::Status(std::string_view)> set;
};

class ConfigSchema;

struct ConfigTableArray {
  std::string name;     // "volume" for [[volume]]
  std::string primary;  // the key a flag `--volume VALUE` gives
  std::string description;
  std::function<void(ConfigSchema&)> bind_row;  // called once per row, loaded before the next
};

class ConfigSchema {
 public:
  using Default = std::optional<std::string>;

  void Text(std::string name, Default text, std::string description, std::string* field);
  // A text that `parse` (string_view → StatusOr<T>) understands: an endpoint, a level.
  template <typename T, typename Parse>
  void Parsed(std::string name, Default text, std::string description, Parse parse, T* field) {
    AddParsed(std::move(name), ConfigType::kText, std::move(text), std::move(description),
              std::move(parse), field);
  }
  // One of `choices`.
  void Choice(std::string name, Default text, std::string description,
              std::vector<std::string> choices, std::string* field);
  void Integer(std::string name, Default text, std::string description, std::int64_t lowest,
               std::int64_t highest, std::int64_t* field);
  void Bool(std::string name, Default text, std::string description, bool* field);
  void Bytes(std::string name, Default text, std::string description, std::int64_t* field);
  void Size(std::string name, Default text, std::string description, base::SizeSpec* field);
  void Size(std::string name, Default text, std::string description,
            std::optional<base::SizeSpec>* field);
  void Duration(std::string name, Default text, std::string description, base::Duration* field);
  // Comma-separated in flags and environment, an array of strings in the file.
  void TextList(std::string name, Default text, std::string description,
                std::vector<std::string>* field);
  void TableArray(std::string name, std::string primary, std::string description,
                  std::function<void(ConfigSchema&)> bind_row);

  const std::vector<ConfigKey>& keys() const { return keys_; }
  const std::vector<ConfigTableArray>& table_arrays() const { return table_arrays_; }
  // Every name that may stand in the file, for "did you mean".
  std::vector<std::string> Names() const;

 private:
  void Add(std::string name, ConfigType type, Default text, std::string description,
           std::function<absl::Status(std::string_view)> set);

  template <typename T, typename Parse>
  void AddParsed(std::string name, ConfigType type, Default text, std::string description,
                 Parse parse, T* field) {
    Add(std::move(name), type, std::move(text), std::move(description),
        [field, parse = std::move(parse)](std::string_view value) -> absl::Status {
          absl::StatusOr<T> parsed = parse(value);
          if (parsed.ok()) *field = std::move(*parsed);
          return parsed.status();
        });
  }

  std::vector<ConfigKey> keys_;
  std::vector<ConfigTableArray> table_arrays_;
};

}  // namespace tidemark::daemon
