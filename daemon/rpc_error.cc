#include "daemon/rpc_error.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <google/protobuf/wire_format_lite.h>

#include <cstdint>

#include "absl/strings/cord.h"
#include "absl/strings/str_format.h"

namespace tidemark::daemon {
namespace {

using google::protobuf::internal::WireFormatLite;
using google::protobuf::io::CodedInputStream;
using google::protobuf::io::CodedOutputStream;

// google.rpc.Status {int32 code = 1; string message = 2; repeated google.protobuf.Any details = 3;}
// google.protobuf.Any {string type_url = 1; bytes value = 2;}
constexpr int kStatusCode = 1;
constexpr int kStatusMessage = 2;
constexpr int kStatusDetails = 3;
constexpr int kAnyTypeUrl = 1;
constexpr int kAnyValue = 2;

constexpr std::string_view kTypePrefix = "type.googleapis.com/";

std::string TypeUrl(std::string_view type_name) {
  return absl::StrFormat("%s%s", kTypePrefix, type_name);
}

void WriteBytes(int field, const std::string& bytes, CodedOutputStream& out) {
  out.WriteTag(WireFormatLite::MakeTag(field, WireFormatLite::WIRETYPE_LENGTH_DELIMITED));
  out.WriteVarint32(static_cast<std::uint32_t>(bytes.size()));
  out.WriteString(bytes);
}

template <typename Write>
std::string Encode(Write write) {
  std::string bytes;
  google::protobuf::io::StringOutputStream stream(&bytes);
  CodedOutputStream out(&stream);
  write(out);
  out.Trim();
  return bytes;
}

std::string EncodeAny(const std::string& type_url, const std::string& value) {
  return Encode([&](CodedOutputStream& out) {
    WriteBytes(kAnyTypeUrl, type_url, out);
    WriteBytes(kAnyValue, value, out);
  });
}

// Calls `on_bytes(field, bytes)` for every length-delimited field. False if `text` is malformed.
template <typename OnBytes>
bool Decode(const std::string& text, OnBytes on_bytes) {
  CodedInputStream in(reinterpret_cast<const std::uint8_t*>(text.data()),
                      static_cast<int>(text.size()));
  while (const std::uint32_t tag = in.ReadTag()) {
    if (WireFormatLite::GetTagWireType(tag) != WireFormatLite::WIRETYPE_LENGTH_DELIMITED) {
      if (!WireFormatLite::SkipField(&in, tag)) return false;
      continue;
    }
    std::uint32_t length = 0;
    std::string bytes;
    if (!in.ReadVarint32(&length) || length > text.size() ||
        !in.ReadString(&bytes, static_cast<int>(length))) {
      return false;
    }
    on_bytes(WireFormatLite::GetTagFieldNumber(tag), std::move(bytes));
  }
  return in.ConsumedEntireMessage();
}

void DecodeAnyInto(const std::string& any, absl::Status& status) {
  std::string type_url;
  std::string value;
  const bool good = Decode(any, [&](int field, std::string bytes) {
    if (field == kAnyTypeUrl)
      type_url = std::move(bytes);
    else if (field == kAnyValue)
      value = std::move(bytes);
  });
  if (good && type_url.starts_with(kTypePrefix)) status.SetPayload(type_url, absl::Cord(value));
}

}  // namespace

void AttachDetail(absl::Status& status, std::string_view type_name, std::string_view bytes) {
  status.SetPayload(TypeUrl(type_name), absl::Cord(std::string(bytes)));
}

std::optional<std::string> DetailOf(const absl::Status& status, std::string_view type_name) {
  const auto payload = status.GetPayload(TypeUrl(type_name));
  if (!payload.has_value()) return std::nullopt;
  return std::string(*payload);
}

grpc::Status ToGrpc(const absl::Status& status) {
  if (status.ok()) return grpc::Status::OK;
  const std::string message(status.message());
  std::string details;
  // Other payloads (the errno of base/errno_status.h) are for this process only.
  status.ForEachPayload([&](absl::string_view type_url, const absl::Cord& value) {
    const std::string url(type_url);
    if (!url.starts_with(kTypePrefix)) return;
    details += Encode([&](CodedOutputStream& out) {
      WriteBytes(kStatusDetails, EncodeAny(url, std::string(value)), out);
    });
  });
  const auto code = static_cast<grpc::StatusCode>(status.code());
  if (details.empty()) return grpc::Status(code, message);
  const std::string head = Encode([&](CodedOutputStream& out) {
    out.WriteTag(WireFormatLite::MakeTag(kStatusCode, WireFormatLite::WIRETYPE_VARINT));
    out.WriteVarint32(static_cast<std::uint32_t>(code));
    WriteBytes(kStatusMessage, message, out);
  });
  return grpc::Status(code, message, head + details);
}

absl::Status FromGrpc(const grpc::Status& status) {
  if (status.ok()) return absl::OkStatus();
  absl::Status result(static_cast<absl::StatusCode>(status.error_code()), status.error_message());
  Decode(status.error_details(), [&](int field, const std::string& bytes) {
    if (field == kStatusDetails) DecodeAnyInto(bytes, result);
  });
  return result;
}

}  // namespace tidemark::daemon
