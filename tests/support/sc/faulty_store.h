// A store whose disk fails, or hangs, on demand; in front of a real one.
//
// Lifetime:  Release() before the thread that calls Apply() is joined. An abandoned thread keeps
// the
//            store, and its directory's lock, until it is released.
// Threading: faults are set from any thread.
#pragma once

#include <memory>
#include <utility>

#include "base/mutex.h"
#include "sc/store/status_store.h"

namespace tidemark::support {

class FaultyStore final : public sc::StatusStore {
 public:
  explicit FaultyStore(std::unique_ptr<sc::StatusStore> store) : store_(std::move(store)) {}

  // Every Apply() and Probe() fails with this until it is OK again.
  void FailWith(absl::Status status) {
    base::MutexLock lock(mutex_);
    failure_ = std::move(status);
  }
  // Apply() does not return before Release().
  void Hang() {
    base::MutexLock lock(mutex_);
    hanging_ = true;
  }
  void Release() {
    base::MutexLock lock(mutex_);
    hanging_ = false;
    released_.NotifyAll();
  }

  // A call hangs now.
  bool waiting() {
    base::MutexLock lock(mutex_);
    return waiting_;
  }

  absl::StatusOr<sc::StoreContents> Load() override { return store_->Load(); }
  absl::Status Apply(const sc::StoreBatch& batch) override {
    if (absl::Status fault = Fault(); !fault.ok()) return fault;
    return store_->Apply(batch);
  }
  absl::StatusOr<std::vector<sc::EventRecord>> Events(const sc::EventQuery& query) override {
    return store_->Events(query);
  }
  absl::Status Probe() override {
    if (absl::Status fault = Fault(); !fault.ok()) return fault;
    return store_->Probe();
  }
  sc::StoreReserve reserve() const override { return store_->reserve(); }

 private:
  absl::Status Fault() {
    base::MutexLock lock(mutex_);
    waiting_ = hanging_;
    while (hanging_) released_.Wait(mutex_);
    waiting_ = false;
    return failure_;
  }

  std::unique_ptr<sc::StatusStore> store_;
  base::Mutex mutex_;
  base::CondVar released_;
  bool hanging_ TM_GUARDED_BY(mutex_) = false;
  bool waiting_ TM_GUARDED_BY(mutex_) = false;
  absl::Status failure_ TM_GUARDED_BY(mutex_);
};

}  // namespace tidemark::support
