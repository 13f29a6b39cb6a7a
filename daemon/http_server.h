// A small read-only HTTP/1.1 server on a thread of its own: health and metrics.
//
// It answers while the loop is stuck, so handlers run on the HTTP thread and read only published
// snapshots and atomics.
//
// Lifetime:  routes are fixed at Start(); the destructor stops the thread and cuts connections.
// Threading: Start() and destruction by the owner; handlers on the HTTP thread, one at a time.
// Errors:    Start() as ListenSocket::Open(); kUnavailable if the thread cannot start.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "daemon/loop/endpoint.h"

struct MHD_Connection;
struct MHD_Daemon;

namespace tidemark::daemon {

struct HttpRequest {
  std::string path;
  std::multimap<std::string, std::string> query;  // "?verbose" is {"verbose", ""}
};

struct HttpResponse {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body{};
};

using HttpHandler = std::function<HttpResponse(const HttpRequest&)>;

class HttpServer {
 public:
  // Exact paths. GET and HEAD only.
  using Routes = std::map<std::string, HttpHandler>;

  static absl::StatusOr<std::unique_ptr<HttpServer>> Start(const Endpoint& endpoint, Routes routes);
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  // With the real port, where 0 was asked for.
  const Endpoint& endpoint() const { return endpoint_; }
  const Routes& routes() const { return routes_; }

 private:
  HttpServer(Endpoint endpoint, Routes routes);

  const Endpoint endpoint_;
  const Routes routes_;
  struct ConnectionsByAge;
  std::vector<MHD_Connection*> connections_;  // oldest first; the HTTP thread's
  MHD_Daemon* daemon_ = nullptr;
};

}  // namespace tidemark::daemon
