// Recovery: the ladder of remedies as pure logic, then climbed by the driver against the model with
// every fault that a chip, its supply or its bus is known for.
#include "drivers/mfrc522_recovery.hpp"

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <chrono>
#include <utility>
#include <vector>

#include "drivers/card_presence.hpp"
#include "drivers/mfrc522.hpp"
#include "tests/drivers/reader_bench.hpp"

namespace tapd::drivers {
namespace {

using namespace std::chrono_literals;
using sim::BusFault;
using sim::HangCure;
using std::chrono::nanoseconds;

constexpr SinceBoot start{1h};
constexpr auto longest_look = 400ms;

RecoveryRules rules(bool has_reset_line) {
  RecoveryRules rules;
  rules.has_reset_line = has_reset_line;
  return rules;
}

ReaderHealth health_of(const ReaderRecovery& recovery) {
  ReaderHealth health;
  recovery.report(health);
  return health;
}

TEST_CASE("remedies grow stronger while the trouble lasts", "[recovery]") {
  using enum ReaderRemedy;
  const bool wired = GENERATE(true, false);
  ReaderRecovery recovery{rules(wired)};
  std::vector<ReaderRemedy> taken;
  for (int i = 0; i < 6; ++i) {
    recovery.failed("deaf", start + i * 50ms);
    taken.push_back(recovery.next(start + i * 50ms).value());
  }
  if (wired) {
    CHECK(taken == std::vector{initialise, soft_reset, reset_line, reopen, reopen, reopen});
  } else {
    CHECK(taken == std::vector{initialise, soft_reset, reopen, reopen, reopen, reopen});
  }
  CHECK(health_of(recovery).incidents == 1);
  CHECK(health_of(recovery).initialised == 1);
  CHECK(health_of(recovery).soft_resets == 1);
  CHECK(health_of(recovery).line_resets == (wired ? 1 : 0));
  CHECK(health_of(recovery).reopened == (wired ? 3 : 4));
}

TEST_CASE("an incident is one line, told when a round of good looks has passed", "[recovery]") {
  ReaderRecovery recovery{rules(true)};
  for (int i = 0; i < 3; ++i) {
    recovery.failed(i == 0 ? "no answer on SPI" : "still none", start + i * 100ms);
    REQUIRE(recovery.next(start + i * 100ms));
  }
  for (int i = 0; i < 7; ++i) {
    recovery.worked(start + 1200ms + i * 50ms);
    CHECK(recovery.take_notes().empty());
  }
  recovery.worked(start + 2s);
  const auto notes = recovery.take_notes();
  REQUIRE(notes.size() == 1);
  CHECK(notes[0].text == "no answer on SPI; reset by its reset line; works again after 1.2 s");
  CHECK_FALSE(notes[0].serious);
  for (int i = 0; i < 20; ++i) recovery.worked(start + 3s);
  CHECK(recovery.take_notes().empty());
}

TEST_CASE("trouble that comes back within a round is the same incident", "[recovery]") {
  ReaderRecovery recovery{rules(true)};
  recovery.failed("deaf", start);
  REQUIRE(recovery.next(start) == ReaderRemedy::initialise);
  for (int i = 0; i < 7; ++i) recovery.worked(start + 1s);
  recovery.failed("deaf", start + 2s);
  CHECK(recovery.next(start + 2s) == ReaderRemedy::soft_reset);
  CHECK(health_of(recovery).incidents == 1);
  for (int i = 0; i < 8; ++i) recovery.worked(start + 3s);
  recovery.failed("deaf", start + 4s);
  CHECK(recovery.next(start + 4s) == ReaderRemedy::initialise);
  CHECK(health_of(recovery).incidents == 2);
}

TEST_CASE("so many failures within a minute take the reader out of service", "[recovery]") {
  const auto gap = GENERATE(50ms, 5'400ms);
  ReaderRecovery recovery{rules(false)};
  for (int i = 0; i < 11; ++i) {
    recovery.failed("deaf", start + i * gap);
    for (int k = 0; k < 8; ++k) recovery.worked(start + i * gap);
    REQUIRE_FALSE(recovery.out_of_service());
  }
  recovery.failed("deaf", start + 11 * gap);
  CHECK(recovery.out_of_service());
  CHECK(recovery.take_notes().back().text.find("out of service") != std::string::npos);
  CHECK(health_of(recovery).given_up == 1);
}

TEST_CASE("failures more than a minute apart add up to nothing", "[recovery]") {
  ReaderRecovery recovery{rules(false)};
  for (int i = 0; i < 500; ++i) {
    recovery.failed("deaf", start + i * 5500ms);
    REQUIRE_FALSE(recovery.out_of_service());
    for (int k = 0; k < 8; ++k) recovery.worked(start + i * 5500ms);
  }
}

void break_down(ReaderRecovery& recovery, SinceBoot now) {
  for (int i = 0; i < 12; ++i) recovery.failed("deaf", now);
}

TEST_CASE("out of service, it is tried with everything, soon at first and then ever later",
          "[recovery]") {
  ReaderRecovery recovery{rules(true)};
  break_down(recovery, start);
  CHECK(recovery.take_notes().size() == 1);
  SinceBoot now = start;
  for (const auto pause : {500ms, 1'000ms, 2'000ms, 4'000ms, 8'000ms, 10'000ms, 10'000ms}) {
    CHECK_FALSE(recovery.next(now + pause - 1ns));
    now += pause;
    CHECK(recovery.next(now) == ReaderRemedy::reopen);
    recovery.failed("deaf", now);
  }
  CHECK(recovery.out_of_service());
  CHECK(recovery.take_notes().empty());
  CHECK(health_of(recovery).given_up == 1);
}

TEST_CASE("back from out of service a reader is on trial for one round", "[recovery]") {
  ReaderRecovery recovery{rules(true)};
  break_down(recovery, start);
  REQUIRE(recovery.take_notes().size() == 1);
  REQUIRE(recovery.next(start + 500ms));
  recovery.worked(start + 500ms);
  CHECK_FALSE(recovery.out_of_service());
  recovery.failed("deaf", start + 600ms);
  CHECK(recovery.out_of_service());
  CHECK_FALSE(recovery.next(start + 1'599ms));
  CHECK(recovery.next(start + 1'600ms));
  CHECK(recovery.take_notes().empty());
  for (int i = 0; i < 8; ++i) recovery.worked(start + 101s + i * 1s);
  const auto notes = recovery.take_notes();
  REQUIRE(notes.size() == 1);
  CHECK(notes[0].serious);
  CHECK(notes[0].text == "deaf; its SPI device opened again; works again after 2 min");
  // Trust begins anew.
  for (int i = 0; i < 11; ++i) recovery.failed("deaf", start + 110s);
  CHECK_FALSE(recovery.out_of_service());
}

TEST_CASE("only a minute without a failure makes the pauses short again", "[recovery]") {
  ReaderRecovery recovery{rules(true)};
  break_down(recovery, start);
  SinceBoot now = start;
  for (const auto pause : {500ms, 1'000ms, 2'000ms}) {
    now += pause;
    recovery.failed("deaf", now);
  }
  // The next one would come after 4 s.
  for (int i = 0; i < 8; ++i) recovery.worked(now + 4s);
  REQUIRE(recovery.take_notes().size() == 2);
  const auto [well, pause] = GENERATE(std::pair{60s - 1ns, nanoseconds{8s}},
                                      std::pair{nanoseconds{60s}, nanoseconds{500ms}});
  now += well;
  break_down(recovery, now);
  REQUIRE(recovery.out_of_service());
  CHECK_FALSE(recovery.next(now + pause - 1ns));
  CHECK(recovery.next(now + pause));
}

// --- the driver on the model ---------------------------------------------------------------------

struct Bench {
  explicit Bench(bool wired = true)
      : bus(model, time), line(model), reader(bus, time.pacing(), {}, wired ? &line : nullptr) {
    model.place(sim::card_with_uid(four_bytes));
    for (int i = 0; i < 3; ++i) REQUIRE(sees_card(look()));
    REQUIRE(told<CardArrived>() == 1);
    REQUIRE(reader.take_notes().size() == 1);  // what it is
  }
  Look look() {
    time.now += 50ms;
    const auto begin = time.now;
    Look found = reader.look(begin);
    REQUIRE(time.now - begin < longest_look);
    for (PresenceEvent& event : presence.on(found, time.now)) events.push_back(std::move(event));
    if (const auto* card = std::get_if<CardSeen>(&found)) REQUIRE(card->uid == four_bytes);
    REQUIRE_FALSE(std::holds_alternative<NobodyThere>(found));
    return found;
  }
  static bool sees_card(const Look& look) { return std::holds_alternative<CardSeen>(look); }
  /// Looks until the card is read; how long that took.
  SinceBoot back_after(SinceBoot at_most) {
    const auto begin = time.now;
    while (!sees_card(look())) REQUIRE(time.now - begin < at_most);
    return time.now - begin;
  }
  std::string note_after_a_round() {
    for (int i = 0; i < 8; ++i) REQUIRE(sees_card(look()));
    const auto notes = reader.take_notes();
    REQUIRE(notes.size() == 1);
    return notes[0].text;
  }
  template<typename Event>
  [[nodiscard]] std::ptrdiff_t told() const {
    return std::count_if(events.begin(), events.end(),
                         [](const auto& event) { return std::holds_alternative<Event>(event); });
  }
  VirtualTime time;
  sim::Mfrc522Model model;
  ModelBus bus;
  ModelResetLine line;
  Mfrc522 reader;
  CardPresence presence;
  std::vector<PresenceEvent> events;
};

TEST_CASE("a brown-out under a held card is repaired by initialising, and the card stays",
          "[mfrc522][recovery]") {
  Bench bench;
  for (int i = 0; i < 3; ++i) REQUIRE(Bench::sees_card(bench.look()));
  bench.model.brown_out();
  CHECK(bench.back_after(1s) < 200ms);
  CHECK(bench.note_after_a_round().find("; initialised again; works again after 0.") !=
        std::string::npos);
  CHECK(bench.reader.health().initialised == 1);
  CHECK(bench.reader.health().soft_resets == 0);
  CHECK(bench.told<CardArrived>() == 1);
  CHECK(bench.told<CardLeft>() == 0);
}

TEST_CASE("a chip that hangs is cured by the remedy it needs, within the card's grace",
          "[mfrc522][recovery]") {
  const auto cure = GENERATE(HangCure::soft_reset, HangCure::reset_line);
  Bench bench;
  for (int i = 0; i < 3; ++i) REQUIRE(Bench::sees_card(bench.look()));
  bench.model.set_frozen(true, cure);
  bench.back_after(1s);
  const std::string note = bench.note_after_a_round();
  CHECK(note.find(cure == HangCure::soft_reset ? "by its reset command" : "by its reset line") !=
        std::string::npos);
  CHECK(bench.told<CardLeft>() == 0);
  CHECK(bench.told<ReaderFailed>() == 0);
}

TEST_CASE("a wedged SPI is cured by the reset line, within the card's grace",
          "[mfrc522][recovery]") {
  const auto fault = GENERATE(BusFault::all_zero, BusFault::all_ones);
  Bench bench;
  bench.model.wedge_bus(fault);
  bench.back_after(1s);
  CHECK(bench.note_after_a_round().find("reset by its reset line") != std::string::npos);
  CHECK(bench.reader.health().line_resets == 1);
  CHECK(bench.told<CardLeft>() == 0);
}

// Found by reading: with a reset wire that could not be driven nothing else was tried any more.
TEST_CASE("a reset wire that is lost with its chip keeps no good reader out of service",
          "[mfrc522][recovery]") {
  Bench bench;
  bench.model.set_bus(BusFault::all_zero);
  while (!bench.reader.health().out_of_service) static_cast<void>(bench.look());
  bench.line.lost = true;
  bench.line.gone = GENERATE(true, false);  // whether it is found again
  bench.model.brown_out();
  bench.model.set_bus(BusFault::none);
  CHECK(bench.back_after(11s) < 11s);
  CHECK(bench.line.lost == bench.line.gone);
}

TEST_CASE("a reset wire that was lost is taken anew when nothing else cures the chip",
          "[mfrc522][recovery]") {
  Bench bench;
  bench.line.lost = true;
  bench.model.wedge_bus(BusFault::all_zero);
  bench.back_after(1s);
  CHECK(bench.told<CardLeft>() == 0);
}

TEST_CASE("a device that errs until it is opened again is opened again", "[mfrc522][recovery]") {
  const bool wired = GENERATE(true, false);
  Bench bench{wired};
  bench.bus.fails = [](std::size_t) { return true; };
  bench.bus.broken_until_reopened = true;
  bench.back_after(1s);
  CHECK(bench.bus.reopened() == 1);
  CHECK(bench.note_after_a_round().find("opened again") != std::string::npos);
  CHECK(bench.told<CardLeft>() == 0);
}

TEST_CASE("a dead chip is told once, costs little, and heals by itself", "[mfrc522][recovery]") {
  const auto fault = GENERATE(BusFault::all_zero, BusFault::all_ones);
  Bench bench;
  bench.model.set_bus(fault);
  std::vector<ReaderNote> notes;
  for (int i = 0; i < 2'000; ++i) {
    static_cast<void>(bench.look());
    for (auto& note : bench.reader.take_notes()) notes.push_back(note);
  }
  CHECK(bench.told<CardLeft>() == 1);
  CHECK(bench.told<ReaderFailed>() == 1);
  REQUIRE(notes.size() == 1);
  CHECK(notes[0].serious);
  CHECK(notes[0].text.find("no MFRC522 answers on the bench") == 0);
  CHECK(bench.reader.health().out_of_service);
  const auto before = bench.bus.transfers();
  for (int i = 0; i < 200; ++i) static_cast<void>(bench.look());
  CHECK(bench.bus.transfers() - before < 1'000);  // one try in ten seconds
  bench.model.set_bus(BusFault::none);
  CHECK(bench.back_after(11s) < 11s);
  CHECK(bench.note_after_a_round().find("works again") != std::string::npos);
  CHECK(bench.told<ReaderBack>() == 1);
  CHECK(bench.told<CardArrived>() == 2);
}

TEST_CASE("a wire that is dead for a moment costs hardly more than that moment",
          "[mfrc522][recovery]") {
  const auto fault = GENERATE(BusFault::all_zero, BusFault::all_ones);
  const bool wired = GENERATE(true, false);
  const auto lasts = GENERATE(100ms, 300ms, 600ms, 1'500ms);
  Bench bench{wired};
  // Again and again in one minute it is trusted less, but never for long.
  for (const auto at_most : {lasts + 700ms, 3'500ms, 3'500ms}) {
    bench.model.set_bus(fault);
    const auto end = bench.time.now + lasts;
    while (bench.time.now < end) static_cast<void>(bench.look());
    bench.model.set_bus(BusFault::none);
    CHECK(bench.back_after(11s) < at_most);
    for (int k = 0; k < 200; ++k) REQUIRE(Bench::sees_card(bench.look()));
  }
}

TEST_CASE("a reader that is given up has its field off", "[mfrc522][recovery]") {
  Bench bench;
  bench.model.set_stuck(0x2B, 0x00);
  for (int i = 0; i < 40; ++i) static_cast<void>(bench.look());
  REQUIRE(bench.reader.health().out_of_service);
  CHECK_FALSE(bench.model.field_on());
  bench.model.set_stuck(0x2B, std::nullopt);
  bench.back_after(11s);
  CHECK(bench.model.field_on());
}

TEST_CASE("a supply too weak for the field ends out of service, not in a flicker",
          "[mfrc522][recovery]") {
  Bench bench;
  bench.model.set_weak_supply(1);
  for (int i = 0; i < 60; ++i) static_cast<void>(bench.look());
  CHECK(bench.reader.health().out_of_service);
  CHECK(bench.told<ReaderFailed>() == 1);
  bench.model.set_weak_supply(0);
  bench.back_after(11s);
}

TEST_CASE("a supply that dips now and then keeps the card", "[mfrc522][recovery]") {
  Bench bench;
  bench.model.set_weak_supply(400);  // about every six seconds
  for (int i = 0; i < 1'000; ++i) static_cast<void>(bench.look());
  CHECK(bench.reader.health().incidents > 5);
  CHECK(bench.told<CardLeft>() == 0);
  CHECK_FALSE(bench.reader.health().out_of_service);
}

}  // namespace
}  // namespace tapd::drivers
