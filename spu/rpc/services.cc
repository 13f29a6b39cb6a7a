#include "spu/rpc/services.h"

#include <optional>
#include <utility>

#include "absl/strings/str_format.h"
#include "daemon/loop_unary.h"
#include "spu/rpc/consume_stream.h"
#include "spu/rpc/produce_stream.h"
#include "tidemark/log/v1/log.grpc.pb.h"
#include "tidemark/space/v1/volume_service.grpc.pb.h"

namespace tidemark::spu {
namespace {

namespace log_pb = tidemark::log::v1;
namespace space_pb = tidemark::space::v1;
using daemon::OnLoop;
using daemon::UnaryDone;
using grpc::CallbackServerContext;
using grpc::ServerUnaryReactor;

class ProduceRpc final : public log_pb::ProduceService::CallbackService {
 public:
  ProduceRpc(daemon::EventLoop& loop, PartitionHost& host) : loop_(loop), host_(host) {}
  StreamRegistry streams;

  grpc::ServerBidiReactor<log_pb::ProduceRequest, log_pb::ProduceResponse>* Produce(
      CallbackServerContext*) override {
    return daemon::OpenStream<ProduceStream>(loop_, host_, streams);
  }

 private:
  daemon::EventLoop& loop_;
  PartitionHost& host_;
};

class ConsumeRpc final : public log_pb::ConsumeService::CallbackService {
 public:
  ConsumeRpc(daemon::EventLoop& loop, PartitionHost& host) : loop_(loop), host_(host) {}
  StreamRegistry streams;

  grpc::ServerBidiReactor<log_pb::ConsumeRequest, log_pb::ConsumeResponse>* Consume(
      CallbackServerContext*) override {
    return daemon::OpenStream<ConsumeStream>(loop_, host_, streams);
  }

 private:
  daemon::EventLoop& loop_;
  PartitionHost& host_;
};

class LogRpc final : public log_pb::LogService::CallbackService {
 public:
  LogRpc(daemon::EventLoop& loop, PartitionHost& host) : loop_(loop), host_(host) {}

  ServerUnaryReactor* Trim(CallbackServerContext* context, const log_pb::TrimRequest* request,
                           log_pb::TrimResponse* response) override {
    return OnLoop(loop_, context, [this, request, response](UnaryDone done) {
      host_.Trim(base::PartitionId(request->partition_id()), base::Offset(request->before_offset()),
                 [response, done = std::move(done)](TrimResult result) mutable {
                   response->set_log_start(result.log_start.value());
                   response->set_freed_bytes(result.freed_bytes);
                   done(result.refusal.has_value() ? StatusOf(*result.refusal) : absl::OkStatus());
                 });
    });
  }

  ServerUnaryReactor* ListOffsets(CallbackServerContext* context,
                                  const log_pb::ListOffsetsRequest* request,
                                  log_pb::ListOffsetsResponse* response) override {
    return OnLoop(loop_, context, [this, request, response](UnaryDone done) {
      const base::PartitionId partition(request->partition_id());
      const auto offsets = host_.OffsetsOf(partition);
      if (!offsets.has_value()) return done(StatusOf(host_.WhyNotHere(partition)));
      response->set_log_start(offsets->log_start.value());
      response->set_durable_end(offsets->durable_end.value());
      response->set_written_end(offsets->written_end.value());
      if (!request->has_time_unix_ms()) return done(absl::OkStatus());
      host_.OffsetForTime(
          partition, request->time_unix_ms(),
          [response, done = std::move(done)](absl::StatusOr<base::Offset> offset) mutable {
            if (offset.ok()) response->set_offset_for_time(offset->value());
            done(offset.status());
          });
    });
  }

  ServerUnaryReactor* ListLocalPartitions(CallbackServerContext* context,
                                          const log_pb::ListLocalPartitionsRequest*,
                                          log_pb::ListLocalPartitionsResponse* response) override {
    return OnLoop(loop_, context, [this, response](UnaryDone done) {
      for (log_pb::LocalPartition& partition : host_.ListLocal()) {
        *response->add_partitions() = std::move(partition);
      }
      done(absl::OkStatus());
    });
  }

 private:
  daemon::EventLoop& loop_;
  PartitionHost& host_;
};

class VolumeRpc final : public space_pb::VolumeService::CallbackService {
 public:
  VolumeRpc(daemon::EventLoop& loop, VolumeHost& host) : loop_(loop), host_(host) {}

  ServerUnaryReactor* ListVolumes(CallbackServerContext* context,
                                  const space_pb::ListVolumesRequest*,
                                  space_pb::ListVolumesResponse* response) override {
    return OnLoop(loop_, context, [this, response](UnaryDone done) {
      response->set_spu_id(host_.SpuId());
      for (space_pb::Volume& volume : host_.ListVolumes()) {
        *response->add_volumes() = std::move(volume);
      }
      done(absl::OkStatus());
    });
  }

  ServerUnaryReactor* ExplainVolume(CallbackServerContext* context,
                                    const space_pb::ExplainVolumeRequest* request,
                                    space_pb::ExplainVolumeResponse* response) override {
    return OnLoop(loop_, context, [this, request, response](UnaryDone done) {
      host_.Explain(request->volume(),
                    [response, done = std::move(done)](auto explanation) mutable {
                      if (explanation.ok())
                        *response->mutable_explanation() = std::move(*explanation);
                      done(explanation.status());
                    });
    });
  }

  ServerUnaryReactor* PlanReclaim(CallbackServerContext* context,
                                  const space_pb::PlanReclaimRequest* request,
                                  space_pb::PlanReclaimResponse* response) override {
    return OnLoop(loop_, context, [this, request, response](UnaryDone done) {
      auto plan = host_.PlanReclaim(request->volume());
      if (plan.ok()) *response = std::move(*plan);
      done(plan.status());
    });
  }

  ServerUnaryReactor* Reclaim(CallbackServerContext* context,
                              const space_pb::ReclaimRequest* request,
                              space_pb::ReclaimResponse* response) override {
    return OnLoop(loop_, context, [this, request, response](UnaryDone done) {
      host_.Reclaim(request->volume(), [response, done = std::move(done)](auto result) mutable {
        if (result.ok()) *response = std::move(*result);
        done(result.status());
      });
    });
  }

  ServerUnaryReactor* HoldVolume(CallbackServerContext* context,
                                 const space_pb::HoldVolumeRequest* request,
                                 space_pb::HoldVolumeResponse* response) override {
    return OnLoop(loop_, context, [this, request, response](UnaryDone done) {
      host_.Hold(request->volume(), request->who(), request->why(),
                 Answer(response, std::move(done)));
    });
  }

  ServerUnaryReactor* ReleaseVolume(CallbackServerContext* context,
                                    const space_pb::ReleaseVolumeRequest* request,
                                    space_pb::ReleaseVolumeResponse* response) override {
    return OnLoop(loop_, context, [this, request, response](UnaryDone done) {
      host_.Release(request->volume(), request->who(), Answer(response, std::move(done)));
    });
  }

 private:
  template <typename Response>
  static VolumeHost::Changed Answer(Response* response, UnaryDone done) {
    return [response, done = std::move(done)](absl::StatusOr<base::Generation> generation) mutable {
      if (generation.ok()) response->set_generation(generation->value());
      done(generation.status());
    };
  }

  daemon::EventLoop& loop_;
  VolumeHost& host_;
};

}  // namespace

struct Services::State {
  ProduceRpc produce;
  ConsumeRpc consume;
  LogRpc log;
  VolumeRpc volume;
};

Services::Services(daemon::EventLoop& loop, PartitionHost& partitions, VolumeHost& volumes)
    : state_(
          new State{{loop, partitions}, {loop, partitions}, {loop, partitions}, {loop, volumes}}) {}

Services::~Services() = default;

std::vector<grpc::Service*> Services::all() const {
  return {&state_->produce, &state_->consume, &state_->log, &state_->volume};
}

void Services::Drain() {
  state_->produce.streams.DrainAll();
  state_->consume.streams.DrainAll();
}

std::size_t Services::streams() const {
  return state_->produce.streams.size() + state_->consume.streams.size();
}

}  // namespace tidemark::spu
