// When to try again: exponential back-off with full jitter, so that a whole venue's controllers do
// not come back in the same second, bounded above, never closer together than a least spacing, and
// obedient to Retry-After within reason. Pure: randomness and time are handed in.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>

#include "storage/model/time.hpp"

namespace tapd::sync {

/// Uniform in [0, bound), from the caller's generator; `bound` is at least 1.
using Random = std::function<std::uint64_t(std::uint64_t bound)>;

struct BackoffLimits {
  std::chrono::milliseconds first{500};             ///< Widest delay after the first failure.
  std::chrono::milliseconds longest{300'000};       ///< Widest delay after many.
  std::chrono::milliseconds least_spacing{100};     ///< No delay is shorter, however it was drawn.
  std::chrono::milliseconds longest_told{900'000};  ///< A Retry-After past this is cut to it.
};

/// `first`, doubled `times` times, and never past `longest`.
[[nodiscard]] std::chrono::milliseconds doubled(std::chrono::milliseconds first, std::int64_t times,
                                                std::chrono::milliseconds longest);

class Backoff {
 public:
  explicit Backoff(BackoffLimits limits) : limits_{limits} {}

  /// Another failure: how long to wait now. `told` is what Retry-After asked for: the answer is no
  /// shorter than it (within `longest_told`), with a little jitter on top.
  [[nodiscard]] std::chrono::milliseconds fail(
      const Random& random, std::optional<std::chrono::milliseconds> told = std::nullopt);
  /// Success: the next failure starts anew.
  void succeed() { failures_ = 0; }
  [[nodiscard]] std::uint32_t failures() const { return failures_; }

 private:
  BackoffLimits limits_;
  std::uint32_t failures_{0};
};

/// Reads an HTTP date in its three forms (RFC 9110, section 5.6.7): "Sun, 06 Nov 1994 08:49:37
/// GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994". A two-digit year is the one
/// within 1970 to 2069.
[[nodiscard]] std::optional<model::WallTime> parse_http_date(std::string_view text);

/// Reads Retry-After: seconds, or a date, which counts from `server_now` (the answer's own Date
/// header: our clock may be wrong). A date in the past, or one without `server_now`, is zero or
/// none.
[[nodiscard]] std::optional<std::chrono::milliseconds> parse_retry_after(
    std::string_view text, std::optional<model::WallTime> server_now);

}  // namespace tapd::sync
