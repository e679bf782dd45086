// A bar for the engine's tests: ten guests with money, a server that behaves until it is told
// otherwise, and a ledger in memory, played in virtual time.
#pragma once

#include <cstdint>
#include <string>

#include <catch2/catch_test_macros.hpp>

#include "sync/engine.hpp"
#include "sync/wire.hpp"
#include "tests/sync/memory_books.hpp"
#include "tests/sync/play.hpp"
#include "tests/sync/venue.hpp"

namespace tapd::sync::test {

inline const std::string snapshot_path = endpoint::snapshot("bar-1");

inline EngineOptions options() {
  EngineOptions chosen;
  chosen.controller_id = "bar-1";
  chosen.firmware_version = "0.1.0";
  chosen.token = "secret";
  return chosen;
}

/// A bar with ten guests of 100.00 each and a server that behaves.
struct Bar {
  explicit Bar(EngineOptions chosen = options()) : play{1, books, venue, std::move(chosen)} {
    for (std::uint64_t guest = 1; guest <= 10; ++guest) venue.add_guest(guest, 10'000);
  }

  MemoryBooks books;
  Venue venue;
  Play play;

  [[nodiscard]] std::size_t confirmed() {
    std::size_t count = 0;
    for (const auto& [id, row] : books.rows()) {
      if (row.status == model::PourStatus::confirmed) ++count;
    }
    return count;
  }
  [[nodiscard]] std::int32_t attempts() {
    std::int32_t sum = 0;
    for (const auto& [id, row] : books.rows()) sum += row.attempts;
    return sum;
  }
  /// The last answer to an ask.
  [[nodiscard]] AuthorizeVerdict verdict() const {
    const auto answers = play.told_of<AuthorizeAnswered>();
    REQUIRE_FALSE(answers.empty());
    return answers.back().verdict;
  }
};

/// A bar whose server has no snapshot and demands leave.
struct StrictBar : Bar {
  explicit StrictBar(EngineOptions chosen = options()) : Bar{std::move(chosen)} {
    venue.has_snapshot = false;
    venue.demands_leave = true;
  }
  [[nodiscard]] RowState row(std::uint64_t number) { return books.rows().at(tx(number)); }
};

inline model::Pour online(std::uint64_t number, std::uint64_t guest = 1) {
  model::Pour row = pour(number, guest);
  row.begin.authorized_by = model::AuthorizedBy::server;
  return row;
}

}  // namespace tapd::sync::test
