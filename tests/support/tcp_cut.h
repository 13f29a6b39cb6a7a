// A wire that a test can cut: a TCP proxy on loopback between two real processes.
//
//   ASSERT_OK_AND_ASSIGN(const auto wire, TcpCut::Create(sc_port));
//   … the SPU connects to wire->address() …
//   wire->Cut();      // resets what is open, refuses what is new
//   wire->Restore();
//
// Every call returns after it has taken effect. The port stays the same for the whole life.
//
// Lifetime:  resets all connections when destroyed.
// Threading: one thread of its own does all work; calls may come from any thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/statusor.h"
#include "base/mutex.h"

namespace tidemark::support {

class TcpCut {
 public:
  enum class Direction : std::uint8_t { kToServer, kToClient };

  // Forwards to 127.0.0.1:`server_port`.
  static absl::StatusOr<std::unique_ptr<TcpCut>> Create(std::uint16_t server_port);
  ~TcpCut();
  TcpCut(const TcpCut&) = delete;
  TcpCut& operator=(const TcpCut&) = delete;

  std::uint16_t port() const { return port_; }
  std::string address() const;  // "127.0.0.1:PORT"

  // Resets every connection and refuses new ones.
  void Cut();
  // Resets every connection; new ones are welcome at once.
  void Reset();
  // Half-open: nothing goes that way any more, not even the end of the stream. Both sides stay
  // connected and hear nothing, as behind a firewall that forgot them.
  void Stall(Direction direction);
  // What a firewall does that lost its table: nothing of the connections that are open now arrives
  // any more, neither way, for ever. Nobody is told; new connections work.
  void Forget();
  // Ends Cut() and Stall(). What was stalled, and neither cut nor forgotten, arrives late.
  void Restore();
  // Where new connections go: the server came back on another port.
  void Retarget(std::uint16_t server_port);

  int accepted() const { return accepted_; }  // connections so far
  int open();                                 // now
  int cuts() const { return cuts_; }          // calls of Cut()
  std::int64_t bytes(Direction direction);    // at least what a side has received by now

 private:
  struct Connection;

  TcpCut(int holder_fd, int wake_fd, std::uint16_t port, std::uint16_t server_port);

  void Run(const std::function<void()>& task);  // on the thread, and waits for it
  void Loop();
  void RunTasks();
  void Listen();
  void Accept();
  void ResetAll();

  const int holder_fd_;  // bound, never listening: keeps the port ours while it is cut
  const int wake_fd_;
  const std::uint16_t port_;
  std::atomic<int> accepted_ = 0;
  std::atomic<int> cuts_ = 0;

  base::Mutex mutex_;
  base::CondVar done_;
  std::vector<std::function<void()>> tasks_ TM_GUARDED_BY(mutex_);
  std::uint64_t posted_ TM_GUARDED_BY(mutex_) = 0;
  std::uint64_t finished_ TM_GUARDED_BY(mutex_) = 0;

  // Of the thread alone.
  int listen_fd_ = -1;
  std::uint16_t server_port_;
  bool stalled_to_server_ = false;
  bool stalled_to_client_ = false;
  bool stopping_ = false;
  std::int64_t to_server_bytes_ = 0;
  std::int64_t to_client_bytes_ = 0;
  std::vector<std::unique_ptr<Connection>> connections_;

  std::thread thread_;
};

}  // namespace tidemark::support
