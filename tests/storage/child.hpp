// A piece of a test in a child process of its own (fork), which may drop its rights, run into
// limits or kill itself without harm to the test. The child owns nothing of the parent: it must not
// touch a ledger that the parent has open.
#pragma once

#include <sys/types.h>

#include <functional>
#include <string>

namespace tapd::test {

/// The way from the child to its parent.
class Pipe {
 public:
  Pipe();
  ~Pipe();
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  Pipe(Pipe&&) = delete;
  Pipe& operator=(Pipe&&) = delete;

  /// Child: the text arrives even when the child is killed right after.
  void write(const std::string& text) const;
  /// Parent: what came since the last read; waits for the first byte; empty at the end.
  [[nodiscard]] std::string read() const;
  void close_writer();
  void close_reader();

 private:
  int reader_{-1};
  int writer_{-1};
};

/// A forked child running `work`, which ends with the test at the latest.
class Child {
 public:
  explicit Child(const std::function<void(Pipe&)>& work);
  ~Child();
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  Child(Child&&) = delete;
  Child& operator=(Child&&) = delete;

  [[nodiscard]] Pipe& pipe() { return pipe_; }
  void kill() const;
  /// Waits for the end; the number of the signal that ended it, or minus its exit code.
  int wait();

 private:
  Pipe pipe_;
  pid_t pid_{-1};
};

/// Runs `work` in a child to its end and answers what it wrote.
[[nodiscard]] std::string in_child(const std::function<void(Pipe&)>& work);

/// Becomes the user nobody when this process is root. For good: only in a child.
void drop_root();

/// Ends this process as a power cut would: no destructor runs, nothing is flushed.
[[noreturn]] void die();

}  // namespace tapd::test
