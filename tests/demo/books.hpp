// Reads the books at the end of the evening from where they really are: the truth file of the
// simulated bar, the ledger's SQLite file (read-only, after tapd has ended), and PostgreSQL.
// Everything here throws when a book cannot be read.
#pragma once

#include <filesystem>
#include <vector>

#include "tests/central/database.hpp"
#include "tests/demo/answers.hpp"
#include "tests/demo/verdict.hpp"

namespace tapd::demo {

/// What ran through each meter, in microlitres, in the order of the taps.
[[nodiscard]] std::vector<std::int64_t> read_truth_ul(const std::filesystem::path& truth_file);

/// Every pour in the ledger, oldest first. Only when tapd has ended: a second connection to a
/// ledger in use is refused.
[[nodiscard]] std::vector<PourRecord> read_ledger(const std::filesystem::path& ledger_file);

/// Every pour that the server has booked, oldest first.
[[nodiscard]] std::vector<ServerPour> read_server(central::Connection& database);

/// The balances of all guests as they are now; `after_cents` is that, `before_cents` too.
[[nodiscard]] std::vector<Balance> read_balances(central::Connection& database);

/// Writes every row of the books into a file, for whoever looks for what went wrong.
void write_down(const Books& books, const Verdict& verdict, const std::filesystem::path& file);

}  // namespace tapd::demo
