// Callbacks that others subscribed, called in the order of subscription. A callback may cancel any
// subscription, its own too, while it runs.
//
// Lifetime:  a Subscription may outlive the list.
// Threading: confined to the loop.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <utility>

#include "absl/functional/any_invocable.h"
#include "spu/partition_host.h"

namespace tidemark::spu {

template <typename... Args>
class CallbackList {
 public:
  using Callback = absl::AnyInvocable<void(Args...)>;

  [[nodiscard]] Subscription Add(Callback callback) {
    const std::uint64_t key = next_key_++;
    callbacks_->emplace(key, std::make_shared<Callback>(std::move(callback)));
    return Subscription([weak = std::weak_ptr(callbacks_), key] {
      if (const auto callbacks = weak.lock()) callbacks->erase(key);
    });
  }

  void Call(const Args&... args) {
    const auto callbacks = callbacks_;  // a callback may destroy the list's owner
    for (auto entry = callbacks->begin(); entry != callbacks->end();) {
      const std::uint64_t key = entry->first;
      const auto callback = entry->second;
      (*callback)(args...);
      entry = callbacks->upper_bound(key);
    }
  }

  bool empty() const { return callbacks_->empty(); }

 private:
  using Callbacks = std::map<std::uint64_t, std::shared_ptr<Callback>>;

  std::uint64_t next_key_ = 0;
  std::shared_ptr<Callbacks> callbacks_ = std::make_shared<Callbacks>();
};

}  // namespace tidemark::spu
