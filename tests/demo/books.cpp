#include "tests/demo/books.hpp"

#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Statement.h>
#include <fmt/format.h>

#include <fstream>

#include "drivers/sim/truth.hpp"

namespace tapd::demo {

std::vector<std::int64_t> read_truth_ul(const std::filesystem::path& truth_file) {
  std::vector<std::int64_t> ran;
  for (const drivers::sim::Truth& tap : drivers::sim::read_truth(truth_file)) {
    ran.push_back(tap.passed_ul);
  }
  return ran;
}

std::vector<PourRecord> read_ledger(const std::filesystem::path& ledger_file) {
  const SQLite::Database database{ledger_file.string(), SQLite::OPEN_READONLY};
  SQLite::Statement rows{database,
                         "SELECT client_tx_id, short_id, tap_id, guest_id, volume_ml, price_cents,"
                         "  COALESCE(stop_reason, ''), authorized_by, status"
                         " FROM pours ORDER BY pour_seq"};
  std::vector<PourRecord> pours;
  while (rows.executeStep()) {
    pours.push_back({.client_tx_id = rows.getColumn(0).getString(),
                     .receipt = rows.getColumn(1).getString(),
                     .tap = rows.getColumn(2).getInt64(),
                     .guest_id = rows.getColumn(3).getString(),
                     .volume_ml = rows.getColumn(4).getInt64(),
                     .price_cents = rows.getColumn(5).getInt64(),
                     .stop_reason = rows.getColumn(6).getString(),
                     .authorized_by = rows.getColumn(7).getString(),
                     .status = rows.getColumn(8).getString()});
  }
  return pours;
}

std::vector<ServerPour> read_server(central::Connection& database) {
  const central::Rows rows = database.run(
      "SELECT client_tx_id, COALESCE(short_id, ''), tap_id, guest_id, card_uid,"
      "  COALESCE(started_at::text, ''), volume_ml, (amount_charged * 100)::bigint"
      " FROM pours ORDER BY created_at, client_tx_id");
  std::vector<ServerPour> pours;
  pours.reserve(static_cast<std::size_t>(rows.count()));
  for (int row = 0; row < rows.count(); ++row) {
    pours.push_back({.client_tx_id = rows.text(row, 0),
                     .receipt = rows.text(row, 1),
                     .tap = rows.integer(row, 2),
                     .guest_id = rows.text(row, 3),
                     .card_uid = rows.text(row, 4),
                     .started_at = rows.text(row, 5),
                     .volume_ml = rows.integer(row, 6),
                     .charged_cents = rows.integer(row, 7)});
  }
  return pours;
}

std::vector<Balance> read_balances(central::Connection& database) {
  const central::Rows rows = database.run(
      "SELECT guest_id, first_name, (balance * 100)::bigint FROM guests ORDER BY guest_id");
  std::vector<Balance> balances;
  balances.reserve(static_cast<std::size_t>(rows.count()));
  for (int row = 0; row < rows.count(); ++row) {
    balances.push_back({.guest_id = rows.text(row, 0),
                        .name = rows.text(row, 1),
                        .before_cents = rows.integer(row, 2),
                        .after_cents = rows.integer(row, 2)});
  }
  return balances;
}

void write_down(const Books& books, const Verdict& verdict, const std::filesystem::path& file) {
  std::ofstream out{file};
  for (const std::string& failure : verdict.failures) out << "FAILED: " << failure << '\n';
  out << "\nThe ledger: id, receipt, tap, guest, ml, cents, ended by, allowed by, status\n";
  for (const PourRecord& pour : books.ledger) {
    out << fmt::format("{} {} {} {} {} {} {} {} {}\n", pour.client_tx_id, pour.receipt, pour.tap,
                       pour.guest_id, pour.volume_ml, pour.price_cents, pour.stop_reason,
                       pour.authorized_by, pour.status);
  }
  out << "\nThe server: id, receipt, tap, guest, card, started, ml, cents\n";
  for (const ServerPour& pour : books.server) {
    out << fmt::format("{} {} {} {} {} {} {} {}\n", pour.client_tx_id, pour.receipt, pour.tap,
                       pour.guest_id, pour.card_uid, pour.started_at, pour.volume_ml,
                       pour.charged_cents);
  }
  out << "\nBalances at the server: guest, name, cents before, cents after\n";
  for (const Balance& balance : books.balances) {
    out << fmt::format("{} {} {} {}\n", balance.guest_id, balance.name, balance.before_cents,
                       balance.after_cents);
  }
  out << "\nSeen while pouring:";
  for (const std::string& receipt : books.seen) out << ' ' << receipt;
  out << "\n\nTruth: tap, microlitres\n";
  for (const TapFacts& tap : books.taps) out << fmt::format("{} {}\n", tap.tap, tap.ran_ul);
}

}  // namespace tapd::demo
