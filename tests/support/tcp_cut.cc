#include "tests/support/tcp_cut.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include "absl/strings/str_format.h"
#include "base/check.h"
#include "base/errno_status.h"

namespace tidemark::support {
namespace {

constexpr std::size_t kBufferBytes = 64 * 1024;

sockaddr_in Loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

int NewSocket() {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  TM_CHECK(fd >= 0);
  return fd;
}

// Several sockets of ours may be bound to one port; only the listening one gets connections.
bool BindShared(int fd, std::uint16_t port) {
  const int on = 1;
  const sockaddr_in address = Loopback(port);
  return ::setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) == 0 &&
         ::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
}

void CloseWithReset(int fd) {
  const linger reset{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
  ::close(fd);
}

void SendAtOnce(int fd) {
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

// One way of one connection: bytes read from one socket and not yet written to the other.
struct Flow {
  std::string buffer;
  bool ended = false;     // the sender closed its side
  bool end_told = false;  // and the receiver knows

  bool wants_read() const { return !ended && buffer.size() < kBufferBytes; }
  bool wants_write() const { return !buffer.empty() || (ended && !end_told); }

  // False if the connection is broken.
  bool Read(int fd) {
    char chunk[kBufferBytes];
    const ssize_t got = ::recv(fd, chunk, sizeof(chunk) - buffer.size(), 0);
    if (got > 0) buffer.append(chunk, static_cast<std::size_t>(got));
    if (got == 0) ended = true;
    return got >= 0 || errno == EAGAIN || errno == EINTR;
  }

  bool Write(int fd, std::int64_t& bytes) {
    if (!buffer.empty()) {
      const ssize_t put = ::send(fd, buffer.data(), buffer.size(), MSG_NOSIGNAL);
      if (put < 0) return errno == EAGAIN || errno == EINTR;
      buffer.erase(0, static_cast<std::size_t>(put));
      bytes += put;
    }
    if (buffer.empty() && ended && !end_told) {
      ::shutdown(fd, SHUT_WR);
      end_told = true;
    }
    return true;
  }
};

}  // namespace

struct TcpCut::Connection {
  int client_fd = -1;
  int server_fd = -1;
  Flow to_server;
  Flow to_client;
  bool forgotten = false;

  ~Connection() {
    if (client_fd >= 0) CloseWithReset(client_fd);
    if (server_fd >= 0) CloseWithReset(server_fd);
  }

  bool finished() const { return to_server.end_told && to_client.end_told; }

  pollfd ClientEntry(bool stalled_to_server, bool stalled_to_client) const {
    return Entry(client_fd, !stalled_to_server && to_server.wants_read(),
                 !stalled_to_client && to_client.wants_write());
  }
  pollfd ServerEntry(bool stalled_to_server, bool stalled_to_client) const {
    return Entry(server_fd, !stalled_to_client && to_client.wants_read(),
                 !stalled_to_server && to_server.wants_write());
  }

 private:
  // poll(2) reports errors and hang-ups even when nothing is wanted: a stalled way must not see
  // them, so a socket that nobody wants anything of is left out.
  pollfd Entry(int fd, bool read, bool write) const {
    const int events = forgotten ? 0 : (read ? POLLIN : 0) | (write ? POLLOUT : 0);
    return {.fd = events == 0 ? -1 : fd, .events = static_cast<short>(events), .revents = 0};
  }
};

absl::StatusOr<std::unique_ptr<TcpCut>> TcpCut::Create(std::uint16_t server_port) {
  const int holder_fd = NewSocket();
  sockaddr_in bound{};
  socklen_t length = sizeof(bound);
  if (!BindShared(holder_fd, 0) ||
      ::getsockname(holder_fd, reinterpret_cast<sockaddr*>(&bound), &length) != 0) {
    const int error_number = errno;
    ::close(holder_fd);
    return base::ErrnoStatus(error_number, "bind a port on loopback");
  }
  const int wake_fd = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  TM_CHECK(wake_fd >= 0);
  return std::unique_ptr<TcpCut>(
      new TcpCut(holder_fd, wake_fd, ntohs(bound.sin_port), server_port));
}

TcpCut::TcpCut(int holder_fd, int wake_fd, std::uint16_t port, std::uint16_t server_port)
    : holder_fd_(holder_fd), wake_fd_(wake_fd), port_(port), server_port_(server_port) {
  Listen();
  thread_ = std::thread([this] { Loop(); });
}

TcpCut::~TcpCut() {
  Run([this] { stopping_ = true; });
  thread_.join();
  connections_.clear();
  if (listen_fd_ >= 0) ::close(listen_fd_);
  ::close(holder_fd_);
  ::close(wake_fd_);
}

std::string TcpCut::address() const { return absl::StrFormat("127.0.0.1:%d", port_); }

void TcpCut::Cut() {
  Run([this] {
    ++cuts_;
    if (listen_fd_ >= 0) ::close(listen_fd_);
    listen_fd_ = -1;
    ResetAll();
  });
}

void TcpCut::Reset() {
  Run([this] { ResetAll(); });
}

void TcpCut::Stall(Direction direction) {
  Run([this, direction] {
    (direction == Direction::kToServer ? stalled_to_server_ : stalled_to_client_) = true;
  });
}

void TcpCut::Forget() {
  Run([this] {
    for (const auto& connection : connections_) connection->forgotten = true;
  });
}

void TcpCut::Restore() {
  Run([this] {
    stalled_to_server_ = stalled_to_client_ = false;
    if (listen_fd_ < 0) Listen();
  });
}

void TcpCut::Retarget(std::uint16_t server_port) {
  Run([this, server_port] { server_port_ = server_port; });
}

int TcpCut::open() {
  int count = 0;
  Run([&] { count = static_cast<int>(connections_.size()); });
  return count;
}

std::int64_t TcpCut::bytes(Direction direction) {
  std::int64_t count = 0;
  Run([&] { count = direction == Direction::kToServer ? to_server_bytes_ : to_client_bytes_; });
  return count;
}

void TcpCut::Run(const std::function<void()>& task) {
  const base::MutexLock lock(mutex_);
  tasks_.push_back(task);
  const std::uint64_t ticket = ++posted_;
  TM_CHECK(::eventfd_write(wake_fd_, 1) == 0);
  while (finished_ < ticket) done_.Wait(mutex_);
}

void TcpCut::RunTasks() {
  eventfd_t ignored = 0;
  ::eventfd_read(wake_fd_, &ignored);
  const base::MutexLock lock(mutex_);
  for (const auto& task : tasks_) task();
  finished_ += tasks_.size();
  tasks_.clear();
  done_.NotifyAll();
}

void TcpCut::Listen() {
  listen_fd_ = NewSocket();
  TM_CHECK(BindShared(listen_fd_, port_));
  TM_CHECK(::listen(listen_fd_, SOMAXCONN) == 0);
}

void TcpCut::Accept() {
  auto connection = std::make_unique<Connection>();
  connection->client_fd = ::accept4(listen_fd_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (connection->client_fd < 0) return;
  ++accepted_;
  connection->server_fd = NewSocket();
  SendAtOnce(connection->client_fd);
  SendAtOnce(connection->server_fd);
  const sockaddr_in address = Loopback(server_port_);
  const int connected = ::connect(connection->server_fd,
                                  reinterpret_cast<const sockaddr*>(&address), sizeof(address));
  if (connected != 0 && errno != EINPROGRESS) return;  // resets the client: no server there
  connections_.push_back(std::move(connection));
}

void TcpCut::ResetAll() { connections_.clear(); }

void TcpCut::Loop() {
  while (!stopping_) {
    std::vector<pollfd> entries = {{.fd = wake_fd_, .events = POLLIN, .revents = 0},
                                   {.fd = listen_fd_, .events = POLLIN, .revents = 0}};
    for (const auto& connection : connections_) {
      entries.push_back(connection->ClientEntry(stalled_to_server_, stalled_to_client_));
      entries.push_back(connection->ServerEntry(stalled_to_server_, stalled_to_client_));
    }
    if (::poll(entries.data(), entries.size(), -1) < 0) continue;

    std::size_t index = 2;
    std::erase_if(connections_, [&](const std::unique_ptr<Connection>& connection) {
      const pollfd& client = entries[index++];
      const pollfd& server = entries[index++];
      constexpr int kReadable = POLLIN | POLLHUP | POLLERR;
      bool alive = true;
      // An error of a socket whose input is not wanted shows when it is written to.
      if ((client.events & POLLIN) != 0 && (client.revents & kReadable) != 0) {
        alive = alive && connection->to_server.Read(connection->client_fd);
      }
      if ((server.events & POLLIN) != 0 && (server.revents & kReadable) != 0) {
        alive = alive && connection->to_client.Read(connection->server_fd);
      }
      if ((client.events & POLLOUT) != 0 && client.revents != 0) {
        alive = alive && connection->to_client.Write(connection->client_fd, to_client_bytes_);
      }
      if ((server.events & POLLOUT) != 0 && server.revents != 0) {
        alive = alive && connection->to_server.Write(connection->server_fd, to_server_bytes_);
      }
      return !alive || connection->finished();
    });
    if (entries[1].revents != 0) Accept();
    if (entries[0].revents != 0) RunTasks();
  }
}

}  // namespace tidemark::support
