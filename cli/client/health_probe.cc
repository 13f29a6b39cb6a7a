#include "cli/client/health_probe.h"

#include <grpcpp/channel.h>

#include "absl/strings/str_format.h"
#include "base/byte_size.h"
#include "cli/client/unary_call.h"
#include "daemon/grpc_channel.h"
#include "grpc/health/v1/health.grpc.pb.h"

namespace tidemark::client {

using grpc::health::v1::Health;
using grpc::health::v1::HealthCheckRequest;
using grpc::health::v1::HealthCheckResponse;

HealthProbe ProbeHealth(const std::string& endpoint, const std::string& service,
                        base::Duration connect_deadline, base::Duration call_deadline) {
  const auto channel = daemon::NewChannel(endpoint);
  const auto until =
      std::chrono::system_clock::now() +
      std::chrono::duration_cast<std::chrono::system_clock::duration>(connect_deadline);
  if (!channel->WaitForConnected(until)) {
    return {HealthAnswer::kNotConnected, absl::StrFormat("cannot connect to %s within %s", endpoint,
                                                         base::FormatDuration(connect_deadline))};
  }
  Health::Stub stub(channel);
  HealthCheckRequest request;
  request.set_service(service);
  grpc::ClientContext context;
  SetDeadline(context, call_deadline);
  HealthCheckResponse response;
  const grpc::Status status = stub.Check(&context, request, &response);
  if (!status.ok()) {
    const bool unknown = status.error_code() == grpc::StatusCode::NOT_FOUND;
    return {HealthAnswer::kCallFailed,
            unknown ? absl::StrFormat("%s does not know the service '%s'", endpoint, service)
                    : absl::StrFormat("health check of %s failed: %s", endpoint,
                                      status.error_message())};
  }
  const std::string name = HealthCheckResponse::ServingStatus_Name(response.status());
  return {response.status() == HealthCheckResponse::SERVING ? HealthAnswer::kServing
                                                            : HealthAnswer::kNotServing,
          name.empty() ? absl::StrFormat("unknown status %d", response.status()) : name};
}

}  // namespace tidemark::client
