// Root that may not mount, as in most containers: it gets its small volume in a user namespace, and
// may give it to the daemons' user all the same.
//
// A process enters but once: each test does it in a child. The suites come first (DeathTest), while
// this process has not entered itself and has no threads.
#include "tests/support/private_mounts.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <initializer_list>
#include <string>

#include "absl/strings/str_format.h"
#include "base/errno_status.h"
#include "base/status_macros.h"
#include "tests/support/command.h"
#include "tests/support/small_volume.h"
#include "tests/support/status_matchers.h"

namespace tidemark::support {
namespace {

absl::Status LoseCapabilities(std::initializer_list<unsigned> numbers) {
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  __user_cap_data_struct data[2] = {};
  if (::syscall(SYS_capget, &header, data) != 0) return base::ErrnoStatus(errno, "capget");
  for (const unsigned number : numbers) {
    if (::prctl(PR_CAPBSET_DROP, number) != 0) return base::ErrnoStatus(errno, "drop");
    __user_cap_data_struct& half = data[number / 32];
    const unsigned others = ~(1U << number % 32);
    half.effective &= others;
    half.permitted &= others;
    half.inheritable &= others;
  }
  return ::syscall(SYS_capset, &header, data) == 0 ? absl::OkStatus()
                                                   : base::ErrnoStatus(errno, "capset");
}

// What the stage of every play does with its volumes.
absl::Status UseAVolume() {
  TM_ASSIGN_OR_RETURN(const auto volume, SmallVolume::Create({.world_writable = true}));
  const std::string directory = volume->path() + "/tidemark";
  if (::mkdir(directory.c_str(), 0700) != 0) return base::ErrnoStatus(errno, "mkdir");
  TM_RETURN_IF_ERROR(GiveToDaemons(directory));
  TM_ASSIGN_OR_RETURN(
      const auto wrote,
      RunCommand({"/bin/sh", "-c", "id -u >" + directory + "/who; cat " + directory + "/who"},
                 {.as_daemon_user = true}));
  if (wrote.output == absl::StrFormat("%d\n", kNobody)) return absl::OkStatus();
  return absl::InternalError("the daemons' user cannot use it: " + wrote.ToString());
}

// What `act` returned in a child of this process.
template <typename Act>
absl::Status InAChild(Act act) {
  int words[2];
  if (::pipe2(words, O_CLOEXEC) != 0) return base::ErrnoStatus(errno, "pipe");
  const pid_t child = ::fork();
  if (child == 0) {
    const absl::Status status = act();
    [[maybe_unused]] const ssize_t told =
        ::write(words[1], status.message().data(), status.message().size());
    ::_exit(static_cast<int>(status.code()));
  }
  ::close(words[1]);
  std::string message;
  char chunk[512];
  for (ssize_t got; (got = ::read(words[0], chunk, sizeof(chunk))) > 0;) {
    message.append(chunk, static_cast<std::size_t>(got));
  }
  ::close(words[0]);
  int ended = 0;
  ::waitpid(child, &ended, 0);
  if (!WIFEXITED(ended)) return absl::InternalError("the child was killed");
  return {static_cast<absl::StatusCode>(WEXITSTATUS(ended)), message};
}

class PrivateMountsDeathTest : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "this machine runs the tests as somebody else than root";
    // Is there a machine at all that lets root do it?
    const absl::Status allowed = InAChild([] {
      return ::unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0 ? absl::OkStatus()
                                                         : base::ErrnoStatus(errno, "unshare");
    });
    if (!allowed.ok()) GTEST_SKIP() << "no user namespaces here: " << allowed.message();
  }
};

TEST_F(PrivateMountsDeathTest, RootWithoutSysAdminHasASmallVolumeForTheDaemonsUser) {
  EXPECT_OK(InAChild([] {
    TM_RETURN_IF_ERROR(LoseCapabilities({CAP_SYS_ADMIN}));
    return UseAVolume();
  }));
}

TEST_F(PrivateMountsDeathTest, RootThatMayNotMapUsersIsToldWhatItLacks) {
  const absl::Status status = InAChild([] {
    TM_RETURN_IF_ERROR(LoseCapabilities({CAP_SYS_ADMIN, CAP_SETUID, CAP_SETGID}));
    return UseAVolume();
  });
  EXPECT_EQ(status.code(), absl::StatusCode::kUnimplemented) << status;
  EXPECT_NE(status.message().find("CAP_SETUID"), absl::string_view::npos) << status;
}

}  // namespace
}  // namespace tidemark::support
