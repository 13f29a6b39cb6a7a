// A flat JSON object on one line, for what no .proto message describes: a consumed record, the
// summary of a produce.
//
// Lifetime:  value type. Fields keep the order in which they were added.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace tidemark::cli {

class JsonObject {
 public:
  JsonObject& Add(std::string_view name, std::string_view value);
  JsonObject& Add(std::string_view name, const char* value) {
    return Add(name, std::string_view(value));
  }
  JsonObject& Add(std::string_view name, std::int64_t value);
  JsonObject& Add(std::string_view name, double value);
  JsonObject& Add(std::string_view name, bool value);
  // `json` as it is: an object or array made elsewhere.
  JsonObject& AddJson(std::string_view name, std::string_view json);
  // Bytes: as text where they are UTF-8, else `name`_base64.
  JsonObject& AddBytes(std::string_view name, std::string_view bytes);

  std::string ToString() const { return "{" + fields_ + "}"; }

 private:
  void Name(std::string_view name);
  std::string fields_;
};

}  // namespace tidemark::cli
