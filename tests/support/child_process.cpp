#include "tests/support/child_process.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <linux/close_range.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "tests/support/deadline.hpp"

namespace tapd::test {
namespace {

using namespace std::chrono_literals;

[[noreturn]] void fail(int error, const std::string& what) {
  throw std::system_error(error, std::generic_category(), what);
}

/// Pointers into `texts`, ended by a null pointer, as execve wants them.
std::vector<char*> pointers_to(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  pointers.reserve(texts.size() + 1);
  for (auto& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

std::vector<std::string> merged_environment(const ChildOptions& options) {
  std::vector<std::string> merged;
  for (const auto& [name, value] : options.environment) {
    merged.emplace_back(name).append("=").append(value);
  }
  const std::size_t given = merged.size();
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text{*entry};
    bool replaced = false;
    for (std::size_t i = 0; i < given && !replaced; ++i) {
      const std::string& own = merged[i];
      replaced = text.starts_with(std::string_view{own}.substr(0, own.find('=') + 1));
    }
    if (!replaced) merged.emplace_back(text);
  }
  return merged;
}

/// All that the child needs after fork(), made before it: between fork() and execve() of a program
/// with threads only async-signal-safe calls are allowed, so nothing there may allocate.
struct Launch {
  const ChildOptions& options;
  char* const* arguments;
  char* const* environment;
  int output_fd;  ///< -1: inherited.
  int null_fd;
  int error_fd;
  pid_t parent;
};

bool become(const UserIds& user) {
  return ::setgroups(0, nullptr) == 0 && ::setresgid(user.gid, user.gid, user.gid) == 0 &&
         ::setresuid(user.uid, user.uid, user.uid) == 0;
}

bool prepare_child(const Launch& launch) {
  ::setpgid(0, 0);
  if (launch.options.run_as && !become(*launch.options.run_as)) return false;
  // After the change of user: the kernel forgets the death signal when credentials change.
  if (::prctl(PR_SET_PDEATHSIG, launch.options.death_signal) != 0) return false;
  if (::getppid() != launch.parent) ::_exit(127);
  const auto& folder = launch.options.working_folder;
  if (!folder.empty() && ::chdir(folder.c_str()) != 0) return false;
  if (launch.null_fd < 0 || ::dup2(launch.null_fd, STDIN_FILENO) < 0) return false;
  if (launch.output_fd >= 0 && (::dup2(launch.output_fd, STDOUT_FILENO) < 0 ||
                                ::dup2(launch.output_fd, STDERR_FILENO) < 0)) {
    return false;
  }
  if (::close_range(3, ~0U, CLOSE_RANGE_CLOEXEC) != 0) return false;
  struct sigaction by_default{};
  by_default.sa_handler = SIG_DFL;
  ::sigaction(SIGPIPE, &by_default, nullptr);
  sigset_t none;
  ::sigemptyset(&none);
  return ::sigprocmask(SIG_SETMASK, &none, nullptr) == 0;
}

[[noreturn]] void become_child(const Launch& launch) {
  if (prepare_child(launch)) {
    ::execvpe(launch.options.program.c_str(), launch.arguments, launch.environment);
  }
  const int error = errno;
  const auto written = ::write(launch.error_fd, &error, sizeof(error));
  ::_exit(written == sizeof(error) ? 126 : 127);
}

UniqueFd open_output(const ChildOptions& options) {
  switch (options.output) {
    case ChildOutput::captured:
      return UniqueFd{::memfd_create("child-output", MFD_CLOEXEC)};
    case ChildOutput::file:
      return UniqueFd{::open(options.output_file.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC,
                             S_IRUSR | S_IWUSR)};
    case ChildOutput::inherited:
      return UniqueFd{};
  }
  return UniqueFd{};
}

/// The errno that the child reported before execve(), 0 when execve() succeeded and thereby closed
/// the pipe.
int reported_error(int fd) {
  int error = 0;
  ssize_t got = 0;
  do {
    got = ::read(fd, &error, sizeof(error));
  } while (got < 0 && errno == EINTR);
  return got == sizeof(error) ? error : 0;
}

ExitStatus reap(pid_t pid) {
  int raw = 0;
  while (::waitpid(pid, &raw, 0) < 0) {
    if (errno != EINTR) fail(errno, fmt::format("cannot reap process {}", pid));
  }
  if (WIFSIGNALED(raw)) return {.code = 0, .signal = WTERMSIG(raw)};
  return {.code = WEXITSTATUS(raw), .signal = 0};
}

}  // namespace

ChildProcess::ChildProcess(const ChildOptions& options) : output_{open_output(options)} {
  const std::string program = options.program.string();
  if (options.output != ChildOutput::inherited && !output_.is_open()) {
    fail(errno, "cannot open the output of " + program);
  }
  std::vector<std::string> arguments{program};
  arguments.insert(arguments.end(), options.arguments.begin(), options.arguments.end());
  std::vector<std::string> environment = merged_environment(options);
  const std::vector<char*> argv = pointers_to(arguments);
  const std::vector<char*> envp = pointers_to(environment);

  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) fail(errno, "cannot make a pipe for " + program);
  const UniqueFd error_in{ends[0]};
  UniqueFd error_out{ends[1]};
  const UniqueFd null{::open("/dev/null", O_RDWR | O_CLOEXEC)};

  const Launch launch{options,    argv.data(),     envp.data(), output_.get(),
                      null.get(), error_out.get(), ::getpid()};
  pid_ = ::fork();
  if (pid_ < 0) fail(errno, "cannot fork for " + program);
  if (pid_ == 0) become_child(launch);
  error_out.close();
  if (const int error = reported_error(error_in.get()); error != 0) {
    reap(pid_);
    fail(error, "cannot start " + program);
  }
  pid_fd_ = UniqueFd{static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0))};
  if (!pid_fd_.is_open()) {
    const int error = errno;
    ::kill(pid_, SIGKILL);
    reap(pid_);
    fail(error, "cannot watch " + program);
  }
}

ChildProcess::~ChildProcess() {
  if (pid_ < 0 || status_) return;
  ::kill(pid_, SIGKILL);
  int ignored = 0;
  while (::waitpid(pid_, &ignored, 0) < 0 && errno == EINTR) {
  }
}

ChildProcess::ChildProcess(ChildProcess&& other) noexcept
    : pid_{std::exchange(other.pid_, -1)},
      pid_fd_{std::move(other.pid_fd_)},
      output_{std::move(other.output_)},
      status_{other.status_} {}

ChildProcess& ChildProcess::operator=(ChildProcess&& other) noexcept {
  std::swap(pid_, other.pid_);
  std::swap(pid_fd_, other.pid_fd_);
  std::swap(output_, other.output_);
  std::swap(status_, other.status_);
  return *this;
}

void ChildProcess::signal(int number) const {
  // Not reaped yet means that the pid cannot have passed to another process.
  if (pid_ > 0 && !status_) ::kill(pid_, number);
}

std::optional<ExitStatus> ChildProcess::wait(std::chrono::milliseconds limit) {
  if (status_ || pid_ < 0) return status_;
  const Deadline deadline{limit};
  pollfd ended{.fd = pid_fd_.get(), .events = POLLIN, .revents = 0};
  int ready = 0;
  do {
    ready = ::poll(&ended, 1, static_cast<int>(deadline.left().count()));
  } while (ready < 0 && errno == EINTR);
  if (ready > 0) status_ = reap(pid_);
  return status_;
}

ExitStatus ChildProcess::stop(std::chrono::milliseconds limit, int number) {
  signal(number);
  if (const auto ended = wait(limit)) return *ended;
  signal(SIGKILL);
  if (!status_ && pid_ > 0) status_ = reap(pid_);
  return status_.value_or(ExitStatus{});
}

std::string ChildProcess::output() const {
  std::string text;
  std::array<char, 4096> block{};
  while (output_.is_open()) {
    const auto got =
        ::pread(output_.get(), block.data(), block.size(), static_cast<off_t>(text.size()));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    text.append(block.data(), static_cast<std::size_t>(got));
  }
  return text;
}

bool ChildProcess::wait_for_output(std::string_view text, std::chrono::milliseconds limit) {
  const Deadline deadline{limit};
  while (output().find(text) == std::string::npos) {
    // What the child wrote just before it ended counts as well.
    if (wait(0ms)) return output().find(text) != std::string::npos;
    if (!deadline.pause(2ms)) return false;
  }
  return true;
}

FinishedChild run_child(const ChildOptions& options, std::chrono::milliseconds limit) {
  ChildProcess child{options};
  const auto status = child.wait(limit);
  if (!status) {
    throw std::runtime_error(fmt::format("{} has not ended after {} ms; it wrote: {}",
                                         options.program.string(), limit.count(), child.output()));
  }
  return {.status = *status, .output = child.output()};
}

}  // namespace tapd::test
