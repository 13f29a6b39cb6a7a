// The SC as a person or a client program asks it.
//
// Threading: any thread; calls block up to their deadline.
// Errors:    kUnavailable if the SC cannot be reached, kDeadlineExceeded if it does not answer;
//            otherwise what the SC said.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>

#include "absl/status/statusor.h"
#include "base/clock.h"
#include "tidemark/sc/v1/admin.pb.h"

namespace tidemark::client {

inline constexpr base::Duration kCallDeadline = std::chrono::seconds(10);

class ControllerClient {
 public:
  explicit ControllerClient(std::string endpoint, base::Duration deadline = kCallDeadline);
  ~ControllerClient();

  absl::StatusOr<sc::v1::CreateTopicResponse> CreateTopic(
      const sc::v1::CreateTopicRequest& request) const;
  absl::StatusOr<sc::v1::ListTopicsResponse> ListTopics() const;
  absl::StatusOr<sc::v1::DeleteTopicResponse> DeleteTopic(const std::string& name) const;
  // Empty topic: all of them.
  absl::StatusOr<sc::v1::ListPartitionsResponse> ListPartitions(const std::string& topic) const;
  absl::StatusOr<sc::v1::ListSpusResponse> ListSpus() const;
  absl::StatusOr<sc::v1::ReplaceSpuResponse> ReplaceSpu(const std::string& spu_id) const;
  absl::StatusOr<sc::v1::ListEventsResponse> ListEvents(
      const sc::v1::ListEventsRequest& request) const;

  // Calls `on_change` with all partitions once and then with each that changes, until it returns
  // false, `stop` is asked for (both: OK), or the SC goes away (the error).
  absl::Status WatchPartitions(
      const std::string& topic, std::stop_token stop,
      const std::function<bool(const sc::v1::WatchPartitionsResponse&)>& on_change) const;
  absl::Status WatchEvents(
      std::uint64_t after_number, std::stop_token stop,
      const std::function<bool(const sc::v1::WatchEventsResponse&)>& on_events) const;

  const std::string& endpoint() const;

 private:
  struct Stubs;
  std::unique_ptr<Stubs> stubs_;
};

}  // namespace tidemark::client
