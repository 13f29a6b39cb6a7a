// Where results and messages go: data on stdout as a table or JSON, everything else on stderr.
//
// Lifetime:  refers to the streams given, which outlive it.
// Threading: confined.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace google::protobuf {
class Message;
}

namespace tidemark::cli {

class Table;

enum class Format : std::uint8_t { kTable, kJson };

class Output {
 public:
  Output(std::ostream& out, std::ostream& err) : out_(out), err_(err) {}

  Format format = Format::kTable;
  bool colors = false;

  bool json() const { return format == Format::kJson; }
  // The message as JSON, with the field names of the .proto and with default values, so that a
  // script finds every field. One line in streams, indented otherwise.
  absl::Status PrintJson(const google::protobuf::Message& message);
  absl::Status PrintJsonLine(const google::protobuf::Message& message);
  void Print(const Table& table);
  void Print(std::string_view text);
  // For a person: never mixed with the data.
  void Note(std::string_view text);
  void Error(std::string_view text);
  void Flush();

  std::ostream& out() { return out_; }
  std::ostream& err() { return err_; }

 private:
  absl::Status Write(const google::protobuf::Message& message, bool indented);

  std::ostream& out_;
  std::ostream& err_;
};

}  // namespace tidemark::cli
