// One Produce stream as a client program sees it, message by message.
//
// Threading: the test's. Reads wait for the server, for three long waits in all.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "tidemark/log/v1/log.pb.h"

namespace tidemark::story {

class ProduceCall {
 public:
  ProduceCall(const std::string& endpoint, std::uint64_t partition);
  ~ProduceCall();

  // Appends a hundred records and reads on until their result; empty if the stream has ended.
  log::v1::AppendResult Append();
  // Reads on until it is told so.
  absl::Status AwaitNotice(bool blocked);
  const log::v1::PartitionNotice& newest_notice() const;
  absl::Status Finish();

 private:
  class Stream;
  std::unique_ptr<Stream> stream_;
};

}  // namespace tidemark::story
