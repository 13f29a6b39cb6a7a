// An SC that answers what a test set, over real gRPC on a port of its own.
//
// Threading: set the answers before the first call; calls come from gRPC's threads.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "tidemark/sc/v1/admin.pb.h"

namespace tidemark::cli {

class FakeController {
 public:
  FakeController();
  ~FakeController();
  std::string endpoint() const;

  // What the services answer.
  sc::v1::ListTopicsResponse topics;
  sc::v1::ListPartitionsResponse partitions;  // filtered by the topic asked for
  sc::v1::ListSpusResponse spus;
  sc::v1::ListEventsResponse events;
  absl::Status create_answer;
  std::vector<sc::v1::WatchPartitionsResponse> partition_changes;  // then the stream ends
  std::vector<sc::v1::WatchEventsResponse> more_events;
  // The last request of its kind.
  sc::v1::CreateTopicRequest created;
  sc::v1::ListEventsRequest listed_events;

 private:
  struct Services;
  std::unique_ptr<Services> services_;
};

}  // namespace tidemark::cli
