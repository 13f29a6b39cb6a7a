// One Produce stream: batches in, results and notices out.
//
// Pipelined: batches are handed to the host as they come, results go back as they are ready, as
// many of them in one message as are ready and fit. Reading stops while too much is unanswered, or
// answered and not yet taken by the producer: he cannot fill our memory, neither by writing nor by
// not reading. A refusal is a result; the stream lives on.
//
// Lifetime:  deletes itself (LoopStream).
// Threading: on the loop.
#pragma once

#include <map>
#include <optional>

#include "daemon/loop_stream.h"
#include "spu/partition_host.h"
#include "spu/rpc/result_queue.h"
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
  bool MayReadOn() const;
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
  std::optional<tidemark::log::v1::ProduceStarted> greeting_;
  ResultQueue results_;
  // Only the newest notice of a partition matters; at most one waits per partition.
  std::map<base::PartitionId, tidemark::log::v1::PartitionNotice> notices_;
  std::map<base::PartitionId, Subscription> gates_;
};

}  // namespace tidemark::spu
