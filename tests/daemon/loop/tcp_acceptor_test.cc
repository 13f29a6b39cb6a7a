#include "daemon/loop/tcp_acceptor.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <climits>
#include <csignal>
#include <functional>
#include <vector>

#include "daemon/loop/drain_signals.h"
#include "daemon/loop/signal_watcher.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"

namespace tidemark::daemon {
namespace {

constexpr int kFewDescriptors = 40;
constexpr int kManyConnections = 100;

// The lowest free number: tests that ran before this one may have left some open.
int DescriptorsInUse() { return UniqueFd(dup(STDERR_FILENO)).get(); }

void SetDescriptorLimit(int soft) {
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = static_cast<rlim_t>(soft);
  setrlimit(RLIMIT_NOFILE, &files);
}

// Greets every connection with one byte and keeps it; SIGHUP lets all of them go, SIGTERM ends.
class GreeterProcess {
 public:
  explicit GreeterProcess(int descriptor_limit, int descriptors) {
    int ends[2];
    EXPECT_EQ(pipe(ends), 0);
    pid_ = fork();
    if (pid_ == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);  // also when the test itself is killed
      Serve(descriptor_limit, descriptors, ends[1]);
      _exit(0);
    }
    close(ends[1]);
    EXPECT_EQ(read(ends[0], &port_, sizeof(port_)), static_cast<ssize_t>(sizeof(port_)));
    close(ends[0]);
  }

  ~GreeterProcess() {
    kill(pid_, SIGTERM);
    int status = 0;
    EXPECT_EQ(waitpid(pid_, &status, 0), pid_);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << "status " << status;
  }

  void LetGo() const { kill(pid_, SIGHUP); }

  UniqueFd Connect() const {
    UniqueFd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port_);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
    return fd;
  }

  // False: the connection was closed instead.
  static bool Greeted(const UniqueFd& connection) {
    pollfd waiting{.fd = connection.get(), .events = POLLIN, .revents = 0};
    EXPECT_EQ(poll(&waiting, 1, 30'000), 1) << "neither greeted nor refused";
    char greeting = 0;
    return recv(connection.get(), &greeting, 1, 0) == 1;
  }

 private:
  static void Serve(int descriptor_limit, int descriptors, int report) {
    const int enough = DescriptorsInUse() + kFewDescriptors;
    EventLoop loop;
    std::vector<UniqueFd> held;
    auto acceptor =
        TcpAcceptor::Listen(loop, {"127.0.0.1", 0}, descriptor_limit, [&held](UniqueFd connection) {
          if (send(connection.get(), "k", 1, MSG_NOSIGNAL) == 1) {
            held.push_back(std::move(connection));
          }
        });
    if (!acceptor.ok()) _exit(3);
    DrainSignals drain(loop, [&loop] { loop.Stop(); });
    SignalWatcher let_go(loop, SIGHUP, [&held, enough] {
      SetDescriptorLimit(enough);
      held.clear();
    });
    const std::uint16_t port = (*acceptor)->endpoint().port;
    if (write(report, &port, sizeof(port)) != static_cast<ssize_t>(sizeof(port))) _exit(4);
    close(report);
    SetDescriptorLimit(descriptors);
    loop.Run();
  }

  pid_t pid_ = -1;
  std::uint16_t port_ = 0;
};

class TcpAcceptorTest : public testing::TestWithParam<int> {};

// With the limit below what the process may open, and with EMFILE itself.
INSTANTIATE_TEST_SUITE_P(Limits, TcpAcceptorTest, testing::Values(kFewDescriptors - 10, INT_MAX));

TEST_P(TcpAcceptorTest, ServesAgainAfterManyIdleConnectionsOnFewDescriptors) {
  const int used = DescriptorsInUse();
  const int limit = GetParam() == INT_MAX ? INT_MAX : used + GetParam();
  const GreeterProcess greeter(limit, used + kFewDescriptors);
  std::vector<UniqueFd> idle;
  int greeted = 0;
  int refused = 0;
  for (int i = 0; i < kManyConnections; ++i) {
    idle.push_back(greeter.Connect());
    ++(GreeterProcess::Greeted(idle.back()) ? greeted : refused);
  }
  EXPECT_GT(greeted, 5);
  EXPECT_LT(greeted, kFewDescriptors);
  EXPECT_EQ(refused, kManyConnections - greeted);

  greeter.LetGo();
  for (UniqueFd& connection : idle) {
    char end = 0;
    EXPECT_EQ(recv(connection.get(), &end, 1, 0), 0);  // all let go
  }
  EXPECT_TRUE(GreeterProcess::Greeted(greeter.Connect()));
}

TEST(TcpAcceptorSpareTest, WaitsForADescriptorWhenNotEvenTheSpareHelps) {
  const GreeterProcess greeter(INT_MAX, 3);  // the spare's own number is above the limit
  const UniqueFd connection = greeter.Connect();
  greeter.LetGo();  // puts the limit back
  EXPECT_TRUE(GreeterProcess::Greeted(connection));
}

TEST(TcpAcceptorCountTest, CountsWhatItTookAndRefused) {
  EventLoop loop;
  int connections = 0;
  ASSERT_OK_AND_ASSIGN(const auto acceptor,
                       TcpAcceptor::Listen(loop, {"127.0.0.1", 0}, /*descriptor_limit=*/0,
                                           [&connections](UniqueFd) { ++connections; }));
  UniqueFd client(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(acceptor->endpoint().port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(connect(client.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  Timer until(loop, [&] {
    if (acceptor->refused() == 1) loop.Stop();
  });
  until.StartPeriodic(std::chrono::milliseconds(1));
  loop.Run();
  EXPECT_EQ(connections, 0);
  EXPECT_EQ(acceptor->accepted(), 0U);
}

}  // namespace
}  // namespace tidemark::daemon
