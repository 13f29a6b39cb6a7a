#include "daemon/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <utility>

#include "base/check.h"
#include "base/mutex.h"

namespace tidemark::daemon {
namespace {

// One family whose values are read when somebody scrapes.
struct FunctionFamily {
  std::string help;
  prometheus::MetricType type;
  std::vector<std::pair<MetricLabels, std::function<double()>>> series;
};

prometheus::MetricFamily Read(const std::string& name, const FunctionFamily& family) {
  prometheus::MetricFamily result;
  result.name = name;
  result.help = family.help;
  result.type = family.type;
  for (const auto& [labels, read] : family.series) {
    prometheus::ClientMetric metric;
    for (const auto& [label, value] : labels) metric.label.push_back({label, value});
    const double value = read();
    if (family.type == prometheus::MetricType::Counter) {
      metric.counter.value = value;
    } else {
      metric.gauge.value = value;
    }
    result.metric.push_back(std::move(metric));
  }
  return result;
}

}  // namespace

struct MetricRegistry::State {
  prometheus::Registry registry;
  mutable base::Mutex mutex;
  std::map<std::string, FunctionFamily> functions TM_GUARDED_BY(mutex);

  void AddFunction(const std::string& name, const std::string& help, prometheus::MetricType type,
                   const MetricLabels& labels, std::function<double()> read) {
    base::MutexLock lock(mutex);
    FunctionFamily& family = functions[name];
    TM_CHECK(family.series.empty() || family.type == type);
    family.help = help;
    family.type = type;
    family.series.emplace_back(labels, std::move(read));
  }
};

void Counter::Increment(double by) { counter_->Increment(by); }
double Counter::value() const { return counter_->Value(); }
void Gauge::Set(double value) { gauge_->Set(value); }
double Gauge::value() const { return gauge_->Value(); }
void Histogram::Observe(double value) { histogram_->Observe(value); }

std::vector<double> LatencyBuckets() {
  return {0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025,
          0.05,   0.1,     0.25,   0.5,   1,      2.5,   5,    10};
}

MetricRegistry::MetricRegistry() : state_(std::make_unique<State>()) {}
MetricRegistry::~MetricRegistry() = default;

Counter MetricRegistry::AddCounter(const std::string& name, const std::string& help,
                                   const MetricLabels& labels) {
  return Counter(
      prometheus::BuildCounter().Name(name).Help(help).Register(state_->registry).Add(labels));
}

Gauge MetricRegistry::AddGauge(const std::string& name, const std::string& help,
                               const MetricLabels& labels) {
  return Gauge(
      prometheus::BuildGauge().Name(name).Help(help).Register(state_->registry).Add(labels));
}

Histogram MetricRegistry::AddHistogram(const std::string& name, const std::string& help,
                                       const MetricLabels& labels,
                                       const std::vector<double>& bucket_bounds) {
  return Histogram(prometheus::BuildHistogram()
                       .Name(name)
                       .Help(help)
                       .Register(state_->registry)
                       .Add(labels, bucket_bounds));
}

void MetricRegistry::AddGaugeFunction(const std::string& name, const std::string& help,
                                      const MetricLabels& labels, std::function<double()> read) {
  state_->AddFunction(name, help, prometheus::MetricType::Gauge, labels, std::move(read));
}

void MetricRegistry::AddCounterFunction(const std::string& name, const std::string& help,
                                        const MetricLabels& labels, std::function<double()> read) {
  state_->AddFunction(name, help, prometheus::MetricType::Counter, labels, std::move(read));
}

void MetricRegistry::AddBuildInfo(const std::string& program, const std::string& version) {
  AddGauge("tidemark_build_info", "What this process was built as; always 1.",
           {{"program", program}, {"version", version}})
      .Set(1);
}

std::string MetricRegistry::Text() const {
  std::vector<prometheus::MetricFamily> families = state_->registry.Collect();
  {
    base::MutexLock lock(state_->mutex);
    for (const auto& [name, family] : state_->functions) families.push_back(Read(name, family));
  }
  return prometheus::TextSerializer().Serialize(families);
}

}  // namespace tidemark::daemon
