// A child process with an owner: started, signalled, waited for with a deadline, and killed and
// reaped at the latest when its owner goes out of scope. System tests and the demo run the daemon,
// the venue server and PostgreSQL with it. It ends only the process it started, by its pid; what
// that process starts in turn is that process's business.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/support/unique_fd.hpp"

namespace tapd::test {

/// Whom a child runs as. Supplementary groups are dropped.
struct UserIds {
  uid_t uid{0};
  gid_t gid{0};
};

/// Where a child's standard output and standard error go, both together.
enum class ChildOutput {
  captured,   ///< Into memory, read with ChildProcess::output(). Never fills up and blocks.
  file,       ///< Into `ChildOptions::output_file`, appended.
  inherited,  ///< To where the parent's go.
};

/// What to start and how. Standard input is /dev/null, other descriptors are not passed on, the
/// signal mask is empty, and the child leads a process group of its own, so that Ctrl-C at a
/// terminal reaches the parent only.
struct ChildOptions {
  std::filesystem::path program{};       ///< Searched for in $PATH when it has no slash.
  std::vector<std::string> arguments{};  ///< Without the name.
  std::vector<std::pair<std::string, std::string>> environment{};  ///< Added to the parent's own.
  ChildOutput output{ChildOutput::captured};
  std::filesystem::path output_file{};     ///< Only for ChildOutput::file.
  std::filesystem::path working_folder{};  ///< Empty: the parent's.
  std::optional<UserIds> run_as{};         ///< Needs a parent that is root.
  /// What the kernel sends the child when the thread that started it ends (PR_SET_PDEATHSIG), so
  /// that no child outlives its test. Start children from a thread that lives as long as they do.
  int death_signal{SIGKILL};
};

/// How a child ended: an exit code, or the number of the signal that killed it.
struct ExitStatus {
  int code{0};
  int signal{0};  ///< 0: it exited by itself.
  [[nodiscard]] bool success() const { return code == 0 && signal == 0; }
  bool operator==(const ExitStatus&) const = default;
};

/// One running or ended child. Not for use by two threads at once.
class ChildProcess {
 public:
  /// Starts the program. Throws std::system_error, with the program's name and the reason, when
  /// it cannot be started (not found, not permitted).
  explicit ChildProcess(const ChildOptions& options);
  /// Kills (SIGKILL) and reaps the child if it still runs.
  ~ChildProcess();
  ChildProcess(ChildProcess&& other) noexcept;
  ChildProcess& operator=(ChildProcess&& other) noexcept;
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  [[nodiscard]] pid_t pid() const { return pid_; }
  /// Sends a signal; does nothing once the child was reaped.
  void signal(int number) const;
  /// Waits for the end of the child; nothing when it still runs after `limit`. Zero only looks.
  [[nodiscard]] std::optional<ExitStatus> wait(std::chrono::milliseconds limit);
  /// Asks with `number`, waits, and kills the child when it has not ended after `limit`.
  ExitStatus stop(std::chrono::milliseconds limit, int number = SIGTERM);

  /// Everything the child wrote so far (ChildOutput::captured and file).
  [[nodiscard]] std::string output() const;
  /// Waits until `text` occurs in the output; false when the child ended or `limit` passed first.
  [[nodiscard]] bool wait_for_output(std::string_view text, std::chrono::milliseconds limit);

 private:
  pid_t pid_{-1};
  UniqueFd pid_fd_;
  UniqueFd output_;
  std::optional<ExitStatus> status_;
};

/// Runs a program to its end and returns how it ended and what it wrote. Throws std::system_error
/// when it cannot be started and std::runtime_error when it has not ended after `limit`.
struct FinishedChild {
  ExitStatus status;
  std::string output;
};
[[nodiscard]] FinishedChild run_child(const ChildOptions& options, std::chrono::milliseconds limit);

}  // namespace tapd::test
