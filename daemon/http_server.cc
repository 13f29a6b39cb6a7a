#include "daemon/http_server.h"

#include <microhttpd.h>
#include <sys/socket.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_format.h"
#include "base/status_macros.h"
#include "daemon/loop/listen_socket.h"

namespace tidemark::daemon {
namespace {

// Probes and scrapers are few and fast: anything else is an attack on the port. Of those that are
// too many the oldest goes: a probe is answered in its first turn, while one that sends a byte now
// and then, and so is never idle, would keep its place for ever.
constexpr std::size_t kMaxConnections = 64;
// A connection that was cut keeps its place until the library's next turn.
constexpr unsigned kMaxWithThoseCut = 2 * kMaxConnections;
constexpr unsigned kTimeoutSeconds = 5;
constexpr std::size_t kConnectionMemoryBytes = 16 * 1024;

MHD_Result AddQuery(void* request, MHD_ValueKind /*kind*/, const char* key, const char* value) {
  static_cast<HttpRequest*>(request)->query.emplace(key, value == nullptr ? "" : value);
  return MHD_YES;
}

MHD_Result Send(MHD_Connection* connection, const HttpResponse& response) {
  MHD_Response* const raw = MHD_create_response_from_buffer(
      response.body.size(), const_cast<char*>(response.body.data()), MHD_RESPMEM_MUST_COPY);
  if (raw == nullptr) return MHD_NO;
  MHD_add_response_header(raw, "Content-Type", response.content_type.c_str());
  MHD_add_response_header(raw, "X-Content-Type-Options", "nosniff");
  MHD_add_response_header(raw, "Cache-Control", "no-store");
  MHD_add_response_header(raw, "Content-Security-Policy", "default-src 'self' 'unsafe-inline'");
  if (response.status == MHD_HTTP_METHOD_NOT_ALLOWED) {
    MHD_add_response_header(raw, "Allow", "GET, HEAD");
  }
  const MHD_Result result =
      MHD_queue_response(connection, static_cast<unsigned>(response.status), raw);
  MHD_destroy_response(raw);
  return result;
}

HttpResponse Answer(const HttpServer::Routes& routes, MHD_Connection* connection,
                    const char* path) {
  const auto route = routes.find(path);
  if (route == routes.end()) {
    return {.status = MHD_HTTP_NOT_FOUND, .body = "not found\n"};
  }
  HttpRequest request{.path = path, .query = {}};
  MHD_get_connection_values(connection, MHD_GET_ARGUMENT_KIND, AddQuery, &request);
  return route->second(request);
}

MHD_Result OnRequest(void* server, MHD_Connection* connection, const char* path, const char* method,
                     const char* /*version*/, const char* /*upload*/, std::size_t* /*upload_bytes*/,
                     void** seen) {
  const std::string_view verb(method);
  if (verb != MHD_HTTP_METHOD_GET && verb != MHD_HTTP_METHOD_HEAD) {
    return Send(connection, {.status = MHD_HTTP_METHOD_NOT_ALLOWED, .body = "GET or HEAD only\n"});
  }
  // The first call comes before the request's end; an answer now would close the connection.
  static int mark = 0;
  if (*seen == nullptr) {
    *seen = &mark;
    return MHD_YES;
  }
  return Send(connection, Answer(static_cast<HttpServer*>(server)->routes(), connection, path));
}

}  // namespace

// The library calls this on its thread, and before it closes a socket.
struct HttpServer::ConnectionsByAge {
  static void Notify(void* server, MHD_Connection* connection, void** /*context*/,
                     MHD_ConnectionNotificationCode code) {
    std::vector<MHD_Connection*>& oldest_first = static_cast<HttpServer*>(server)->connections_;
    if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
      std::erase(oldest_first, connection);
      return;
    }
    oldest_first.push_back(connection);
    if (oldest_first.size() <= kMaxConnections) return;
    const MHD_ConnectionInfo* const socket =
        MHD_get_connection_info(oldest_first.front(), MHD_CONNECTION_INFO_CONNECTION_FD);
    if (socket != nullptr) shutdown(socket->connect_fd, SHUT_RDWR);  // seen as its end
    oldest_first.erase(oldest_first.begin());
  }
};

HttpServer::HttpServer(Endpoint endpoint, Routes routes)
    : endpoint_(std::move(endpoint)), routes_(std::move(routes)) {}

absl::StatusOr<std::unique_ptr<HttpServer>> HttpServer::Start(const Endpoint& endpoint,
                                                              Routes routes) {
  TM_ASSIGN_OR_RETURN(ListenSocket socket, ListenSocket::Open(endpoint));
  std::unique_ptr<HttpServer> server(new HttpServer(socket.endpoint, std::move(routes)));
  server->daemon_ = MHD_start_daemon(
      MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_AUTO | MHD_USE_ITC, /*port=*/0, nullptr, nullptr,
      OnRequest, server.get(), MHD_OPTION_LISTEN_SOCKET, socket.fd.get(),
      MHD_OPTION_CONNECTION_LIMIT, kMaxWithThoseCut, MHD_OPTION_CONNECTION_TIMEOUT, kTimeoutSeconds,
      MHD_OPTION_NOTIFY_CONNECTION, &ConnectionsByAge::Notify, server.get(),
      MHD_OPTION_CONNECTION_MEMORY_LIMIT, kConnectionMemoryBytes, MHD_OPTION_SIGPIPE_HANDLED_BY_APP,
      1, MHD_OPTION_END);
  if (server->daemon_ == nullptr) {
    return absl::UnavailableError(
        absl::StrFormat("serve HTTP on %s: cannot start its thread", socket.endpoint.ToString()));
  }
  socket.fd.Release();  // closed by MHD_stop_daemon()
  return server;
}

HttpServer::~HttpServer() {
  if (daemon_ != nullptr) MHD_stop_daemon(daemon_);
}

}  // namespace tidemark::daemon
