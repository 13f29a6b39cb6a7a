// One Consume stream: credits in, batches out.
//
// At most one read and one message are under way, and never more bytes than the consumer gave
// credits for: a consumer that stops reading holds its own credits and nothing else. It pins no
// segment: only a read in flight keeps a file open.
//
// Lifetime:  deletes itself (LoopStream).
// Threading: on the loop.
#pragma once

#include "daemon/loop_stream.h"
#include "spu/partition_host.h"
#include "spu/rpc/stream_registry.h"
#include "tidemark/log/v1/log.pb.h"

namespace tidemark::spu {

class ConsumeStream final : public daemon::LoopStream<tidemark::log::v1::ConsumeRequest,
                                                      tidemark::log::v1::ConsumeResponse>,
                            public DrainableStream {
 public:
  ConsumeStream(daemon::EventLoop& loop, PartitionHost& host, StreamRegistry& registry);

  void Drain() override;

 private:
  ~ConsumeStream() override = default;

  void OnOpened() override;
  void OnMessage(tidemark::log::v1::ConsumeRequest&& message) override;
  void OnReadsDone() override;
  void OnWritable() override;
  void OnClosed() override;

  void Start(const tidemark::log::v1::ConsumeStart& start);
  void BeginAt(base::Offset offset);
  void RefuseHere(Refusal refusal);
  void Refuse(Refusal refusal);
  void Pump();
  void OnRead(ReadResult result);
  void AtEnd();

  PartitionHost& host_;
  StreamRegistry& registry_;
  bool started_ = false;
  bool positioned_ = false;
  bool reading_log_ = false;
  bool advanced_ = false;  // the log grew while a read was in flight
  bool told_caught_up_ = false;
  bool end_when_written_ = false;
  bool until_end_ = false;
  base::PartitionId partition_;
  Isolation isolation_ = Isolation::kDurable;
  base::Offset next_;
  std::int64_t credit_bytes_ = 0;
  Subscription advance_;
};

}  // namespace tidemark::spu
