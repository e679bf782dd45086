#include "tests/support/child_process.hpp"

#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <fstream>
#include <system_error>

#include "tests/support/temp_dir.hpp"

using namespace tapd::test;
using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;

namespace {

ChildOptions shell(const std::string& script) {
  return {.program = "sh", .arguments = {"-c", script}};
}

/// Waits for the end of a process that need not be a child of ours.
bool ends_within(pid_t pid, std::chrono::milliseconds limit) {
  const UniqueFd watch{static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))};
  if (!watch.is_open()) return true;
  pollfd ended{.fd = watch.get(), .events = POLLIN, .revents = 0};
  return ::poll(&ended, 1, static_cast<int>(limit.count())) > 0;
}

}  // namespace

TEST_CASE("a child's exit code and both its outputs come back", "[child_process]") {
  const auto done = run_child(shell("echo out; echo err >&2; exit 3"), 5s);
  CHECK(done.status == ExitStatus{.code = 3, .signal = 0});
  CHECK(done.output == "out\nerr\n");
}

TEST_CASE("a child that a signal ends says which", "[child_process]") {
  ChildProcess child{{.program = "sleep", .arguments = {"60"}}};
  CHECK_FALSE(child.wait(0ms));
  child.signal(SIGUSR1);
  CHECK(child.wait(5s) == ExitStatus{.code = 0, .signal = SIGUSR1});
}

TEST_CASE("stop kills a child that does not listen", "[child_process]") {
  ChildProcess child{shell("trap '' TERM; echo deaf; while :; do sleep 0.05; done")};
  REQUIRE(child.wait_for_output("deaf", 5s));
  CHECK(child.stop(50ms).signal == SIGKILL);
}

TEST_CASE("a program that is not there is an error with its name", "[child_process]") {
  CHECK_THROWS_WITH(ChildProcess{{.program = "no-such-program"}},
                    ContainsSubstring("no-such-program"));
}

TEST_CASE("a child gets the given environment over the parent's", "[child_process]") {
  auto options = shell("echo \"$PATH-$HOME\"");
  options.environment = {{"HOME", "/over/there"}, {"TAPD_X", "1"}};
  CHECK_THAT(run_child(options, 5s).output, ContainsSubstring("bin-/over/there\n"));
}

TEST_CASE("a child inherits no descriptor and no blocked signal", "[child_process]") {
  const TempDir folder;
  const std::ofstream open_file{folder / "open"};
  sigset_t term;
  ::sigemptyset(&term);
  ::sigaddset(&term, SIGTERM);
  ::sigprocmask(SIG_BLOCK, &term, nullptr);
  ChildProcess child{shell("ls -l /proc/self/fd; exec sleep 60")};
  ::sigprocmask(SIG_UNBLOCK, &term, nullptr);
  REQUIRE(child.wait_for_output("2 -> ", 5s));
  CHECK_THAT(child.output(), !ContainsSubstring(folder.path().string()));
  CHECK(child.stop(5s).signal == SIGTERM);
}

TEST_CASE("output can go to a file, and waiting for text sees the end", "[child_process]") {
  const TempDir folder;
  auto options = shell("echo first; echo last");
  options.output = ChildOutput::file;
  options.output_file = folder / "log";
  ChildProcess child{options};
  CHECK(child.wait_for_output("last", 5s));
  CHECK_FALSE(child.wait_for_output("never", 5s));
}

TEST_CASE("the owner's end is the child's end", "[child_process]") {
  pid_t pid = 0;
  {
    const ChildProcess child{{.program = "sleep", .arguments = {"60"}}};
    pid = child.pid();
  }
  CHECK(::kill(pid, 0) == -1);
}

// A test that is killed runs no destructor; its daemons must not stay behind on the machine.
TEST_CASE("a child does not outlive a parent that was killed", "[child_process]") {
  std::array<int, 2> ends{};
  REQUIRE(::pipe(ends.data()) == 0);
  const pid_t parent = ::fork();
  if (parent == 0) {
    const ChildProcess child{{.program = "sleep", .arguments = {"60"}}};
    const pid_t pid = child.pid();
    if (::write(ends[1], &pid, sizeof(pid)) != sizeof(pid)) ::_exit(1);
    ::raise(SIGKILL);
  }
  pid_t grandchild = 0;
  REQUIRE(::read(ends[0], &grandchild, sizeof(grandchild)) == sizeof(grandchild));
  CHECK(ends_within(grandchild, 5s));
  ::waitpid(parent, nullptr, 0);
  ::close(ends[0]);
  ::close(ends[1]);
}

TEST_CASE("root can start a child as somebody else", "[child_process]") {
  if (::geteuid() != 0) SKIP("only root can change users");
  ChildOptions options{.program = "id", .arguments = {"-u"}};
  options.run_as = UserIds{.uid = 65534, .gid = 65534};
  CHECK(run_child(options, 5s).output == "65534\n");
}
