#include "tests/support/tcp_cut.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <string_view>
#include <utility>

#include "gtest/gtest.h"
#include "tests/support/await.h"
#include "tests/support/status_matchers.h"

namespace tidemark::support {
namespace {

using Direction = TcpCut::Direction;
using std::chrono::milliseconds;

class Socket {
 public:
  explicit Socket(int fd) : fd_(fd) {
    const timeval patience{.tv_sec = kLongWait.count(), .tv_usec = 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
  }
  ~Socket() { Close(); }
  Socket(Socket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Socket& operator=(Socket&&) = delete;

  // errno of connect(2) in `error_number`, 0 if connected.
  static Socket Connect(std::uint16_t port, int* error_number) {
    Socket socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int failed =
        ::connect(socket.fd_, reinterpret_cast<const sockaddr*>(&address), sizeof(address));
    *error_number = failed == 0 ? 0 : errno;
    return socket;
  }

  void Send(std::string_view text) const {
    ASSERT_EQ(::send(fd_, text.data(), text.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(text.size()));
  }
  // What arrives next: text, "" at the end of the stream, "RESET", or "ERROR" after a long wait.
  std::string Receive() const {
    char buffer[256];
    const ssize_t got = ::recv(fd_, buffer, sizeof(buffer), 0);
    if (got < 0) return errno == ECONNRESET ? "RESET" : "ERROR";
    return {buffer, static_cast<std::size_t>(got)};
  }
  bool Silent(milliseconds how_long) const {
    pollfd entry{.fd = fd_, .events = POLLIN, .revents = 0};
    return ::poll(&entry, 1, static_cast<int>(how_long.count())) == 0;
  }
  void EndSending() const { ::shutdown(fd_, SHUT_WR); }
  void Close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }
  int fd() const { return fd_; }

 private:
  int fd_;
};

class TcpCutTest : public testing::Test {
 protected:
  void SetUp() override {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof(address);
    ASSERT_EQ(::bind(listener_, reinterpret_cast<sockaddr*>(&address), length), 0);
    ASSERT_EQ(::listen(listener_, 16), 0);
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &length);
    server_port_ = ntohs(address.sin_port);
    ASSERT_OK_AND_ASSIGN(wire_, TcpCut::Create(server_port_));
  }
  void TearDown() override { ::close(listener_); }

  Socket Connect() {
    int error_number = 0;
    Socket socket = Socket::Connect(wire_->port(), &error_number);
    EXPECT_EQ(error_number, 0);
    return socket;
  }
  int ConnectError() {
    int error_number = 0;
    Socket::Connect(wire_->port(), &error_number);
    return error_number;
  }
  Socket Accept() { return Socket(::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC)); }

  int listener_ = -1;
  std::uint16_t server_port_ = 0;
  std::unique_ptr<TcpCut> wire_;
};

TEST_F(TcpCutTest, ForwardsBothWaysAndCounts) {
  const Socket client = Connect();
  const Socket server = Accept();
  client.Send("hello");
  EXPECT_EQ(server.Receive(), "hello");
  server.Send("welcome");
  EXPECT_EQ(client.Receive(), "welcome");
  EXPECT_EQ(wire_->accepted(), 1);
  EXPECT_EQ(wire_->open(), 1);
  EXPECT_EQ(wire_->bytes(Direction::kToServer), 5);
  EXPECT_EQ(wire_->bytes(Direction::kToClient), 7);
}

TEST_F(TcpCutTest, PassesTheEndOfEachSide) {
  const Socket client = Connect();
  const Socket server = Accept();
  client.Send("last words");
  client.EndSending();
  EXPECT_EQ(server.Receive(), "last words");
  EXPECT_EQ(server.Receive(), "");
  server.Send("answer");
  server.EndSending();
  EXPECT_EQ(client.Receive(), "answer");
  EXPECT_EQ(client.Receive(), "");
  EXPECT_TRUE(WaitFor([&] { return wire_->open() == 0; }, kLongWait, "the connection to be gone"));
}

TEST_F(TcpCutTest, CutResetsWhatIsOpenAndRefusesWhatIsNewTenTimes) {
  for (int round = 1; round <= 10; ++round) {
    const Socket client = Connect();
    const Socket server = Accept();
    client.Send("x");
    EXPECT_EQ(server.Receive(), "x");
    wire_->Cut();
    EXPECT_EQ(client.Receive(), "RESET");
    EXPECT_EQ(server.Receive(), "RESET");
    EXPECT_EQ(wire_->open(), 0);
    EXPECT_EQ(ConnectError(), ECONNREFUSED);
    EXPECT_EQ(wire_->cuts(), round);
    wire_->Restore();
  }
  EXPECT_EQ(wire_->accepted(), 10);
}

TEST_F(TcpCutTest, CutTwiceAndRestoreTwiceIsHarmless) {
  wire_->Cut();
  wire_->Cut();
  wire_->Restore();
  wire_->Restore();
  const Socket client = Connect();
  Accept().Send("still here");
  EXPECT_EQ(client.Receive(), "still here");
}

TEST_F(TcpCutTest, ResetLeavesTheDoorOpen) {
  const Socket first = Connect();
  const Socket server = Accept();
  first.Send("x");
  EXPECT_EQ(server.Receive(), "x");
  wire_->Reset();
  EXPECT_EQ(first.Receive(), "RESET");
  const Socket second = Connect();
  Accept().Send("again");
  EXPECT_EQ(second.Receive(), "again");
}

TEST_F(TcpCutTest, StalledWayIsSilentTheOtherGoesOnAndNothingIsLost) {
  const Socket client = Connect();
  const Socket server = Accept();
  client.Send("a");
  EXPECT_EQ(server.Receive(), "a");
  wire_->Stall(Direction::kToServer);
  client.Send("late");
  server.Send("b");
  EXPECT_EQ(client.Receive(), "b");
  EXPECT_TRUE(server.Silent(milliseconds(100)));
  wire_->Restore();
  EXPECT_EQ(server.Receive(), "late");
}

TEST_F(TcpCutTest, StalledBothWaysNobodyHearsThatThePeerIsGone) {
  const Socket client = Connect();
  Socket server = Accept();
  client.Send("a");
  EXPECT_EQ(server.Receive(), "a");
  wire_->Stall(Direction::kToServer);
  wire_->Stall(Direction::kToClient);
  server.Close();
  EXPECT_TRUE(client.Silent(milliseconds(100)));
  wire_->Cut();
  EXPECT_EQ(client.Receive(), "RESET");
}

TEST_F(TcpCutTest, ForgottenConnectionsAreSilentForEverAndNewOnesWork) {
  const Socket client = Connect();
  const Socket server = Accept();
  client.Send("a");
  EXPECT_EQ(server.Receive(), "a");
  wire_->Stall(Direction::kToServer);
  client.Send("lost");
  wire_->Forget();
  wire_->Restore();
  server.Send("lost too");
  const Socket second = Connect();
  Accept().Send("here");
  EXPECT_EQ(second.Receive(), "here");
  EXPECT_TRUE(server.Silent(milliseconds(100)));
  EXPECT_TRUE(client.Silent(milliseconds(100)));
  wire_->Reset();
  EXPECT_EQ(client.Receive(), "RESET");
  EXPECT_EQ(server.Receive(), "RESET");
}

TEST_F(TcpCutTest, RetargetFollowsAServerThatMoved) {
  ASSERT_OK_AND_ASSIGN(const auto first_wire, TcpCut::Create(1));  // nobody is there
  first_wire->Retarget(server_port_);
  int error_number = 0;
  const Socket client = Socket::Connect(first_wire->port(), &error_number);
  ASSERT_EQ(error_number, 0);
  Accept().Send("moved");
  EXPECT_EQ(client.Receive(), "moved");
}

TEST_F(TcpCutTest, ResetsTheClientWhenNobodyListensBehind) {
  ::close(listener_);
  listener_ = -1;
  int error_number = 0;
  const Socket client = Socket::Connect(wire_->port(), &error_number);
  if (error_number == 0) {
    EXPECT_EQ(client.Receive(), "RESET");
  }
}

TEST_F(TcpCutTest, CarriesMoreThanItsBuffersHold) {
  const Socket client = Connect();
  const Socket server = Accept();
  const std::string large(8 << 20, 'x');
  ASSERT_EQ(::fcntl(client.fd(), F_SETFL, O_NONBLOCK), 0);
  std::size_t sent = 0;
  std::size_t received = 0;
  while (received < large.size()) {
    const ssize_t put = ::send(client.fd(), large.data() + sent, large.size() - sent, MSG_NOSIGNAL);
    if (put > 0) sent += static_cast<std::size_t>(put);
    received += server.Receive().size();
  }
  EXPECT_EQ(received, large.size());
  EXPECT_EQ(wire_->bytes(Direction::kToServer), static_cast<std::int64_t>(large.size()));
}

}  // namespace
}  // namespace tidemark::support
