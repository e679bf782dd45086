// What a restored ledger still knows, and what restoring costs.
#include <functional>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "tests/storage/files.hpp"
#include "tests/storage/restored.hpp"
#include "tests/storage/told.hpp"
#include "tests/support/peak_memory.hpp"

using namespace tapd;
using namespace tapd::test;
using Catch::Matchers::ContainsSubstring;
using storage::Ledger;
namespace fs = std::filesystem;

// A tap that is being cleaned with lye must not sell.
TEST_CASE("what staff closed and measured since the backup is still closed and measured",
          "[restoring]") {
  const std::size_t spoilt = GENERATE(20U, 4'096U);
  TempDir folder;
  const model::TapId tap{1};
  {
    Ledger ledger{{folder / "tapd.db", std::nullopt, this_boot}};
    REQUIRE(ledger.calibration(tap, 178'571, "", "configuration", at(1)));
    REQUIRE(outcome(ledger.set_meta("staff_lock.2", "as in the backup")) == "ok");
    REQUIRE(outcome(ledger.set_meta("staff_calibration.3", "178571 178571")) == "ok");
    back_up(ledger, folder / "backup.db");
    REQUIRE(outcome(ledger.set_meta("staff_lock.1", "lye in the line")) == "ok");
    REQUIRE(outcome(ledger.set_meta("staff_lock.2", "")) == "ok");
    REQUIRE(outcome(ledger.set_meta("closed.1", "silent")) == "ok");
    REQUIRE(ledger.calibration(tap, 190'000, "", "ann: jug", at(6)));
    REQUIRE(outcome(ledger.set_meta("staff_calibration.1", "178571 190000")) == "ok");
    REQUIRE(outcome(ledger.set_meta("staff_calibration.2", "178571 200000")) == "ok");
    REQUIRE(outcome(ledger.set_meta("staff_calibration.3", "")) == "ok");
  }
  const std::string whole = bytes_of(folder / "tapd.db");
  write_file(folder / "tapd.db", std::string(spoilt, 'x') + whole.substr(spoilt));
  const Opened opened = open(folder);
  REQUIRE(opened.ledger);
  CHECK(opened.ledger->meta("staff_lock.1")->value() == "lye in the line");
  // No proof stands behind what is salvaged: a tap is rather closed than open.
  CHECK(opened.ledger->meta("staff_lock.2")->value() == "as in the backup");
  CHECK(opened.ledger->meta("closed.1")->value() == "silent");
  CHECK(opened.ledger->meta("staff_calibration.1")->value() == "178571 190000");
  CHECK_FALSE(*opened.ledger->meta("staff_calibration.2"));
  // Another value was configured since: what was measured before must not come back.
  CHECK(opened.ledger->meta("staff_calibration.3")->value().empty());
  CHECK(*opened.ledger->calibration(tap, 190'000, "", "configuration", at(101)) == 2);
  CHECK_THAT(opened.words(), ContainsSubstring("look at each tap"));
}

// A limit that the law demands is not lifted by a damaged card.
TEST_CASE("what was served since the backup still counts", "[restoring]") {
  TempDir folder;
  const auto serve = [](Ledger& ledger, std::uint64_t number) {
    REQUIRE(outcome(ledger.begin_pour(beginning(number), this_boot)) == "ok");
    REQUIRE(outcome(ledger.note_serving({.client_tx_id = pour_id(number),
                                         .category = "Spirit",
                                         .limit = model::Volume::millilitres(40),
                                         .lifted_by = {}})) == "ok");
    REQUIRE(outcome(ledger.end_pour(ending(number, 40))) == "ok");
  };
  {
    Ledger ledger{{folder / "tapd.db", std::nullopt, this_boot}};
    hear(ledger, small_snapshot());
    serve(ledger, 1);
    back_up(ledger, folder / "backup.db");
    serve(ledger, 2);
  }
  const std::string whole = bytes_of(folder / "tapd.db");
  write_file(folder / "tapd.db", std::string(20, 'x') + whole.substr(20));
  const Opened opened = open(folder);
  REQUIRE(opened.ledger);
  CHECK(opened.ledger->left_behind(1)->had_snapshots);
  hear(*opened.ledger, small_snapshot());  // Balances are heard anew.
  const auto heard = facts(*opened.ledger);
  REQUIRE(heard.servings.size() == 2);
  CHECK(heard.servings.front().category == "Spirit");
}

// The log is begun anew at its front: what stands behind its newest frames is older, not newer.
TEST_CASE("what staff decided last counts, not what an older part of the log still says",
          "[restoring]") {
  TempDir folder;
  {
    Ledger ledger{{folder / "tapd.db", std::nullopt, this_boot}};
    back_up(ledger, folder / "backup.db");
    const auto wear = [&ledger](int writes) {
      for (int i = 0; i < writes; ++i) {
        REQUIRE(outcome(ledger.set_meta("close_time_us.1", std::to_string(i))) == "ok");
      }
    };
    REQUIRE(outcome(ledger.set_meta("staff_lock.1", "an old one")) == "ok");
    REQUIRE(outcome(ledger.set_meta("staff_lock.1", "")) == "ok");
    // Past the checkpoint: the log begins anew, and these stay behind its end.
    wear(static_cast<int>(GENERATE(190U, 400U, 810U)));
    REQUIRE(outcome(ledger.set_meta("staff_lock.1", "lye in the line")) == "ok");
    write_file(folder / "log", bytes_of(folder / "tapd.db-wal"));
  }
  const std::string whole = bytes_of(folder / "tapd.db");
  write_file(folder / "tapd.db", std::string(20, 'x') + whole.substr(20));
  write_file(folder / "tapd.db-wal", bytes_of(folder / "log"));
  const Opened opened = open(folder);
  REQUIRE(opened.ledger);
  CHECK(opened.ledger->meta("staff_lock.1")->value_or("-") == "lye in the line");
}

namespace {

void tell_of_leak(Ledger& ledger, const std::string& status, std::int64_t millilitres,
                  const std::string& id = "leak-1") {
  model::FlowEvent event;
  event.event_id = id;
  event.event_status = status;
  event.tap_id = model::TapId{1};
  event.volume = model::Volume::millilitres(millilitres);
  event.session_state = "idle";
  event.reason = "flow_with_valve_closed";
  event.at = at(5);
  REQUIRE(outcome(ledger.record_flow_event(event)) == "ok");
}

void server_takes_events(Ledger& ledger) {
  using Kind = storage::FlowVerdict::Kind;
  const auto due = ledger.due_flow_events(10, at(6));
  for (const auto& waiting : *due) {
    for (const Kind kind : {Kind::sent, Kind::confirmed}) {
      REQUIRE(outcome(ledger.settle_flow_event({waiting.row, kind}, 10, at(6), at(6))) == "ok");
    }
  }
}

}  // namespace

// Found by reading: older images of its rows still said that they wait, and it was told once more.
TEST_CASE("a flow event that was told to its end is not told again, and another is",
          "[restoring]") {
  const bool in_backup = GENERATE(true, false);
  TempDir folder;
  {
    Ledger ledger{{folder / "tapd.db", std::nullopt, this_boot}};
    if (!in_backup) back_up(ledger, folder / "backup.db");
    tell_of_leak(ledger, "started", 5);
    server_takes_events(ledger);
    tell_of_leak(ledger, "updated", 20);
    tell_of_leak(ledger, "updated", 60);
    tell_of_leak(ledger, "stopped", 90);
    server_takes_events(ledger);
    REQUIRE(ledger.due_flow_events(10, at(7))->empty());
    if (in_backup) back_up(ledger, folder / "backup.db");
    tell_of_leak(ledger, "started", 5, "leak-2");
    server_takes_events(ledger);
    tell_of_leak(ledger, "updated", 30, "leak-2");
    tell_of_leak(ledger, "updated", 70, "leak-2");
    write_file(folder / "log", bytes_of(folder / "tapd.db-wal"));
  }
  const std::string whole = bytes_of(folder / "tapd.db");
  write_file(folder / "tapd.db", std::string(20, 'x') + whole.substr(20));
  // A log that SQLite no longer knows as one: whose pages it held may be found all the same.
  write_file(folder / "tapd.db-wal", std::string(32, 'x') + bytes_of(folder / "log").substr(32));
  const Opened opened = open(folder);
  REQUIRE(opened.ledger);
  REQUIRE_THAT(opened.words(), ContainsSubstring("restored from the backup"));
  const auto due = *opened.ledger->due_flow_events(10, at(100));
  REQUIRE(due.size() == 1);
  CHECK(due[0].event.event_id == "leak-2");
  CHECK(due[0].event.volume == model::Volume::millilitres(70));
  CHECK(*opened.ledger->stop_open_flow_events(at(100)) == 1);
}

namespace {

/// Where the row of the pour that was running stands in the ledger's file.
std::size_t lay_out_running(const TempDir& folder) {
  {
    Ledger ledger{{folder / "tapd.db", std::nullopt, this_boot}};
    pour(ledger, 1, 100);
    back_up(ledger, folder / "backup.db");
    REQUIRE(outcome(ledger.begin_pour(beginning(2), this_boot)) == "ok");
  }
  const auto row = bytes_of(folder / "tapd.db").find(pour_id(2).text());
  REQUIRE(row != std::string::npos);
  return row;
}

void write_ledger(const TempDir& folder, const std::string& bytes) {
  for (const char* beside : {"-wal", "-guard", ".suspect"}) {
    fs::remove(folder / (std::string{"tapd.db"} + beside));
  }
  write_file(folder / "tapd.db", bytes);
}

}  // namespace

TEST_CASE("no spoilt byte of the pour that was running keeps the ledger shut", "[restoring]") {
  const bool damaged_elsewhere = GENERATE(true, false);
  TempDir folder;
  const std::size_t row = lay_out_running(folder);
  std::string whole = bytes_of(folder / "tapd.db");
  if (damaged_elsewhere) whole.replace(0, 20, std::string(20, 'x'));
  for (std::size_t byte = row - 80; byte < row + 360; byte += 1) {
    CAPTURE(byte - row);
    std::string bytes = whole;
    bytes[byte] = static_cast<char>(bytes[byte] ^ 0x01);
    write_ledger(folder, bytes);
    const Opened opened = open(folder);
    REQUIRE(opened.ledger);
    CHECK(opened.ledger->newest_pours(10)->size() == 1);
    // What every start does next.
    CHECK(outcome(opened.ledger->finish_open_pours(at(100))) == "ok");
  }
}

// Found by reading: tapd did not start any more, with a good backup beside the ledger.
TEST_CASE("a running pour whose time is spoilt is told, and the ledger restored", "[restoring]") {
  const std::string spoilt = GENERATE("2026-11-21X10:00:10.000Z", "2026-13-21T10:00:10.000Z");
  TempDir folder;
  const std::size_t row = lay_out_running(folder);
  std::string bytes = bytes_of(folder / "tapd.db");
  const auto time = bytes.find("2026-11-21T10:00:10.000Z", row);
  REQUIRE(time < row + 360);
  bytes.replace(time, spoilt.size(), spoilt);
  write_ledger(folder, bytes);
  const Opened opened = open(folder);
  REQUIRE(opened.ledger);
  CHECK_THAT(opened.words(), ContainsSubstring("restored from the backup"));
  CHECK_THAT(opened.words(), ContainsSubstring("receipts " + pour_id(2).short_id()));
  REQUIRE(outcome(opened.ledger->finish_open_pours(at(100))) == "ok");
  CHECK(opened.ledger->newest_pours(10)->size() == 1);
}

// The unit allows tapd 128 MB; a Pi has little more to give.
TEST_CASE("restoring takes no more memory the more pours there are", "[restoring]") {
  const bool with_backup = GENERATE(true, false);
  constexpr std::uint64_t many = 8'000;
  FaultyDisk disk;
  TempDir folder;
  {
    Ledger ledger{{folder / "tapd.db", disk.name(), this_boot}};
    REQUIRE(outcome(ledger.in_one_commit([&]() -> storage::Result<> {
              for (std::uint64_t number = 1; number <= many; ++number) pour(ledger, number, 100);
              return {};
            })) == "ok");
    if (with_backup) back_up(ledger, folder / "backup.db");
  }
  const std::string whole = bytes_of(folder / "tapd.db");
  write_file(folder / "tapd.db", std::string(20, 'x') + whole.substr(20));
  const PeakMemory memory;
  const Opened opened = open(folder, true);
  REQUIRE(opened.ledger);
#ifndef TAPD_SANITIZED  // A sanitizer keeps what was freed.
  CHECK(memory.grown_kib() < 20'000);
#endif
  const auto newest = opened.ledger->newest_pours(2);
  REQUIRE(newest->size() == 2);
  CHECK(newest->at(0).begin.client_tx_id == pour_id(many));
  CHECK(newest->at(1).begin.client_tx_id == pour_id(many - 1));
  CHECK(opened.ledger->queue_counts()->waiting == static_cast<std::int64_t>(many));
}
