#include "daemon/loop/tcp_acceptor.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <utility>

#include "base/check.h"
#include "base/status_macros.h"

namespace tidemark::daemon {
namespace {

// Connections taken per turn, so that a flood of them leaves the loop its other work.
constexpr int kAcceptsPerTurn = 64;
// How long to look away when not even the spare descriptor could be had.
constexpr base::Duration kPause = std::chrono::milliseconds(100);

int OpenSpare() { return open("/dev/null", O_RDONLY | O_CLOEXEC); }

int AcceptFrom(int listener) {
  return accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

bool OutOfDescriptors(int error) {
  return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

}  // namespace

int DefaultDescriptorLimit() {
  rlimit files{};
  if (getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur > INT_MAX) return INT_MAX;
  return static_cast<int>(files.rlim_cur / 4 * 3);
}

absl::StatusOr<std::unique_ptr<TcpAcceptor>> TcpAcceptor::Listen(EventLoop& loop,
                                                                 const Endpoint& endpoint,
                                                                 int descriptor_limit,
                                                                 OnConnection on_connection) {
  TM_ASSIGN_OR_RETURN(ListenSocket socket, ListenSocket::Open(endpoint));
  std::unique_ptr<TcpAcceptor> acceptor(
      new TcpAcceptor(loop, std::move(socket), descriptor_limit, std::move(on_connection)));
  acceptor->Watch();
  return acceptor;
}

TcpAcceptor::TcpAcceptor(EventLoop& loop, ListenSocket socket, int descriptor_limit,
                         OnConnection on_connection)
    : loop_(loop),
      socket_(std::move(socket)),
      descriptor_limit_(descriptor_limit),
      on_connection_(std::move(on_connection)),
      spare_(OpenSpare()),
      poll_(State{.acceptor = this}),
      resume_(loop, [this] { Watch(); }) {
  TM_CHECK(uv_poll_init(loop_.uv(), poll_.get(), socket_.fd.get()) == 0);
  poll_.MarkOpen();
}

TcpAcceptor::~TcpAcceptor() {
  loop_.AssertOnLoop();
  poll_.Close();  // before the descriptor it watches
}

void TcpAcceptor::Watch() {
  TM_CHECK(uv_poll_start(poll_.get(), UV_READABLE, [](uv_poll_t* poll, int, int) {
             UvHandle<uv_poll_t, State>::StateOf(poll).acceptor->AcceptSome();
           }) == 0);
}

void TcpAcceptor::AcceptSome() {
  for (int i = 0; i < kAcceptsPerTurn; ++i) {
    if (!AcceptOne()) return;
  }
}

// False when there is no more to take now.
bool TcpAcceptor::AcceptOne() {
  UniqueFd connection(AcceptFrom(socket_.fd.get()));
  if (!connection.valid()) {
    if (errno == EAGAIN || errno == EWOULDBLOCK) return false;
    if (!OutOfDescriptors(errno)) return true;  // that peer has gone; try the next
    return ShedOne();
  }
  if (connection.get() >= descriptor_limit_) {
    ++refused_;
    return true;
  }
  const int yes = 1;
  setsockopt(connection.get(), IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
  ++accepted_;
  on_connection_(std::move(connection));
  return true;
}

// The listener stays readable while a connection waits: without a descriptor to take and close it
// with, the loop would spin.
bool TcpAcceptor::ShedOne() {
  spare_.Reset();
  UniqueFd connection(AcceptFrom(socket_.fd.get()));
  const int error = connection.valid() ? 0 : errno;
  connection.Reset();
  spare_.Reset(OpenSpare());
  if (error == 0) {
    ++refused_;
    return true;
  }
  if (!OutOfDescriptors(error)) return false;  // nobody waits: EMFILE comes before EAGAIN
  uv_poll_stop(poll_.get());
  resume_.StartOnce(kPause);
  return false;
}

}  // namespace tidemark::daemon
