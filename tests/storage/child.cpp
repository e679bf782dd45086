#include "tests/storage/child.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <exception>
#include <string_view>
#include <system_error>

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace tapd::test {
namespace {

constexpr uid_t nobody = 65534;

[[noreturn]] void fail(const char* what) {
  throw std::system_error{errno, std::generic_category(), what};
}

void close_once(int& descriptor) {
  if (descriptor >= 0) ::close(descriptor);
  descriptor = -1;
}

[[noreturn]] void run(const std::function<void(Pipe&)>& work, Pipe& pipe) {
  pipe.close_reader();
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  try {
    work(pipe);
  } catch (const std::exception& error) {
    pipe.write(std::string{"exception in the child: "} + error.what());
    ::_exit(2);
  } catch (...) {
    // A failed REQUIRE: it must not run on into the parent's other tests.
    pipe.write("a requirement failed in the child");
    ::_exit(2);
  }
  ::_exit(0);
}

}  // namespace

Pipe::Pipe() {
  std::array<int, 2> ends{};
  if (::pipe(ends.data()) != 0) fail("pipe");
  reader_ = ends[0];
  writer_ = ends[1];
}

Pipe::~Pipe() {
  close_reader();
  close_writer();
}

void Pipe::write(const std::string& text) const {
  std::string_view rest{text};
  while (!rest.empty()) {
    const ssize_t written = ::write(writer_, rest.data(), rest.size());
    if (written < 0) ::_exit(3);
    rest.remove_prefix(static_cast<std::size_t>(written));
  }
}

std::string Pipe::read() const {
  std::array<char, 4096> buffer{};
  ssize_t got = -1;
  do {
    got = ::read(reader_, buffer.data(), buffer.size());
  } while (got < 0 && errno == EINTR);
  return got > 0 ? std::string{buffer.data(), static_cast<std::size_t>(got)} : std::string{};
}

void Pipe::close_writer() {
  close_once(writer_);
}
void Pipe::close_reader() {
  close_once(reader_);
}

Child::Child(const std::function<void(Pipe&)>& work) : pid_{::fork()} {
  if (pid_ < 0) fail("fork");
  if (pid_ == 0) run(work, pipe_);
  pipe_.close_writer();
}

Child::~Child() {
  if (pid_ <= 0) return;
  kill();
  ::waitpid(pid_, nullptr, 0);
}

void Child::kill() const {
  if (pid_ > 0) ::kill(pid_, SIGKILL);
}

int Child::wait() {
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0) {
    if (errno != EINTR) fail("waitpid");
  }
  pid_ = -1;
  return WIFSIGNALED(status) ? WTERMSIG(status) : -WEXITSTATUS(status);
}

std::string in_child(const std::function<void(Pipe&)>& work) {
  Child child{work};
  std::string all;
  for (std::string part = child.pipe().read(); !part.empty(); part = child.pipe().read()) {
    all += part;
  }
  child.wait();
  return all;
}

void drop_root() {
  if (::geteuid() != 0) return;
  if (::setgid(nobody) != 0 || ::setuid(nobody) != 0) fail("cannot become nobody");
}

void die() {
  ::kill(::getpid(), SIGKILL);
  ::_exit(4);  // Never reached: SIGKILL cannot be held up.
}

}  // namespace tapd::test
