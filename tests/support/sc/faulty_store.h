// A store whose disk fails, or hangs, on demand; in front of a real one.
//
// Lifetime:  Release() before the thread that calls Apply() is joined. An abandoned thread keeps
// the
//            store, and its directory's lock, until it is released.
// Threading: faults are set from any thread.
#pragma once

#include <memory>
#include <optional>
#include <span>
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
  // Only Apply() fails, until it is OK again: what is small, such as a probe, still fits.
  void RefuseBatches(absl::Status status) {
    base::MutexLock lock(mutex_);
    refusal_ = std::move(status);
  }
  // Instead of the real one's.
  void SetReserve(sc::StoreReserve reserve) {
    base::MutexLock lock(mutex_);
    reserve_ = reserve;
  }
  int probes() {
    base::MutexLock lock(mutex_);
    return probes_;
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
    if (absl::Status refusal = Refusal(); !refusal.ok()) return refusal;
    return store_->Apply(batch);
  }
  absl::Status ApplyTogether(
      std::span<const std::shared_ptr<const sc::StoreBatch>> batches) override {
    if (absl::Status fault = Fault(); !fault.ok()) return fault;
    if (absl::Status refusal = Refusal(); !refusal.ok()) return refusal;
    return store_->ApplyTogether(batches);
  }
  absl::StatusOr<std::vector<sc::EventRecord>> Events(const sc::EventQuery& query) override {
    return store_->Events(query);
  }
  absl::Status Probe() override {
    if (absl::Status fault = Fault(); !fault.ok()) return fault;
    absl::Status probed = store_->Probe();
    base::MutexLock lock(mutex_);
    ++probes_;
    return probed;
  }
  sc::StoreReserve reserve() const override {
    base::MutexLock lock(mutex_);
    return reserve_.value_or(store_->reserve());
  }

 private:
  absl::Status Fault() {
    base::MutexLock lock(mutex_);
    waiting_ = hanging_;
    while (hanging_) released_.Wait(mutex_);
    waiting_ = false;
    return failure_;
  }
  absl::Status Refusal() {
    base::MutexLock lock(mutex_);
    return refusal_;
  }

  std::unique_ptr<sc::StatusStore> store_;
  mutable base::Mutex mutex_;
  base::CondVar released_;
  bool hanging_ TM_GUARDED_BY(mutex_) = false;
  bool waiting_ TM_GUARDED_BY(mutex_) = false;
  absl::Status failure_ TM_GUARDED_BY(mutex_);
  absl::Status refusal_ TM_GUARDED_BY(mutex_);
  std::optional<sc::StoreReserve> reserve_ TM_GUARDED_BY(mutex_);
  int probes_ TM_GUARDED_BY(mutex_) = 0;
};

}  // namespace tidemark::support
