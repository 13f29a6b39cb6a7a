#include "cli/client/rpc_status.h"

#include <grpcpp/client_context.h>
#include <grpcpp/support/status.h>

#include <string_view>

#include "absl/strings/str_format.h"
#include "base/byte_size.h"
#include "daemon/rpc_error.h"

namespace tidemark::client {
namespace {

using tidemark::log::v1::Refusal;

constexpr std::string_view kRefusalType = "tidemark.log.v1.Refusal";
constexpr std::string_view kStoreProblemType = "tidemark.sc.v1.StoreProblem";
constexpr char kRefusalTrailer[] = "tidemark-refusal-bin";

absl::Status WithRefusal(absl::Status status, const Refusal& refusal) {
  daemon::AttachDetail(status, kRefusalType, refusal.SerializeAsString());
  return status;
}

}  // namespace

absl::Status StatusOf(const grpc::Status& status, const grpc::ClientContext& context,
                      const Peer& peer) {
  if (status.ok()) return absl::OkStatus();
  const absl::Status told = daemon::FromGrpc(status);
  if (RefusalOf(told)) return told;
  const auto& trailers = context.GetServerTrailingMetadata();
  if (const auto found = trailers.find(kRefusalTrailer); found != trailers.end()) {
    Refusal refusal;
    if (refusal.ParseFromArray(found->second.data(), static_cast<int>(found->second.size()))) {
      return WithRefusal(told, refusal);
    }
  }
  if (daemon::DetailOf(told, kStoreProblemType)) {
    // It was reached, and it answered: nothing about connections helps here.
    return absl::Status(told.code(), absl::StrFormat("%s at %s answers: %s (its own disk: see "
                                                     "`tidemark status`)",
                                                     peer.name, peer.endpoint, told.message()));
  }
  if (absl::IsUnavailable(told)) {
    return absl::UnavailableError(absl::StrFormat("cannot reach %s at %s (%s): %s", peer.name,
                                                  peer.endpoint, peer.advice,
                                                  status.error_message()));
  }
  if (absl::IsDeadlineExceeded(told)) {
    return absl::DeadlineExceededError(absl::StrFormat("%s at %s did not answer in time (%s)",
                                                       peer.name, peer.endpoint, peer.advice));
  }
  if (absl::IsUnimplemented(told)) {
    return absl::UnimplementedError(absl::StrFormat(
        "%s at %s does not know this request: is it an older Tidemark, or another program?",
        peer.name, peer.endpoint));
  }
  return told;
}

absl::Status StatusOf(const Refusal& refusal) {
  auto code = static_cast<absl::StatusCode>(refusal.grpc_code());
  if (code == absl::StatusCode::kOk) code = absl::StatusCode::kUnavailable;
  return WithRefusal(absl::Status(code, DescribeRefusal(refusal)), refusal);
}

std::optional<Refusal> RefusalOf(const absl::Status& status) {
  const auto detail = daemon::DetailOf(status, kRefusalType);
  Refusal refusal;
  if (!detail || !refusal.ParseFromString(*detail)) return std::nullopt;
  return refusal;
}

std::string DescribeRefusal(const Refusal& refusal) {
  if (!refusal.message().empty()) return refusal.message();
  std::string text = tidemark::log::v1::RefusalReason_Name(refusal.reason());
  if (refusal.full_bytes() > 0) {
    text += absl::StrFormat(": %s available on %s, full mark %s, resume mark %s",
                            base::FormatByteSize(refusal.available_bytes()), refusal.volume_path(),
                            base::FormatByteSize(refusal.full_bytes()),
                            base::FormatByteSize(refusal.resume_bytes()));
  }
  return text;
}

}  // namespace tidemark::client
