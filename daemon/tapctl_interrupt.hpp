// Ctrl-C, a closed terminal or a kill while tapctl has a valve open or a tap closed: it must put
// that right before it ends.
#pragma once

#include <array>
#include <csignal>

namespace tapd {

/// While one lives, what ends or stops tapctl from a terminal (Ctrl-C, Ctrl-\, Ctrl-Z, its closing)
/// is noted instead, and output that nobody reads any more ends nothing. One at a time.
class Interruption {
 public:
  Interruption();
  ~Interruption();
  Interruption(const Interruption&) = delete;
  Interruption& operator=(const Interruption&) = delete;
  Interruption(Interruption&&) = delete;
  Interruption& operator=(Interruption&&) = delete;

  /// Somebody wants it to end.
  [[nodiscard]] bool wanted() const;

 private:
  static constexpr std::array signals{SIGINT, SIGHUP, SIGTERM, SIGQUIT, SIGTSTP};
  std::array<struct sigaction, signals.size()> before_{};
  struct sigaction pipe_before_{};
};

}  // namespace tapd
