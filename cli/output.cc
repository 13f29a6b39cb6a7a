#include "cli/output.h"

#include <google/protobuf/util/json_util.h>

#include <ostream>

#include "absl/strings/str_format.h"
#include "cli/color.h"
#include "cli/table.h"

namespace tidemark::cli {

absl::Status Output::Write(const google::protobuf::Message& message, bool indented) {
  google::protobuf::util::JsonPrintOptions options;
  options.add_whitespace = indented;
  options.always_print_primitive_fields = true;
  options.preserve_proto_field_names = true;
  std::string text;
  const auto status = google::protobuf::util::MessageToJsonString(message, &text, options);
  if (!status.ok()) {
    return absl::InternalError(absl::StrFormat("cannot write JSON: %s", status.ToString()));
  }
  out_ << text;
  if (!indented) out_ << '\n';
  out_.flush();
  return absl::OkStatus();
}

absl::Status Output::PrintJson(const google::protobuf::Message& message) {
  return Write(message, true);
}
absl::Status Output::PrintJsonLine(const google::protobuf::Message& message) {
  return Write(message, false);
}
void Output::Print(const Table& table) { out_ << table.ToString(colors); }
void Output::Print(std::string_view text) { out_ << text << '\n'; }
void Output::Note(std::string_view text) { err_ << text << '\n'; }
void Output::Error(std::string_view text) {
  err_ << Painted("error:", Color::kBad, colors) << ' ' << text << '\n';
}
void Output::Flush() { out_.flush(); }

}  // namespace tidemark::cli
