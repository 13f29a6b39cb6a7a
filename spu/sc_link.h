// The edge of the SPU's link to the controller: gRPC, timers and the identity file around LinkCore.
//
// One channel and one stream per try. Effects are carried out in order; an identity is durable
// before the effect behind it begins.
//
// Lifetime:  streams delete themselves after gRPC has let go of them; Stop() first, then wait for
//            `done`.
// Threading: confined to the loop; gRPC's callbacks only post.
// Errors:    none: the link keeps trying. What needs a person is logged.
#pragma once

#include <deque>
#include <memory>
#include <string>

#include "absl/functional/any_invocable.h"
#include "daemon/loop/event_loop.h"
#include "daemon/loop/timer.h"
#include "spu/core/link_core.h"
#include "spu/identity_store.h"

namespace tidemark::spu {

// What the link asks of the rest of the SPU.
class LinkListener {
 public:
  virtual ~LinkListener() = default;
  virtual void OnProofRefused(const ProofRefused& refused) = 0;
  virtual void OnWiped(const Wiped& wiped) = 0;
  virtual void OnHelloRefused(tidemark::sc::v1::NackReason /*reason*/) {}
  virtual void OnReportRefused(tidemark::sc::v1::ReportRefusal /*reason*/) {}
  virtual void OnAssignments(const tidemark::sc::v1::Assignments& assignments) = 0;
  virtual void OnLinkChanged(bool attached) = 0;
  // No appends while `why` is not empty; see Fence.
  virtual void OnFence(const std::string& why) = 0;
  virtual void OnExit(int code, const std::string& why) = 0;
};

class ScLink {
 public:
  ScLink(daemon::EventLoop& loop, const base::Clock& clock, const LinkOptions& options,
         IdentityStore& identity, std::string target, LinkListener& listener);
  ~ScLink();

  void AddVolume(const base::Uuid& volume, const std::string& path);
  void SetReport(tidemark::sc::v1::Report report);
  void SetProgress(std::vector<tidemark::sc::v1::PartitionProgress> partitions);
  void SetHealth(const LinkHealth& health) { core_.SetHealth(health); }
  void AcknowledgeAssignments(tidemark::sc::v1::AssignmentsAck ack);

  void Start();
  // Goodbye; `done` when the last stream is gone.
  void Stop(absl::AnyInvocable<void()> done);

  const LinkCore& core() const { return core_; }
  std::uint64_t connects() const { return connects_; }

 private:
  class Stream;

  void Run(LinkEffects effects);
  void RunQueued();
  void Do(const OpenStream& effect);
  void Do(const SendMessage& effect);
  void Do(const CloseLinkStream& effect);
  void Do(const PersistIdentity& effect);
  void Do(const ProofRefused& effect) { listener_.OnProofRefused(effect); }
  void Do(const Wiped& effect) { listener_.OnWiped(effect); }
  void Do(const ApplyAssignments& effect) { listener_.OnAssignments(effect.assignments); }
  void Do(const Complain& effect);
  void Do(const LinkChanged& effect);
  void Do(const Fence& effect) { listener_.OnFence(effect.why); }
  void Do(const ExitProcess& effect) { listener_.OnExit(effect.code, effect.why); }

  void OnTaken(LinkStreamId id);
  void OnMessage(LinkStreamId id, const tidemark::sc::v1::AttachResponse& message);
  void OnClosed(Stream* stream, const std::string& why);
  void FinishStop();

  daemon::EventLoop& loop_;
  const base::Clock& clock_;
  IdentityStore& identity_;
  const std::string target_;
  LinkListener& listener_;
  LinkCore core_;
  daemon::Timer tick_;
  daemon::Timer goodbye_;
  std::deque<LinkEffect> effects_;
  bool running_ = false;
  bool persisting_ = false;
  bool stopping_ = false;
  Stream* stream_ = nullptr;      // the newest one, if it is open
  std::size_t open_streams_ = 0;  // those closing, too
  std::uint64_t connects_ = 0;
  absl::AnyInvocable<void()> on_stopped_;
  std::shared_ptr<const bool> alive_ = std::make_shared<const bool>(true);
};

}  // namespace tidemark::spu
