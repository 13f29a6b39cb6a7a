#include "daemon/health_routes.h"

#include <set>
#include <string>
#include <utility>

namespace tidemark::daemon {

void AddHealthRoutes(HttpServer::Routes& routes, std::shared_ptr<const HealthRegistry> health) {
  const auto route = [&](const char* path, HealthQuestion question) {
    routes[path] = [health, question](const HttpRequest& request) -> HttpResponse {
      std::set<std::string> exclude;
      const auto [first, last] = request.query.equal_range("exclude");
      for (auto it = first; it != last; ++it) exclude.insert(it->second);
      const HealthAnswer answer = health->Ask(question, request.query.contains("verbose"), exclude);
      HttpResponse response;
      response.status = answer.ok ? 200 : 503;
      response.body = answer.text;
      return response;
    };
  };
  route("/livez", HealthQuestion::kLive);
  route("/healthz", HealthQuestion::kLive);
  route("/readyz", HealthQuestion::kReady);
  route("/startupz", HealthQuestion::kStarted);
}

void AddMetricsRoute(HttpServer::Routes& routes, std::shared_ptr<const MetricRegistry> metrics) {
  routes["/metrics"] = [metrics = std::move(metrics)](const HttpRequest&) -> HttpResponse {
    return {.status = 200,
            .content_type = "text/plain; version=0.0.4; charset=utf-8",
            .body = metrics->Text()};
  };
}

}  // namespace tidemark::daemon
