// A ledger that is opened after a damage, and the backup that it comes back from.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include "storage/backup.hpp"
#include "storage/restoring.hpp"
#include "tests/storage/bar.hpp"
#include "tests/support/temp_dir.hpp"

namespace tapd::test {

inline void back_up(storage::Ledger& ledger, const std::filesystem::path& backup) {
  REQUIRE(outcome(ledger.begin_copy(storage::unfinished_name(backup))) == "ok");
  for (int parts = 0;; ++parts) {
    REQUIRE(parts < 1'000);
    const auto done = ledger.continue_copy(4);
    REQUIRE(outcome(done) == "ok");
    if (*done) break;
  }
  REQUIRE(outcome(storage::keep_copy(storage::unfinished_name(backup), backup)) == "ok");
}

struct Opened {
  std::unique_ptr<storage::Ledger> ledger;
  std::vector<std::string> told;
  std::string refusal;
  [[nodiscard]] std::string words() const {
    std::string all;
    for (const std::string& line : told) all += line + "\n";
    return all;
  }
};

inline Opened open(const TempDir& folder, bool start_empty = false,
                   const std::optional<std::string>& vfs = {}) {
  Opened opened;
  storage::RestoreOptions options;
  options.ledger = {folder / "tapd.db", vfs, next_boot};
  options.backup = folder / "backup.db";
  options.start_empty_after_loss = start_empty;
  options.now = at(100);
  try {
    opened.ledger = storage::open_or_restore(options, opened.told);
  } catch (const storage::OpenError& error) {
    opened.refusal = error.what();
  }
  return opened;
}

}  // namespace tapd::test
