// The controller between a session and the world: what it does when a part of the world fails.
#include "daemon/controller.hpp"

#include <catch2/catch_test_macros.hpp>

#include "controller_fixture.hpp"

namespace tapd::test {
namespace {

using namespace std::chrono_literals;

EndRowDone failed_end(const ControllerFixture& tap, storage::Error::Kind kind) {
  return {.tap = model::TapId{1},
          .client_tx_id = tap.newest<EndRow>().end.last.client_tx_id,
          .result = tl::unexpected(storage::Error{.kind = kind, .message = "tapd.db: full"})};
}

}  // namespace

TEST_CASE("a tap that must not sell on this machine opens for nobody", "[controller]") {
  ControllerFixture tap;
  Controller barred{{.authorize = AuthorizeMode::cached, .policy = {}, .boot = tap.boot},
                    {TapSetup{.id = model::TapId{1},
                              .rules = {},
                              .calibration = one_ml_per_edge,
                              .known_close_time = {},
                              .own_price = model::LitrePrice{1'000},
                              .meter = &tap.meter,
                              .valve = &tap.valve,
                              .indicator = nullptr,
                              .unsafe = "a kill leaves an open valve open",
                              .last_look = {}}},
                    {.storage = [](const StorageRequest&) {},
                     .ask_server = [](const sync::AuthorizeAsk&) {},
                     .pours_waiting = [] {},
                     .random_id = [] { return std::array<std::uint8_t, 16>{7}; },
                     .journal = &tap.journal}};
  barred.start(tap.now);
  CHECK(barred.session(0).state() == TapState::locked);
  CHECK_FALSE(tap.valve.is_open);
  CHECK(barred.session(0).view().reason.find("leaves an open valve open") != std::string::npos);
  // The venue's word about the tap does not lift it.
  barred.on_storage(WorldRead{.result = World{}}, tap.now);
  CHECK(barred.session(0).state() == TapState::locked);
}

TEST_CASE("a pour goes from card to queue through the controller", "[controller]") {
  ControllerFixture tap;
  tap.to_ready();
  REQUIRE(tap.valve.is_open);
  tap.flow(120);
  tap.card_leaves();
  CHECK_FALSE(tap.valve.is_open);
  tap.pass(150ms);
  const EndRow& end = tap.newest<EndRow>();
  CHECK(end.end.last.volume.in_millilitres() == 120);
  tap.controller.on_storage(EndRowDone{.tap = model::TapId{1},
                                       .client_tx_id = end.end.last.client_tx_id,
                                       .result = model::Pour{}},
                            tap.now);
  CHECK(tap.told_sync == 1);
  CHECK(tap.controller.at_rest());
}

TEST_CASE("a card is not laid on in the name of the guest before", "[controller]") {
  ControllerFixture tap;
  tap.to_ready();
  tap.card_leaves();
  tap.pass(150ms);
  REQUIRE(tap.state() == TapState::idle);
  tap.card_arrives();
  REQUIRE(tap.state() == TapState::authorizing);
  CHECK(tap.journal.lines.back().text.find("laid on") != std::string::npos);
  CHECK(tap.journal.lines.back().text.find("Ann") == std::string::npos);
}

TEST_CASE("a reader that stops looking shuts the valve, and heals when it looks again",
          "[controller]") {
  ControllerFixture tap;
  tap.to_ready();
  tap.flow(50);
  tap.pass(1'900ms, false);
  REQUIRE(tap.valve.is_open);
  REQUIRE(tap.controller.wake_at() <= tap.looked + 2s);
  tap.pass(100ms, false);
  CHECK_FALSE(tap.valve.is_open);
  tap.pass(150ms, false);
  CHECK(tap.newest<EndRow>().end.reason == model::StopReason::reader_fault);
  CHECK(tap.state() == TapState::faulted);
  REQUIRE(tap.controller.wake_at().has_value());
  tap.card_leaves();
  tap.pass(2s);
  CHECK(tap.state() == TapState::idle);
}

// Found by reading: at an idle tap it was told to nobody, and the tap looked well and served
// nobody.
TEST_CASE("a reader that stops looking at an idle tap is told", "[controller]") {
  ControllerFixture tap;
  tap.to_ready();
  tap.card_leaves();
  tap.pass(2s);
  REQUIRE(tap.state() == TapState::idle);
  tap.pass(2s, false);
  CHECK(tap.state() == TapState::faulted);
  CHECK(tap.journal.lines.back().text.find("stopped looking") != std::string::npos);
  tap.pass(2s);
  CHECK(tap.state() == TapState::idle);
}

TEST_CASE("a reader that hangs and then fails is not called well because it looks again",
          "[controller]") {
  ControllerFixture tap;
  tap.to_ready();
  tap.pass(2s, false);
  tap.pass(150ms, false);
  REQUIRE(tap.state() == TapState::faulted);
  tap.controller.on_presence(0, drivers::ReaderFailed{"no answer on SPI"}, tap.now);
  tap.card_leaves();
  tap.pass(2s);
  CHECK(tap.state() == TapState::faulted);
  tap.controller.on_presence(0, drivers::ReaderBack{}, tap.now);
  CHECK(tap.state() == TapState::idle);
}

TEST_CASE("a clock that was set late is noted once, so that earlier pours get their dates",
          "[controller]") {
  ControllerFixture tap;
  const auto notes = [&tap] {
    return std::count_if(tap.asked.begin(), tap.asked.end(), [](const StorageRequest& request) {
      return std::holds_alternative<NoteClock>(request);
    });
  };
  tap.now.wall_trusted = false;
  tap.pass(1s);
  REQUIRE(notes() == 0);
  tap.now.wall_trusted = true;
  tap.pass(1s);
  REQUIRE(notes() == 1);
  CHECK(tap.newest<NoteClock>().at.since_boot == tap.now.since_boot);
  SECTION("done") {
    tap.controller.on_storage(ClockNoted{}, tap.now);
    for (int minute = 0; minute < 10; ++minute) tap.pass(1min);
    CHECK(notes() == 1);
  }
  SECTION("tried again after a minute when the disk did not take it") {
    const storage::Error full{.kind = storage::Error::Kind::full, .message = "tapd.db: full"};
    tap.controller.on_storage(ClockNoted{tl::unexpected(full)}, tap.now);
    tap.pass(59s);
    CHECK(notes() == 1);
    tap.pass(1s);
    CHECK(notes() == 2);
  }
}

TEST_CASE("a valve that does not follow is shut again and faults the tap", "[controller]") {
  ControllerFixture tap;
  tap.valve.broken = true;
  const int shuts = tap.valve.shuts;
  tap.to_ready();
  CHECK_FALSE(tap.valve.is_open);
  CHECK(tap.valve.shuts > shuts);
  tap.pass(150ms);
  CHECK(tap.state() == TapState::faulted);
  CHECK(tap.newest<EndRow>().end.last.volume == model::Volume{});
  for (const JournalLine& line : tap.journal.lines) CHECK(line.message != Message::valve_opened);
}

TEST_CASE("a lock that is lifted while another holds does not say that the tap sells",
          "[controller]") {
  ControllerFixture tap;
  CHECK(tap.controller.lock(model::TapId{1}, "lye in the line", tap.now));
  World world;
  tap.controller.on_storage(WorldRead{world}, tap.now);
  world.emergency_stop = true;
  tap.controller.on_storage(WorldRead{world}, tap.now);
  world.emergency_stop = false;
  tap.controller.on_storage(WorldRead{world}, tap.now);
  CHECK(tap.state() == TapState::locked);
  REQUIRE(tap.journal.lines.back().message == Message::tap_unlocked);
  CHECK(tap.journal.lines.back().text == "tap 1: emergency_stop lifted, but it stays locked");
  CHECK(tap.controller.unlock(model::TapId{1}, tap.now));
  CHECK(tap.journal.lines.back().text == "tap 1: sells again (service lifted)");
}

TEST_CASE("an end that the disk refuses is kept, written again, and nobody pours meanwhile",
          "[controller]") {
  ControllerFixture tap;
  tap.to_ready();
  tap.flow(80);
  tap.card_leaves();
  tap.pass(150ms);
  tap.controller.on_storage(failed_end(tap, storage::Error::Kind::full), tap.now);
  CHECK(tap.state() == TapState::locked);
  CHECK_FALSE(tap.controller.at_rest());
  const auto written = tap.asked.size();
  tap.pass(1s);
  REQUIRE(tap.asked.size() == written + 1);
  const EndRow& again = tap.newest<EndRow>();
  CHECK(again.end.last.volume.in_millilitres() == 80);
  tap.controller.on_storage(EndRowDone{.tap = model::TapId{1},
                                       .client_tx_id = again.end.last.client_tx_id,
                                       .result = model::Pour{}},
                            tap.now);
  CHECK(tap.state() == TapState::idle);
  CHECK(tap.controller.at_rest());
}

TEST_CASE("a disk that does not answer ends the pour", "[controller]") {
  ControllerFixture tap;
  tap.to_ready();
  for (int second = 0; second < 7 && tap.valve.is_open; ++second) {
    tap.flow(60);  // asks for progress, which is never answered
    tap.pass(1s);
  }
  CHECK_FALSE(tap.valve.is_open);
  tap.pass(150ms);
  CHECK(tap.newest<EndRow>().end.reason == model::StopReason::storage_fault);
}

TEST_CASE("a disk that takes seconds for a write lets no new pour begin until it is quicker",
          "[controller]") {
  ControllerFixture tap;
  tap.to_ready();
  tap.flow(60);
  tap.pass(2s);
  REQUIRE(tap.valve.is_open);
  tap.answer_progress();
  CHECK(tap.valve.is_open);
  tap.card_leaves();
  tap.pass(150ms);
  tap.controller.on_storage(EndRowDone{.tap = model::TapId{1},
                                       .client_tx_id = tap.newest<EndRow>().end.last.client_tx_id,
                                       .result = {}},
                            tap.now);
  tap.card_arrives();
  tap.answer_facts();
  CHECK(tap.state() == TapState::denied);
  CHECK(tap.controller.session(0).view().reason == "ledger_unavailable");
  CHECK_FALSE(tap.valve.is_open);
  tap.card_leaves();
  tap.pass(5s);
  REQUIRE(tap.state() == TapState::idle);
  tap.to_ready();
  CHECK(tap.valve.is_open);
}

TEST_CASE("a row that takes too long to begin opens no valve, and the guest is told",
          "[controller]") {
  ControllerFixture tap;
  tap.card_arrives();
  tap.answer_facts();
  tap.pass(1500ms);
  CHECK(tap.state() == TapState::settling);
  CHECK(tap.controller.session(0).view().reason == "storage_fault");
  tap.answer_begin();
  CHECK_FALSE(tap.valve.is_open);
  CHECK(tap.newest<EndRow>().end.reason == model::StopReason::storage_fault);
}

TEST_CASE("an answer to an older question opens nothing", "[controller]") {
  ControllerFixture tap;
  tap.card_arrives();
  const auto old_ticket = tap.newest<ReadFacts>().ticket;
  tap.card_leaves();
  tap.card_arrives();
  model::AuthorizationFacts facts;
  facts.available = model::Money{10'000};
  tap.controller.on_storage(FactsRead{.ticket = old_ticket, .result = facts}, tap.now);
  CHECK(tap.state() == TapState::authorizing);
}

TEST_CASE("cleared, a tap takes its lost lines anew, the valve's first, and sells again",
          "[controller]") {
  ControllerFixture tap;
  const auto clear = [&] { return tap.controller.clear(model::TapId{1}, tap.now); };
  const auto meter_goes = [&] {
    tap.meter.gone = true;
    tap.meter.waiting.fault = "GPIO17: No such device";
    tap.controller.on_meter(0, tap.now);
  };
  SECTION("the meter's line, with the chip of both") {
    meter_goes();
    REQUIRE(tap.state() == TapState::faulted);
    tap.valve.broken = true;
    CHECK(clear().error() ==
          "tap 1 is still out of order: valve: GPIO22 is on none of the GPIO chips");
    tap.valve.broken = false;
    CHECK(clear().error() ==
          "tap 1 is still out of order: meter: GPIO17 is on none of the GPIO chips");
    CHECK(tap.state() == TapState::faulted);
    tap.meter.gone = false;
  }
  SECTION("a valve that did not obey") {
    tap.valve.broken = true;
    tap.to_ready();
    REQUIRE(tap.valve.is_open == false);
    tap.pass(150ms);
    tap.card_leaves();
    REQUIRE(tap.state() == TapState::faulted);
    CHECK_FALSE(clear());
    CHECK(tap.state() == TapState::faulted);
    tap.valve.broken = false;
  }
  REQUIRE(clear());
  CHECK(tap.state() == TapState::idle);
  CHECK_FALSE(tap.valve.is_open);
  CHECK(tap.valve.retaken > 0);
  tap.to_ready();
  CHECK(tap.valve.is_open);
}

TEST_CASE("clearing a tap whose lines are well touches none of them", "[controller]") {
  ControllerFixture tap;
  tap.to_ready();
  REQUIRE(tap.controller.clear(model::TapId{1}, tap.now));
  CHECK(tap.valve.is_open);
  CHECK(tap.valve.retaken == 0);
  CHECK_FALSE(tap.controller.clear(model::TapId{9}, tap.now));
}

TEST_CASE("shutting down shuts every valve and waits for the rows", "[controller]") {
  ControllerFixture tap;
  tap.to_ready();
  tap.flow(10);
  tap.controller.shut_down(tap.now);
  CHECK_FALSE(tap.valve.is_open);
  CHECK_FALSE(tap.controller.at_rest());
  tap.pass(150ms);
  CHECK_FALSE(tap.controller.at_rest());
  tap.controller.on_storage(EndRowDone{.tap = model::TapId{1},
                                       .client_tx_id = tap.newest<EndRow>().end.last.client_tx_id,
                                       .result = model::Pour{}},
                            tap.now);
  CHECK(tap.controller.at_rest());
}

}  // namespace tapd::test
