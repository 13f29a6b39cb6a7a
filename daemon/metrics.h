// Prometheus metrics of one process.
//
//   Counter refused = metrics.AddCounter("tidemark_refused_appends_total", "Appends refused.",
//                                        {{"reason", "space"}});
//   refused.Increment();
//
// Same name with other labels: the next series of the same family. Labels come from a closed set
// (volume, reason), never from topics or clients. Values that live elsewhere (atomics, the loop's
// heartbeat) are read at scrape time by AddGaugeFunction().
//
// Lifetime:  handles live as long as the registry.
// Threading: any thread; gauge functions run on the HTTP thread.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace prometheus {
class Counter;
class Gauge;
class Histogram;
}  // namespace prometheus

namespace tidemark::daemon {

using MetricLabels = std::map<std::string, std::string>;

class Counter {
 public:
  void Increment(double by = 1);
  double value() const;

 private:
  friend class MetricRegistry;
  explicit Counter(prometheus::Counter& counter) : counter_(&counter) {}
  prometheus::Counter* counter_;
};

class Gauge {
 public:
  void Set(double value);
  double value() const;

 private:
  friend class MetricRegistry;
  explicit Gauge(prometheus::Gauge& gauge) : gauge_(&gauge) {}
  prometheus::Gauge* gauge_;
};

class Histogram {
 public:
  void Observe(double value);

 private:
  friend class MetricRegistry;
  explicit Histogram(prometheus::Histogram& histogram) : histogram_(&histogram) {}
  prometheus::Histogram* histogram_;
};

// 100 µs … 10 s, for append and fsync latencies in seconds.
std::vector<double> LatencyBuckets();

class MetricRegistry {
 public:
  MetricRegistry();
  ~MetricRegistry();

  Counter AddCounter(const std::string& name, const std::string& help,
                     const MetricLabels& labels = {});
  Gauge AddGauge(const std::string& name, const std::string& help, const MetricLabels& labels = {});
  Histogram AddHistogram(const std::string& name, const std::string& help,
                         const MetricLabels& labels = {},
                         const std::vector<double>& bucket_bounds = LatencyBuckets());
  void AddGaugeFunction(const std::string& name, const std::string& help,
                        const MetricLabels& labels, std::function<double()> read);
  void AddCounterFunction(const std::string& name, const std::string& help,
                          const MetricLabels& labels, std::function<double()> read);
  // tidemark_build_info{program,version} 1
  void AddBuildInfo(const std::string& program, const std::string& version);

  // Text format 0.0.4.
  std::string Text() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace tidemark::daemon
