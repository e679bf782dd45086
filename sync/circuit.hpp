// Whether the server is there at all. After a failure everything but authorizations waits, and one
// small request probes; its success lets the rest through. Pure; time and randomness are handed in.
//
//   waiting --probe_started--> probing --succeed--> closed --fail--> waiting
//                              probing --fail--> waiting (longer)
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "storage/model/time.hpp"
#include "sync/backoff.hpp"

namespace tapd::sync {

class Circuit {
 public:
  /// Why it opened decides what an authorization may do meanwhile.
  enum class Cause : std::uint8_t {
    not_yet_tried,  ///< At start.
    no_link,        ///< Nobody answers the door: an attempt would only keep the guest waiting.
    told_to_wait,   ///< Retry-After, 429: the server asked for rest.
    trouble,        ///< Time-outs, 502 to 504: an attempt may succeed.
  };

  explicit Circuit(BackoffLimits limits) : backoff_{limits} {}

  /// Everything may be sent.
  [[nodiscard]] bool is_closed() const { return state_ == State::closed; }
  /// Not even an authorization is worth an attempt now.
  [[nodiscard]] bool is_hopeless() const;
  [[nodiscard]] bool probe_due(model::SinceBoot now) const;
  /// When the next probe is due; none: not waiting for one.
  [[nodiscard]] std::optional<model::SinceBoot> probe_at() const;

  void probe_started() { state_ = State::probing; }
  /// Any sensible answer. True when this closed the circuit.
  bool succeed();
  /// A request failed. `from_probe`: it was the probe. Answers the delay when the circuit opened or
  /// waits anew, none when this was no news.
  std::optional<std::chrono::milliseconds> fail(Cause cause, bool from_probe,
                                                std::optional<std::chrono::milliseconds> told,
                                                model::SinceBoot now, const Random& random);
  /// A guest is waiting: probe soon, but no sooner than `least_spacing` after the last failure and
  /// never against the server's wish.
  void hurry(model::SinceBoot now);

 private:
  enum class State : std::uint8_t { waiting, probing, closed };
  static constexpr std::chrono::milliseconds hurried_spacing{2'000};

  Backoff backoff_;
  State state_{State::waiting};
  Cause cause_{Cause::not_yet_tried};
  model::SinceBoot until_{};
  model::SinceBoot failed_at_{};
};

}  // namespace tapd::sync
