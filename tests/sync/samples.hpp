// Rows, cards and randomness for the tests of sync.
#pragma once

#include <cstdint>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include "storage/model/records.hpp"
#include "sync/backoff.hpp"

namespace tapd::sync::test {

/// SplitMix64: the same sequence everywhere, from a seed that a failure prints.
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : state_{seed} {}
  std::uint64_t next();
  /// Uniform in [0, bound), bound at least 1.
  std::uint64_t below(std::uint64_t bound) { return next() % bound; }
  bool chance(std::uint64_t per_thousand) { return below(1000) < per_thousand; }

 private:
  std::uint64_t state_;
};

/// A generator that the engine can hold.
[[nodiscard]] Random random_from(std::uint64_t seed);
/// Draws the largest number always: the longest delay that back-off may choose.
[[nodiscard]] Random always_longest();

[[nodiscard]] model::ClientTxId tx(std::uint64_t number);
[[nodiscard]] std::string guest_uuid(std::uint64_t number);
[[nodiscard]] model::CardUid card(std::uint64_t number);
[[nodiscard]] model::Moment at(std::chrono::milliseconds since_boot);
/// A finished pour of 400 ml at 12.90 per litre by guest and card `guest`.
[[nodiscard]] model::Pour pour(std::uint64_t number, std::uint64_t guest = 1);
/// What a server tells as a whole: one of each, guest 1 with card 04ab7815cd6b80 and 30.02.
[[nodiscard]] nlohmann::json sample_snapshot();

}  // namespace tapd::sync::test
