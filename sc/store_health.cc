#include "sc/store_health.h"

#include <chrono>

#include "absl/strings/str_format.h"
#include "base/byte_size.h"

namespace tidemark::sc {
namespace {

constexpr base::Duration kHangs = std::chrono::seconds(5);

}  // namespace

void StoreHealth::Publish(const absl::Status& problem, const StoreReserve& reserve) {
  base::MutexLock lock(mutex_);
  problem_ = problem;
  reserve_ = reserve;
}

void StoreHealth::PublishBusy(base::Duration busy) {
  base::MutexLock lock(mutex_);
  busy_ = busy;
}

std::optional<std::string> StoreHealth::Problem() const {
  base::MutexLock lock(mutex_);
  if (busy_ > kHangs) {
    return absl::StrFormat("the store has not answered for %s", base::FormatDuration(busy_));
  }
  if (problem_.ok()) return std::nullopt;
  std::string text = "cannot persist: " + std::string(problem_.message());
  if (!reserve_.held) {
    absl::StrAppendFormat(&text, "; its reserve of %s is used up and taken again from %s free on",
                          base::FormatByteSize(reserve_.bytes),
                          base::FormatByteSize(reserve_.taken_from_bytes()));
  }
  return text;
}

std::optional<std::string> StoreHealth::Note() const {
  base::MutexLock lock(mutex_);
  if (reserve_.held) return std::nullopt;
  return absl::StrFormat("without its reserve of %s; it is taken from %s free on",
                         base::FormatByteSize(reserve_.bytes),
                         base::FormatByteSize(reserve_.taken_from_bytes()));
}

StoreReserve StoreHealth::reserve() const {
  base::MutexLock lock(mutex_);
  return reserve_;
}

}  // namespace tidemark::sc
