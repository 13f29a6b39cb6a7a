// An SPU as the controller sees it: one Attach stream, driven by the test.
//
// Assignments are acknowledged by themselves (see refuse_assignments); everything else is said when
// the test says it, and what came back is waited for with a deadline.
//
// Lifetime:  the destructor cuts the stream.
// Threading: used from the test's thread; a thread of its own reads.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
#include "base/uuid.h"
#include "tidemark/sc/v1/control.pb.h"

namespace tidemark::support {

class FakeSpu {
 public:
  struct Stream;  // one gRPC call
  static constexpr base::WallMillis kFullSince = 1'700'000'000'000;

  FakeSpu(std::string target, std::string id, std::vector<base::Uuid> volumes);
  ~FakeSpu();

  // A new stream and a Hello with the next attempt. The answer: Welcome, Nack, or nothing if the
  // stream ended first.
  std::optional<sc::v1::AttachResponse> Attach();
  // Without a goodbye.
  void Cut();

  // Sends in the current session and waits for what is said about this report.
  std::optional<sc::v1::AttachResponse> Say(sc::v1::Report report);
  // A report of a volume without holds, with a reading that leaves room for 100 steps.
  sc::v1::Report Ready(const base::Uuid& volume, std::uint64_t generation) const;
  sc::v1::Report Full(const base::Uuid& volume, std::uint64_t generation,
                      std::uint64_t episode) const;
  // Full, then proven: no space hold, with the proof of `episode`.
  sc::v1::Report Proven(const base::Uuid& volume, std::uint64_t generation,
                        std::uint64_t episode) const;

  void Send(const sc::v1::AttachRequest& message);
  // Of the streams so far, in order.
  std::vector<sc::v1::AttachResponse> received() const;
  // The stream has ended.
  bool ended() const;
  // What the controller said at its end.
  std::string goodbye() const;
  std::uint64_t session() const { return session_; }

  std::string id;
  base::Uuid uuid = base::Uuid::Random();
  std::uint64_t boot_count = 1;
  std::uint64_t boot_nonce = 4711;
  std::uint64_t attempt = 0;
  std::atomic<bool> refuse_assignments{false};
  std::atomic<bool> answer_assignments{true};

 private:
  void ReadUntilEnd(Stream& stream);
  void AnswerAssignments(Stream& stream, const sc::v1::Assignments& assignments);
  template <typename Wanted>
  std::optional<sc::v1::AttachResponse> WaitForMessage(std::size_t from, Wanted wanted);

  const std::string target_;
  const std::vector<base::Uuid> volumes_;
  std::unique_ptr<Stream> stream_;
  std::uint64_t session_ = 0;
  std::uint64_t sequence_ = 0;
  mutable base::Mutex mutex_;
  base::CondVar arrived_;
  std::vector<sc::v1::AttachResponse> received_ TM_GUARDED_BY(mutex_);
  bool ended_ TM_GUARDED_BY(mutex_) = true;
  std::string goodbye_ TM_GUARDED_BY(mutex_);
  base::Mutex write_mutex_;
};

}  // namespace tidemark::support
