#include "spu/sc_link.h"

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>

#include <algorithm>
#include <utility>

#include "daemon/grpc_channel.h"
#include "daemon/log.h"
#include "tidemark/sc/v1/control.grpc.pb.h"

namespace tidemark::spu {
namespace {

namespace sc_pb = tidemark::sc::v1;
using daemon::LogLevel;

// A controller that does not take our goodbye does not get it.
constexpr base::Duration kGoodbyeGrace = std::chrono::milliseconds(500);

}  // namespace

// One try: a channel, a call, a queue of messages. Everything but gRPC's callbacks is on the loop.
class ScLink::Stream final
    : public grpc::ClientBidiReactor<sc_pb::AttachRequest, sc_pb::AttachResponse> {
 public:
  Stream(ScLink& link, LinkStreamId id)
      : link_(link),
        loop_(link.loop_),
        id_(id),
        channel_(daemon::NewChannel(link.target_)),
        stub_(sc_pb::ControlService::NewStub(channel_)) {
    stub_->async()->Attach(&context_, this);
    AddHold();  // writes begin on the loop, outside gRPC's reactions
    StartRead(&incoming_);
    StartCall();
  }

  LinkStreamId id() const { return id_; }

  void Send(sc_pb::AttachRequest message) {
    if (closing_ || ended_) return;
    queue_.push_back(std::move(message));
    WriteNext();
  }

  // Ends the stream; `flush`: after what is queued has gone out.
  void Close(bool flush) {
    closing_ = true;
    if (!flush || (!writing_ && queue_.empty())) context_.TryCancel();
  }

 private:
  void WriteNext() {
    if (writing_ || ended_ || queue_.empty()) return;
    writing_ = true;
    outgoing_ = std::move(queue_.front());
    queue_.pop_front();
    StartWrite(&outgoing_);
  }

  // The server's headers: they come before its loop has seen the call.
  void OnReadInitialMetadataDone(bool ok) override {
    if (!ok) return;
    loop_.PostControl([this] { link_.OnTaken(id_); });
  }

  void OnReadDone(bool ok) override {
    loop_.PostControl([this, ok] {
      if (!ok) return End();
      link_.OnMessage(id_, incoming_);
      StartRead(&incoming_);
    });
  }

  void OnWriteDone(bool ok) override {
    loop_.PostControl([this, ok] {
      writing_ = false;
      if (!ok) return;  // the read fails too, and ends it
      WriteNext();
      if (closing_ && !writing_) context_.TryCancel();
    });
  }

  // Once the read has failed nothing more may be written, and gRPC may let go.
  void End() {
    if (ended_) return;
    ended_ = true;
    RemoveHold();
  }

  void OnDone(const grpc::Status& status) override {
    const std::string why = status.ok() ? "closed by the SC" : status.error_message();
    if (!loop_.PostControl([this, why] { link_.OnClosed(this, why); })) delete this;
  }

  ScLink& link_;
  daemon::EventLoop& loop_;
  const LinkStreamId id_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<sc_pb::ControlService::Stub> stub_;
  grpc::ClientContext context_;
  sc_pb::AttachResponse incoming_;
  sc_pb::AttachRequest outgoing_;
  std::deque<sc_pb::AttachRequest> queue_;
  bool writing_ = false;
  bool closing_ = false;
  bool ended_ = false;
};

ScLink::ScLink(daemon::EventLoop& loop, const base::Clock& clock, const LinkOptions& options,
               IdentityStore& identity, std::string target, LinkListener& listener)
    : loop_(loop),
      clock_(clock),
      identity_(identity),
      target_(std::move(target)),
      listener_(listener),
      core_(options, identity.record()),
      tick_(loop, [this] { Run(core_.Tick(clock_.Now())); }),
      goodbye_(loop, [this] {
        if (stream_ != nullptr) stream_->Close(/*flush=*/false);
      }) {}

ScLink::~ScLink() = default;

void ScLink::AddVolume(const base::Uuid& volume, const std::string& path) {
  Run(core_.AddVolume(volume, path, clock_.Now()));
}

void ScLink::SetReport(sc_pb::Report report) {
  Run(core_.SetReport(std::move(report), clock_.Now()));
}

void ScLink::SetProgress(std::vector<sc_pb::PartitionProgress> partitions) {
  core_.SetProgress(std::move(partitions));
}

void ScLink::AcknowledgeAssignments(sc_pb::AssignmentsAck ack) {
  Run(core_.AcknowledgeAssignments(std::move(ack)));
}

void ScLink::Start() { Run(core_.Tick(clock_.Now())); }

void ScLink::Stop(absl::AnyInvocable<void()> done) {
  on_stopped_ = std::move(done);
  stopping_ = true;
  tick_.Stop();
  Run(core_.Stop());
  goodbye_.StartOnce(kGoodbyeGrace);
  FinishStop();
}

void ScLink::FinishStop() {
  if (!stopping_ || open_streams_ > 0 || !on_stopped_) return;
  auto done = std::exchange(on_stopped_, nullptr);
  done();
}

void ScLink::Run(LinkEffects effects) {
  loop_.AssertOnLoop();
  std::move(effects.begin(), effects.end(), std::back_inserter(effects_));
  if (!running_) RunQueued();
}

void ScLink::RunQueued() {
  running_ = true;
  while (!effects_.empty() && !persisting_) {
    const LinkEffect effect = std::move(effects_.front());
    effects_.pop_front();
    std::visit([this](const auto& one) { Do(one); }, effect);
  }
  running_ = false;
  if (stopping_) return;
  tick_.StartOnce(std::max(base::Duration(0), core_.NextTick() - clock_.Now()));
}

void ScLink::Do(const OpenStream& effect) {
  // The close of the one before may have gone with a write of the identity that failed.
  if (stream_ != nullptr) stream_->Close(/*flush=*/false);
  ++open_streams_;
  ++connects_;
  stream_ = new Stream(*this, effect.stream);
}

void ScLink::Do(const SendMessage& effect) {
  if (stream_ != nullptr && stream_->id() == effect.stream) stream_->Send(effect.message);
}

void ScLink::Do(const CloseLinkStream& effect) {
  if (stream_ == nullptr || stream_->id() != effect.stream) return;
  daemon::Log(LogLevel::kDebug, "link.closing", {{"why", effect.why}});
  if (stopping_) return stream_->Close(/*flush=*/true);  // the goodbye is still to go out
  std::exchange(stream_, nullptr)->Close(/*flush=*/false);
}

void ScLink::Do(const PersistIdentity& effect) {
  persisting_ = true;
  loop_.QueueWork(
      [&identity = identity_, record = effect.identity] { return identity.Write(record); },
      [this, guard = std::weak_ptr(alive_)](const absl::Status& written) {
        if (guard.expired()) return;
        persisting_ = false;
        if (!written.ok()) {
          effects_.clear();
          daemon::Log(LogLevel::kError, "identity.not_persisted", {{"error", written.message()}});
          Run(core_.IdentityNotPersisted(std::string(written.message()), clock_.Now()));
        }
        if (!running_) RunQueued();
      });
}

void ScLink::Do(const Complain& effect) {
  daemon::Log(LogLevel::kError, "link.complaint", {{"what", effect.what}});
}

void ScLink::Do(const LinkChanged& effect) {
  daemon::Log(effect.attached ? LogLevel::kInfo : LogLevel::kWarn,
              effect.attached ? "link.attached" : "link.lost",
              {{"sc", target_}, {"session", core_.session().value()}, {"why", effect.why}});
  listener_.OnLinkChanged(effect.attached);
}

void ScLink::OnTaken(LinkStreamId id) {
  if (stopping_) return;
  core_.StreamTaken(id);
  Run({});  // the timer is set anew
}

void ScLink::OnMessage(LinkStreamId id, const sc_pb::AttachResponse& message) {
  if (stopping_) return;
  if (message.has_nack()) listener_.OnHelloRefused(message.nack().reason());
  if (message.has_report_nack()) listener_.OnReportRefused(message.report_nack().reason());
  Run(core_.Receive(id, message, clock_.Now()));
}

void ScLink::OnClosed(Stream* stream, const std::string& why) {
  const LinkStreamId id = stream->id();
  if (stream_ == stream) stream_ = nullptr;
  delete stream;
  --open_streams_;
  if (!stopping_) Run(core_.StreamClosed(id, why, clock_.Now()));
  FinishStop();
}

}  // namespace tidemark::spu
