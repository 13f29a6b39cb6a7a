// One Produce stream: batches in, results and notices out.
//
// Pipelined: batches are handed to the host as they come, results go back as they are ready, all
// that are ready at once in one message. Reading stops while more than `outstanding_bytes_max` is
// unanswered, so a producer cannot fill our memory. A refusal is a result; the stream lives on.
//
// Lifetime:  deletes itself (LoopStream).
// Threading: on the loop.
#pragma once

#include <map>

#include "daemon/loop_stream.h"
#include "spu/partition_host.h"
#include "spu/rpc/stream_registry.h"
#include "tidemark/log/v1/log.pb.h"

namespace tidemark::spu {

class ProduceStream final : public daemon::LoopStream<tidemark::log::v1::ProduceRequest,
                                                      tidemark::log::v1::ProduceResponse>,
                            public DrainableStream {
 public:
  ProduceStream(daemon::EventLoop& loop, PartitionHost& host, StreamRegistry& registry);

  void Drain() override;

 private:
  ~ProduceStream() override = default;

  void OnOpened() override;
  void OnMessage(tidemark::log::v1::ProduceRequest&& message) override;
  void OnReadsDone() override;
  void OnWritable() override { Flush(); }
  void OnClosed() override;

  void Start(const tidemark::log::v1::ProduceStart& start);
  void Append(tidemark::log::v1::Append&& append);
  void Answer(std::uint64_t sequence, base::PartitionId partition, std::size_t bytes,
              AppendResult result);
  void WatchGate(base::PartitionId partition);
  void Flush();
  void EndIfDone();
  void ReadOn();

  PartitionHost& host_;
  StreamRegistry& registry_;
  bool started_ = false;
  bool reads_done_ = false;
  bool draining_ = false;
  Acks acks_ = Acks::kDurable;
  std::size_t outstanding_bytes_ = 0;
  std::size_t outstanding_ = 0;
  tidemark::log::v1::ProduceResponse pending_;
  bool has_pending_ = false;
  // Only the newest notice of a partition matters; at most one waits per partition.
  std::map<base::PartitionId, tidemark::log::v1::PartitionNotice> notices_;
  std::map<base::PartitionId, Subscription> gates_;
};

}  // namespace tidemark::spu
