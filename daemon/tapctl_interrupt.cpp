#include "daemon/tapctl_interrupt.hpp"

#include <cstddef>

namespace tapd {
namespace {

volatile std::sig_atomic_t interrupted = 0;

}  // namespace

// Without SA_RESTART: who waits for a line at the terminal is woken.
Interruption::Interruption() {
  interrupted = 0;
  struct sigaction action{};
  action.sa_handler = [](int) { interrupted = 1; };
  for (std::size_t i = 0; i < signals.size(); ++i) {
    ::sigaction(signals.at(i), &action, &before_.at(i));
  }
  struct sigaction ignored{};
  ignored.sa_handler = SIG_IGN;
  ::sigaction(SIGPIPE, &ignored, &pipe_before_);
}

Interruption::~Interruption() {
  for (std::size_t i = 0; i < signals.size(); ++i) {
    ::sigaction(signals.at(i), &before_.at(i), nullptr);
  }
  ::sigaction(SIGPIPE, &pipe_before_, nullptr);
}

bool Interruption::wanted() const {
  return interrupted != 0;
}

}  // namespace tapd
