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
    back_up(ledger, folder / "backup.db");
    REQUIRE(outcome(ledger.set_meta("staff_lock.1", "lye in the line")) == "ok");
    REQUIRE(outcome(ledger.set_meta("staff_lock.2", "")) == "ok");
    REQUIRE(outcome(ledger.set_meta("closed.1", "silent")) == "ok");
    REQUIRE(ledger.calibration(tap, 190'000, "", "ann: jug", at(6)));
    REQUIRE(outcome(ledger.set_meta("staff_calibration.1", "178571 190000")) == "ok");
    REQUIRE(outcome(ledger.set_meta("staff_calibration.2", "178571 200000")) == "ok");
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

TEST_CASE("no spoilt byte of the pour that was running keeps the ledger shut", "[restoring]") {
  TempDir folder;
  {
    Ledger ledger{{folder / "tapd.db", std::nullopt, this_boot}};
    pour(ledger, 1, 100);
    back_up(ledger, folder / "backup.db");
    REQUIRE(outcome(ledger.begin_pour(beginning(2), this_boot)) == "ok");
  }
  const std::string whole = bytes_of(folder / "tapd.db");
  const std::string spoilt = std::string(20, 'x') + whole.substr(20);
  const auto row = whole.find(pour_id(2).text());
  REQUIRE(row != std::string::npos);
  for (std::size_t at = row - 80; at < row + 360; at += 1) {
    CAPTURE(at - row);
    std::string bytes = spoilt;
    bytes[at] = static_cast<char>(bytes[at] ^ 0x01);
    fs::remove(folder / "tapd.db-wal");
    write_file(folder / "tapd.db", bytes);
    const Opened opened = open(folder);
    REQUIRE(opened.ledger);
    CHECK(opened.ledger->newest_pours(10)->size() == 1);
  }
}

namespace {

using storage::Verdict;

void decide(Ledger& ledger, std::uint64_t number, Verdict::Kind kind, const std::string& outcome,
            std::int32_t attempt_cap = 1) {
  REQUIRE(test::outcome(ledger.apply_verdicts({{pour_id(number), kind, outcome, "by ann"}},
                                              attempt_cap, at(40), at(40))) == "ok");
}

void park(Ledger& ledger, std::uint64_t number) {
  decide(ledger, number, Verdict::Kind::spend_attempt, "parked");
}

void park_and_send_again(Ledger& ledger, std::uint64_t number) {
  park(ledger, number);
  REQUIRE(outcome(ledger.send_again(pour_id(number), "ann", at(45))) == "ok");
}

/// Ledgers of one pour that the backup holds and one that it does not, both as `happened`.
Opened restored_after(const TempDir& folder,
                      const std::function<void(Ledger&, std::uint64_t)>& happened,
                      model::AuthorizedBy by = model::AuthorizedBy::server) {
  const auto pour_by = [by](Ledger& ledger, std::uint64_t number) {
    auto begin = beginning(number);
    begin.authorized_by = by;
    REQUIRE(outcome(ledger.begin_pour(begin, this_boot)) == "ok");
    REQUIRE(outcome(ledger.end_pour(ending(number, 200))) == "ok");
  };
  {
    Ledger ledger{{folder / "tapd.db", std::nullopt, this_boot}};
    hear(ledger, small_snapshot());
    pour_by(ledger, 1);
    back_up(ledger, folder / "backup.db");
    pour_by(ledger, 2);
    for (const std::uint64_t number : {1U, 2U}) happened(ledger, number);
    pour_by(ledger, 3);
    write_file(folder / "log", bytes_of(folder / "tapd.db-wal"));
  }
  const std::string whole = bytes_of(folder / "tapd.db");
  write_file(folder / "tapd.db", std::string(20, 'x') + whole.substr(20));
  // Older images of each row may stand in a log that SQLite no longer knows as one.
  if (GENERATE(true, false)) {
    write_file(folder / "tapd.db-wal", std::string(32, 'x') + bytes_of(folder / "log").substr(32));
  }
  return open(folder);
}

}  // namespace

// Found by reading: the server never saw their ids, and the guest paid at the bar and once more.
TEST_CASE("a pour that staff took out of the queue is not sent by a restored ledger",
          "[restoring]") {
  const bool booked = GENERATE(true, false);
  TempDir folder;
  const Opened opened = restored_after(folder, [booked](Ledger& ledger, std::uint64_t number) {
    park(ledger, number);
    if (booked) decide(ledger, number, Verdict::Kind::confirmed, "booked_by_hand");
  });
  REQUIRE(opened.ledger);
  const auto due = *opened.ledger->due_pours(10, at(200));
  REQUIRE(due.size() == 1);
  CHECK(due[0].begin.client_tx_id == pour_id(3));
  const auto rows = *opened.ledger->unconfirmed_pours(10);
  REQUIRE(rows.size() == 3);
  for (std::size_t i = 0; i < 2; ++i) {
    CHECK(rows[i].status == model::PourStatus::failed);
    CHECK(rows[i].server_outcome == "parked");
    CHECK_THAT(rows[i].last_error, ContainsSubstring(booked ? "booked_by_hand" : "by ann"));
    CHECK_THAT(opened.words(), ContainsSubstring(rows[i].begin.client_tx_id.short_id()));
  }
  CHECK_THAT(opened.words(), ContainsSubstring("set aside for staff"));
  CHECK_FALSE(opened.ledger->verify_chain({}, 100)->broken);
  // Whoever sends it again has it settled: nothing at the server pays for it any more.
  REQUIRE(outcome(opened.ledger->send_again(pour_id(1), "ann", at(210))) == "ok");
  CHECK(opened.ledger->due_pours(10, at(220), storage::DueRows::to_settle)->size() == 1);
}

TEST_CASE("a pour that staff sent again waits in a restored ledger, without a leave of its own",
          "[restoring]") {
  const bool turned_down = GENERATE(true, false);
  TempDir folder;
  const Opened opened = restored_after(folder, [&](Ledger& ledger, std::uint64_t number) {
    park_and_send_again(ledger, number);
    if (turned_down) decide(ledger, number, Verdict::Kind::spend_attempt, "no", 10);
  });
  REQUIRE(opened.ledger);
  CHECK(opened.ledger->due_pours(10, at(200))->size() == 3);
  CHECK(opened.ledger->due_pours(10, at(200), storage::DueRows::to_settle)->size() == 2);
}

TEST_CASE("a pour that the server has, or has turned down for now, is sent by a restored ledger",
          "[restoring]") {
  const bool confirmed = GENERATE(true, false);
  TempDir folder;
  const Opened opened = restored_after(folder, [&](Ledger& ledger, std::uint64_t number) {
    // Parked, sent again, and booked at last: only the newest image counts.
    park_and_send_again(ledger, number);
    if (confirmed) decide(ledger, number, Verdict::Kind::confirmed, "charged");
  });
  REQUIRE(opened.ledger);
  CHECK(opened.ledger->due_pours(10, at(200))->size() == 3);
  CHECK(opened.words().find("set aside for staff") == std::string::npos);
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
