// The rules that the file itself keeps, whoever writes to it: seen with a second connection while
// no ledger holds the file.
#include <SQLiteCpp/SQLiteCpp.h>
#include <fmt/format.h>
#include <openssl/sha.h>
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "storage/chain.hpp"
#include "storage/errors.hpp"
#include "tests/storage/bar.hpp"
#include "tests/storage/told.hpp"

using namespace tapd;
using namespace tapd::test;
using Catch::Matchers::ContainsSubstring;
using storage::Verdict;

namespace {

std::string sha256(const std::string& text) {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data());
  std::string hex;
  for (const unsigned char byte : digest) hex += fmt::format("{:02x}", byte);
  return hex;
}

// Written out again on purpose: the format is a promise to whoever checks a row in ten years.
const std::vector<std::string> columns{
    "chain_no",    "client_tx_id",   "short_id",      "guest_id",
    "card_uid",    "tap_id",         "keg_id",        "authorized_by",
    "volume_ml",   "tail_volume_ml", "price_cents",   "price_per_ml_at_pour",
    "hold_cents",  "calibration_id", "pulses",        "edges_lost",
    "checkpoints", "boot_id",        "start_ts",      "start_mono_ns",
    "end_ts",      "end_mono_ns",    "clock_trusted", "created_at",
    "duration_ms", "stop_reason",    "prev_hash"};

std::string recomputed(SQLite::Database& database, std::int64_t chain_no) {
  std::string content = "tapd pour 1\n";
  for (const std::string& column : columns) {
    SQLite::Statement value{
        database,
        fmt::format("SELECT CAST({} AS TEXT) FROM pours WHERE chain_no = {}", column, chain_no)};
    REQUIRE(value.executeStep());
    const SQLite::Column text = value.getColumn(0);
    content += text.isNull() ? column + "=-\n"
                             : fmt::format("{}={}:{}\n", column, text.getBytes(), text.getString());
  }
  return sha256(content);
}

}  // namespace

TEST_CASE("finished pours form a chain that can be recomputed", "[schema][chain]") {
  Bar bar;
  model::PourBegin without_keg = beginning(1);
  without_keg.keg_id = {};
  REQUIRE(outcome(bar.ledger().begin_pour(without_keg, this_boot)) == "ok");
  model::PourBegin other_tap = beginning(2);
  other_tap.tap_id = model::TapId{2};
  REQUIRE(outcome(bar.ledger().begin_pour(other_tap, this_boot)) == "ok");
  REQUIRE(outcome(bar.ledger().end_pour(ending(2, 50))) == "ok");
  REQUIRE(outcome(bar.ledger().end_pour(ending(1, 400))) == "ok");
  REQUIRE(outcome(bar.ledger().begin_pour(beginning(3), this_boot)) == "ok");
  bar.reopen();
  REQUIRE(bar.ledger().finish_open_pours(at(1))->size() == 1);
  confirm(bar.ledger(), 2);
  bar.close();

  SQLite::Database database{bar.file().string(), SQLite::OPEN_READONLY};
  std::string previous(64, '0');
  for (std::int64_t chain_no = 1; chain_no <= 3; ++chain_no) {
    SQLite::Statement row{database, "SELECT prev_hash, hash FROM pours WHERE chain_no = ?"};
    row.bind(1, chain_no);
    REQUIRE(row.executeStep());
    CHECK(row.getColumn(0).getString() == previous);
    CHECK(row.getColumn(1).getString() == recomputed(database, chain_no));
    previous = row.getColumn(1).getString();
  }
  CHECK(bar.value("SELECT client_tx_id FROM pours WHERE chain_no = 1") == pour_id(2).text());
  CHECK(bar.value("SELECT count(*) FROM pours WHERE hash IS NULL OR chain_no IS NULL") == "0");
}

TEST_CASE("every immutable column is hashed", "[schema][chain]") {
  std::vector<std::string> hashed;
  for (const auto column : storage::hashed_columns()) hashed.emplace_back(column);
  CHECK(hashed == columns);
  // Columns that may change after the end, and what follows from hashed ones.
  const std::string rest =
      "'pour_seq', 'price_cents_per_litre', 'hash', 'status', 'attempts', 'next_attempt_at',"
      "'next_attempt_boot', 'last_error', 'server_outcome', 'sent_at', 'confirmed_at',"
      "'settled_marker'";
  std::string named = rest;
  for (const auto& column : columns) named += fmt::format(", '{}'", column);
  Bar bar;
  bar.close();
  CHECK(bar.value(fmt::format(
            "SELECT count(*) FROM pragma_table_info('pours') WHERE name NOT IN ({})", named)) ==
        "0");
}

TEST_CASE("a finished pour changes in nothing but its queue columns", "[schema]") {
  Bar bar;
  pour(bar.ledger(), 1, 100);
  bar.close();
  SQLite::Database database{bar.file().string(), SQLite::OPEN_READONLY};
  SQLite::Statement names{
      database,
      "SELECT name, type FROM pragma_table_info('pours') WHERE name NOT IN ('status', 'attempts',"
      " 'next_attempt_at', 'next_attempt_boot', 'last_error', 'server_outcome', 'sent_at',"
      " 'confirmed_at', 'settled_marker')"};
  std::vector<std::string> statements;
  while (names.executeStep()) {
    const std::string name = names.getColumn(0).getString();
    const bool text = names.getColumn(1).getString() == "TEXT";
    statements.push_back(fmt::format(
        "UPDATE pours SET {0} = {1}", name,
        text ? fmt::format("replace({}, '1', '2') || 'x'", name) : fmt::format("{} + 1", name)));
  }
  CHECK(statements.size() == columns.size() + 3);
  for (const std::string& statement : statements) {
    CAPTURE(statement);
    CHECK_THAT(bar.refusal(statement).value_or("done"),
               ContainsSubstring("queue columns only") || ContainsSubstring("never changes"));
  }
  CHECK_THAT(bar.refusal("UPDATE pours SET volume_ml = 99").value(),
             ContainsSubstring("queue columns only"));
  CHECK_THAT(bar.refusal("UPDATE pours SET guest_id = 'someone else'").value(),
             ContainsSubstring("never changes"));
  CHECK_FALSE(bar.refusal("UPDATE pours SET last_error = 'a queue column'").has_value());
}

TEST_CASE("an open pour keeps its beginning", "[schema]") {
  Bar bar;
  REQUIRE(outcome(bar.ledger().begin_pour(beginning(1), this_boot)) == "ok");
  bar.close();
  CHECK_THAT(bar.refusal("UPDATE pours SET hold_cents = 1").value(),
             ContainsSubstring("never changes"));
  CHECK_THAT(bar.refusal("UPDATE pours SET card_uid = '00000000'").value(),
             ContainsSubstring("never changes"));
  CHECK_THAT(bar.refusal("UPDATE pours SET status = 'new'").value(), ContainsSubstring("CHECK"));
  CHECK_THAT(bar.refusal("DELETE FROM pours").value(), ContainsSubstring("only confirmed"));
}

TEST_CASE("a pour moves only along its way", "[schema]") {
  const std::vector<std::string> states{"open", "new", "sent", "confirmed", "failed"};
  const std::vector<std::string> allowed{"new>sent", "sent>confirmed", "sent>failed", "sent>new",
                                         "failed>new"};
  for (std::size_t from = 1; from < states.size(); ++from) {
    for (const std::string& to : states) {
      Bar bar;
      pour(bar.ledger(), 1, 100);
      bar.close();
      const std::string& state = states[from];
      const std::string confirmed = ", confirmed_at = 'now', settled_marker = 1";
      if (state != "new") REQUIRE_FALSE(bar.refusal("UPDATE pours SET status = 'sent'"));
      if (state == "failed") REQUIRE_FALSE(bar.refusal("UPDATE pours SET status = 'failed'"));
      if (state == "confirmed") {
        REQUIRE_FALSE(bar.refusal("UPDATE pours SET status = 'confirmed'" + confirmed));
      }
      const bool may =
          to == state || std::count(allowed.begin(), allowed.end(), state + ">" + to) == 1;
      const auto refusal = bar.refusal(
          fmt::format("UPDATE pours SET status = '{}'{}", to, to == "confirmed" ? confirmed : ""));
      CAPTURE(state, to, refusal.value_or("done"));
      CHECK(refusal.has_value() != may);
    }
  }
}

TEST_CASE("only confirmed pours can be deleted, and never the end of the chain", "[schema]") {
  Bar bar;
  for (std::uint64_t number = 1; number <= 5; ++number) pour(bar.ledger(), number, 100);
  confirm(bar.ledger(), 1);
  confirm(bar.ledger(), 5);
  REQUIRE(outcome(bar.ledger().mark_sent({pour_id(3), pour_id(4)}, at(20))) == "ok");
  REQUIRE(outcome(bar.ledger().apply_verdicts({verdict(4, Verdict::Kind::final_failure)}, 10,
                                              at(21), at(30))) == "ok");
  bar.close();
  const auto deletion = [&bar](std::uint64_t number) {
    return bar.refusal(
        fmt::format("DELETE FROM pours WHERE client_tx_id = '{}'", pour_id(number).text()));
  };
  CHECK_FALSE(deletion(1).has_value());
  for (std::uint64_t number = 2; number <= 5; ++number) CHECK(deletion(number).has_value());
  CHECK_THAT(
      bar.refusal("INSERT OR REPLACE INTO pours SELECT * FROM pours WHERE status = 'new'").value(),
      ContainsSubstring("begins as open"));
}

TEST_CASE("the audit log only grows", "[schema]") {
  Bar bar;
  REQUIRE(outcome(bar.ledger().audit("anna", "unlock", "tap 1", "by hand", at(1))) == "ok");
  bar.close();
  CHECK(bar.refusal("UPDATE audit_log SET actor = 'nobody'").has_value());
  CHECK(bar.refusal("DELETE FROM audit_log").has_value());
  CHECK(bar.refusal("INSERT OR REPLACE INTO audit_log SELECT * FROM audit_log").has_value());
  CHECK(bar.value("SELECT actor || action || target || details || at_ts FROM audit_log") ==
        "annaunlocktap 1by hand2026-11-21T10:00:01.000Z");
}

TEST_CASE("the tables refuse what is not in the dictionary", "[schema]") {
  Bar bar;
  REQUIRE(outcome(bar.ledger().begin_pour(beginning(1), this_boot)) == "ok");
  REQUIRE(outcome(bar.ledger().hear_balance(
              {card(1), guest(1), "Anna", model::Money{-500}, 0, at(1)}, this_boot)) == "ok");
  bar.close();
  for (const char* statement :
       {"UPDATE pours SET volume_ml = -1", "UPDATE pours SET tail_volume_ml = 1",
        "UPDATE pours SET price_cents = -1", "UPDATE pours SET volume_ml = 'much'",
        "UPDATE pours SET volume_ml = 1.5", "UPDATE pours SET stop_reason = 'bored'",
        "UPDATE pours SET clock_trusted = 2", "UPDATE pours SET end_mono_ns = 0",
        "UPDATE cards SET status = 'stolen'", "UPDATE guests SET is_active = 7",
        "UPDATE guests SET balance_cents = '1 euro'", "UPDATE server_knowledge SET marker = -1",
        "INSERT INTO server_knowledge (only_row, marker, snapshot_revision) VALUES (2, 0, 0)",
        "INSERT INTO taps VALUES (1, NULL, 'Tap', 'broken', 'now')",
        "INSERT INTO taps VALUES (0, NULL, 'Tap', 'active', 'now')",
        "INSERT INTO kegs VALUES ('k', 'b', -1, 0, 'full', 'now')",
        "INSERT INTO kegs VALUES ('k', 'b', 1, 0, 'half', 'now')",
        "INSERT INTO beverages VALUES ('b', 'n', 'b', 's', -1, 'now')",
        "INSERT INTO calibrations VALUES (1, 1, 1, 0, NULL, 'm', 'w', 'now', 1)"}) {
    CAPTURE(statement);
    CHECK(bar.refusal(statement).has_value());
  }
  CHECK_FALSE(bar.refusal("UPDATE guests SET balance_cents = -100000").has_value());
}
