// What the server does wrong on purpose, so that a controller can be tried against it: told on the
// command line (`--misbehave cut@30`) or while it runs (POST /test/misbehave). It concerns the
// paths of the contract, never the test controls. Any thread.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tapd::central {

/// One habit. Written KIND[:VALUE][@PERCENT]; without a percentage every request meets it.
struct Misbehaviour {
  enum class Kind : std::uint8_t {
    slow,       ///< "slow:2500": done, answered so many ms later; past the client's deadline, too.
    cut,        ///< Done, and the connection ends in the middle of the answer.
    status,     ///< "status:503": that status, nothing was done.
    late,       ///< "late:504": that status, though it was done.
    garbage,    ///< Done, and 200 with bytes that mean nothing.
    portal,     ///< 200 and a web page; nothing was done.
    duplicate,  ///< Done, and the answer comes twice on the connection.
  };
  Kind kind{Kind::slow};
  int value{0};
  int percent{100};
};

/// Throws std::runtime_error that says what would be right.
[[nodiscard]] Misbehaviour parse_misbehaviour(std::string_view text);

class Misbehaviours {
 public:
  void replace(std::vector<Misbehaviour> habits);
  /// What the next request meets: the first habit whose die falls.
  [[nodiscard]] std::optional<Misbehaviour> next();
  /// Waits, or less when the server ends.
  void pause(std::chrono::milliseconds time);
  /// The server ends: nobody waits any more.
  void end();

 private:
  std::mutex mutex_;
  std::condition_variable ended_changed_;
  bool ended_{false};
  std::vector<Misbehaviour> habits_;
  std::uint64_t state_{2026};  ///< Of the dice: the same order each time.
};

}  // namespace tapd::central
