#include "sc/store_health.h"

#include <chrono>

#include "absl/strings/str_format.h"
#include "base/byte_size.h"

namespace tidemark::sc {
namespace {

constexpr base::Duration kHangs = std::chrono::seconds(5);

}  // namespace

void StoreHealth::Publish(const absl::Status& status, const StoreReserve& reserve) {
  base::MutexLock lock(mutex_);
  status_ = status;
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
  if (!status_.ok()) return "cannot persist: " + std::string(status_.message());
  return std::nullopt;
}

StoreReserve StoreHealth::reserve() const {
  base::MutexLock lock(mutex_);
  return reserve_;
}

}  // namespace tidemark::sc
