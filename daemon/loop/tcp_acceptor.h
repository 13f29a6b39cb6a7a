// Accepts TCP connections on the loop and hands each one's descriptor to its owner.
//
// Exists because gRPC 1.51's own listener dies for ever at the first EMFILE (CVE-2023-4785). Here
// a connection whose descriptor number is at or above `descriptor_limit` is closed at once (the
// kernel gives the lowest free number, so the number says how many are open), and at EMFILE a spare
// descriptor is given up to take the waiting connection and close it.
//
// Lifetime:  destroyed before its loop closes; accepted descriptors belong to the callback.
// Threading: confined to the loop, but the counters from any thread.
// Errors:    Listen() as ListenSocket::Open().
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "daemon/loop/endpoint.h"
#include "daemon/loop/event_loop.h"
#include "daemon/loop/listen_socket.h"
#include "daemon/loop/timer.h"
#include "daemon/loop/unique_fd.h"
#include "daemon/loop/uv_handle.h"

namespace tidemark::daemon {

// Three quarters of RLIMIT_NOFILE: the rest is for log segments, the store and the health port.
int DefaultDescriptorLimit();

class TcpAcceptor {
 public:
  // Receives a connected socket: non-blocking, close-on-exec, TCP_NODELAY.
  using OnConnection = absl::AnyInvocable<void(UniqueFd)>;

  static absl::StatusOr<std::unique_ptr<TcpAcceptor>> Listen(EventLoop& loop,
                                                             const Endpoint& endpoint,
                                                             int descriptor_limit,
                                                             OnConnection on_connection);
  ~TcpAcceptor();
  TcpAcceptor(const TcpAcceptor&) = delete;
  TcpAcceptor& operator=(const TcpAcceptor&) = delete;

  // With the real port, where 0 was asked for.
  const Endpoint& endpoint() const { return socket_.endpoint; }
  std::uint64_t accepted() const { return accepted_.load(); }
  std::uint64_t refused() const { return refused_.load(); }

 private:
  struct State {
    TcpAcceptor* acceptor;
  };

  TcpAcceptor(EventLoop& loop, ListenSocket socket, int descriptor_limit,
              OnConnection on_connection);

  void Watch();
  void AcceptSome();
  bool AcceptOne();
  bool ShedOne();

  EventLoop& loop_;
  ListenSocket socket_;
  const int descriptor_limit_;
  OnConnection on_connection_;
  UniqueFd spare_;
  std::atomic<std::uint64_t> accepted_{0};
  std::atomic<std::uint64_t> refused_{0};
  UvHandle<uv_poll_t, State> poll_;
  Timer resume_;
};

}  // namespace tidemark::daemon
