// Books that a test can fill and look into: in memory (memory_books) or the real ledger on SQLite
// (ledger_books).
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "sync/books.hpp"

namespace tapd::sync::test {

/// Where a row stands.
struct RowState {
  model::PourStatus status{model::PourStatus::fresh};
  std::int32_t attempts{0};
  std::string outcome;
};

class TestBooks : public Books {
 public:
  /// A pour begins, and ends: its row waits from then on.
  virtual void begin(const model::Pour& pour) = 0;
  virtual void end(const model::Pour& pour) = 0;
  /// A pour of which nobody saw the beginning just ended.
  void add(const model::Pour& pour) {
    begin(pour);
    end(pour);
  }
  [[nodiscard]] virtual std::map<model::ClientTxId, RowState> rows() = 0;
  /// What the guest of test::card(guest) may still spend; none: the cache does not know the guest.
  [[nodiscard]] virtual std::optional<model::Money> available(std::uint64_t guest) = 0;
};

}  // namespace tapd::sync::test
