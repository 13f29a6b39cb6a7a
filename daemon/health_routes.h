// Puts HealthRegistry and MetricRegistry on HTTP.
#pragma once

#include <memory>

#include "daemon/health.h"
#include "daemon/http_server.h"
#include "daemon/metrics.h"

namespace tidemark::daemon {

// /livez, /readyz, /startupz (each ?verbose and ?exclude=NAME, repeatable) and /healthz for /livez.
void AddHealthRoutes(HttpServer::Routes& routes, std::shared_ptr<const HealthRegistry> health);

// /metrics in Prometheus text format 0.0.4.
void AddMetricsRoute(HttpServer::Routes& routes, std::shared_ptr<const MetricRegistry> metrics);

}  // namespace tidemark::daemon
