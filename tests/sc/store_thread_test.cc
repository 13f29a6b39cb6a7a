#include "sc/store_thread.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <future>

#include "base/mutex.h"
#include "tests/support/await.h"
#include "tests/support/loop_thread.h"
#include "tests/support/status_matchers.h"

namespace tidemark::sc {
namespace {

using testing::ElementsAre;
using testing::Pair;

// A batch is known by its session number. Transactions hang until let go; a bad batch spoils the
// whole transaction it is in.
class CountingStore final : public StatusStore {
 public:
  using Transaction = std::vector<std::uint64_t>;

  absl::StatusOr<StoreContents> Load() override { return StoreContents(); }
  absl::Status Apply(const StoreBatch& batch) override { return Commit({Number(batch)}); }
  absl::Status ApplyTogether(std::span<const std::shared_ptr<const StoreBatch>> batches) override {
    Transaction numbers;
    for (const auto& batch : batches) numbers.push_back(Number(*batch));
    return Commit(numbers);
  }
  absl::StatusOr<std::vector<EventRecord>> Events(const EventQuery&) override {
    return std::vector<EventRecord>();
  }
  absl::Status Probe() override { return absl::OkStatus(); }
  StoreReserve reserve() const override { return {}; }

  void Hang(bool hang) {
    base::MutexLock lock(mutex_);
    hanging_ = hang;
    changed_.NotifyAll();
  }
  void SetBad(std::uint64_t number) {
    base::MutexLock lock(mutex_);
    bad_ = number;
  }
  bool began() {
    base::MutexLock lock(mutex_);
    return began_;
  }
  std::vector<Transaction> committed() {
    base::MutexLock lock(mutex_);
    return committed_;
  }

 private:
  static std::uint64_t Number(const StoreBatch& batch) { return batch.session->value(); }

  absl::Status Commit(const Transaction& numbers) {
    base::MutexLock lock(mutex_);
    began_ = true;
    while (hanging_) changed_.Wait(mutex_);
    if (std::ranges::find(numbers, bad_) != numbers.end()) return absl::UnavailableError("bad");
    committed_.push_back(numbers);
    return absl::OkStatus();
  }

  base::Mutex mutex_;
  base::CondVar changed_;
  bool hanging_ TM_GUARDED_BY(mutex_) = false;
  bool began_ TM_GUARDED_BY(mutex_) = false;
  std::uint64_t bad_ TM_GUARDED_BY(mutex_) = 0;
  std::vector<Transaction> committed_ TM_GUARDED_BY(mutex_);
};

class StoreThreadTest : public testing::Test {
 protected:
  StoreThreadTest() {
    loop_.Run([&] {
      thread_ =
          std::make_unique<StoreThread>(*loop_, store_, std::make_shared<StoreHealth>(), metrics_);
    });
  }
  ~StoreThreadTest() override {
    store_->Hang(false);
    loop_.Run([&] { thread_.reset(); });
  }

  // On the loop. Its answer is noted, and after it `and_then` is done.
  void Apply(std::uint64_t number, const std::function<void()>& and_then = nullptr) {
    auto batch = std::make_shared<StoreBatch>();
    batch->session = base::SessionId(number);
    thread_->Apply(batch, [this, number, and_then](const absl::Status& status) {
      answers_.emplace_back(number, status.code());
      if (and_then) and_then();
    });
  }
  // The thread is in the transaction of the first batch while the others are given.
  void ApplyWhileBusy(std::uint64_t first, std::uint64_t last) {
    store_->Hang(true);
    loop_.Run([&] { Apply(first); });
    ASSERT_TRUE(support::WaitFor([&] { return store_->began(); }, support::kLongWait, "the first"));
    loop_.Run([&] {
      for (std::uint64_t number = first + 1; number <= last; ++number) Apply(number);
    });
  }
  void AwaitIdle() {
    std::promise<void> idle;
    loop_.Run([&] { thread_->WhenIdle([&] { idle.set_value(); }); });
    ASSERT_EQ(idle.get_future().wait_for(support::kLongWait), std::future_status::ready);
  }

  daemon::MetricRegistry metrics_;
  std::shared_ptr<CountingStore> store_ = std::make_shared<CountingStore>();
  support::LoopThread loop_;
  std::unique_ptr<StoreThread> thread_;
  std::vector<std::pair<std::uint64_t, absl::StatusCode>> answers_;
};

TEST_F(StoreThreadTest, WhatWaitsForOneTransactionSharesTheNext) {
  ApplyWhileBusy(1, 4);
  store_->Hang(false);
  AwaitIdle();
  EXPECT_THAT(store_->committed(), ElementsAre(ElementsAre(1), ElementsAre(2, 3, 4)));
  EXPECT_THAT(answers_,
              ElementsAre(Pair(1, absl::StatusCode::kOk), Pair(2, absl::StatusCode::kOk),
                          Pair(3, absl::StatusCode::kOk), Pair(4, absl::StatusCode::kOk)));
}

TEST_F(StoreThreadTest, ABadBatchFailsAlone) {
  store_->SetBad(3);
  ApplyWhileBusy(1, 4);
  store_->Hang(false);
  AwaitIdle();
  EXPECT_THAT(store_->committed(), ElementsAre(ElementsAre(1), ElementsAre(2), ElementsAre(4)));
  EXPECT_THAT(answers_,
              ElementsAre(Pair(1, absl::StatusCode::kOk), Pair(2, absl::StatusCode::kOk),
                          Pair(3, absl::StatusCode::kUnavailable), Pair(4, absl::StatusCode::kOk)));
}

TEST_F(StoreThreadTest, AFullQueueRefusesInItsTurn) {
  constexpr std::uint64_t kMany = 4100;  // the queue holds 4096
  ApplyWhileBusy(1, kMany);
  EXPECT_TRUE(answers_.empty());
  store_->Hang(false);
  AwaitIdle();
  ASSERT_EQ(answers_.size(), kMany);
  for (std::uint64_t i = 0; i < kMany; ++i) {
    EXPECT_EQ(answers_[i].first, i + 1);
    EXPECT_EQ(answers_[i].second == absl::StatusCode::kOk, i < 4096) << i;
  }
}

TEST_F(StoreThreadTest, AnAbandonedStoreAnswersAllAlsoWhatIsAskedInAnAnswer) {
  ApplyWhileBusy(1, 3);
  loop_.Run([&] {
    Apply(4, [this] { Apply(5); });
    thread_->Abandon();
    Apply(6);
  });
  AwaitIdle();
  ASSERT_EQ(answers_.size(), 6U);
  for (const auto& [number, code] : answers_) {
    EXPECT_EQ(code, absl::StatusCode::kUnavailable) << number;
  }
}

TEST_F(StoreThreadTest, WhatStillWaitsAtTheEndIsStored) {
  ApplyWhileBusy(1, 3);
  std::promise<bool> stopped;
  std::thread release([&] { store_->Hang(false); });
  loop_.Run([&] { stopped.set_value(thread_->StopWithin(support::kLongWait)); });
  release.join();
  EXPECT_TRUE(stopped.get_future().get());
  EXPECT_THAT(store_->committed(), ElementsAre(ElementsAre(1), ElementsAre(2, 3)));
}

}  // namespace
}  // namespace tidemark::sc
