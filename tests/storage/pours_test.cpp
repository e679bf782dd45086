#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "tests/storage/bar.hpp"

using namespace tapd;
using namespace tapd::test;
using Catch::Matchers::ContainsSubstring;
using storage::Verdict;

TEST_CASE("a pour that ended is the row that was measured", "[pours]") {
  Bar bar;
  auto& ledger = bar.ledger();
  REQUIRE(outcome(ledger.begin_pour(beginning(1), this_boot)) == "ok");
  REQUIRE(outcome(ledger.record_progress(progress(1, 100, 11))) == "ok");
  REQUIRE(outcome(ledger.record_progress(progress(1, 300, 13))) == "ok");
  model::PourEnd end = ending(1, 412, 15);
  end.last.tail = model::Volume::millilitres(12);
  end.last.edges_lost = 3;
  end.reason = model::StopReason::limit_reached;
  const auto ended = ledger.end_pour(end);
  REQUIRE(outcome(ended) == "ok");

  bar.reopen();
  const auto newest = bar.ledger().newest_pours(10);
  REQUIRE(newest.has_value());
  REQUIRE(newest->size() == 1);
  for (const model::Pour& pour : {*ended, newest->front()}) {
    CHECK(pour.begin.client_tx_id == pour_id(1));
    CHECK(pour.begin.guest_id == guest(1));
    CHECK(pour.begin.card_uid == card(1));
    CHECK(pour.begin.tap_id == model::TapId{1});
    CHECK(pour.begin.keg_id == keg(1));
    CHECK(pour.begin.price == model::LitrePrice{500});
    CHECK(pour.begin.authorized_by == model::AuthorizedBy::server);
    CHECK(pour.begin.hold == model::Money{1000});
    CHECK(pour.begin.calibration_id == 1);
    CHECK(pour.begin.start.since_boot == at(10).since_boot);
    CHECK(pour.begin.start.wall == at(10).wall);
    CHECK(pour.begin.start.wall_trusted);
    CHECK(pour.volume == model::Volume::millilitres(412));
    CHECK(pour.tail == model::Volume::millilitres(12));
    CHECK(pour.price == model::Money{206});
    CHECK(pour.end.wall == at(15).wall);
    CHECK(pour.duration == std::chrono::seconds{5});
    CHECK(pour.stop_reason == model::StopReason::limit_reached);
    CHECK(pour.status == model::PourStatus::fresh);
    CHECK(pour.pulses == 824);
    CHECK(pour.edges_lost == 3);
    CHECK(pour.checkpoints == 2);
    CHECK(pour.attempts == 0);
  }
}

TEST_CASE("a pour that cannot be right is not begun", "[pours]") {
  Bar bar;
  auto& ledger = bar.ledger();
  const auto refused = [&ledger](const model::PourBegin& begin,
                                 const model::BootId& boot = this_boot) {
    const auto result = ledger.begin_pour(begin, boot);
    return !result && result.error().kind == storage::Error::Kind::refused;
  };
  model::PourBegin begin = beginning(1);
  SECTION("no id") {
    begin.client_tx_id = {};
  }
  SECTION("no guest") {
    begin.guest_id = {};
  }
  SECTION("no card") {
    begin.card_uid = {};
  }
  SECTION("tap 0") {
    begin.tap_id = model::TapId{0};
  }
  SECTION("tap -1") {
    begin.tap_id = model::TapId{-1};
  }
  SECTION("tap 1000") {
    begin.tap_id = model::TapId{1000};
  }
  SECTION("negative price") {
    begin.price = model::LitrePrice{-1};
  }
  SECTION("absurd price") {
    begin.price = model::LitrePrice{model::largest_litre_price.minor_per_litre() + 1};
  }
  SECTION("negative hold") {
    begin.hold = model::Money{-1};
  }
  SECTION("absurd hold") {
    begin.hold = model::largest_amount + model::Money{1};
  }
  SECTION("negative calibration") {
    begin.calibration_id = -1;
  }
  SECTION("before the boot") {
    begin.start.since_boot = model::SinceBoot{-1};
  }
  CHECK(refused(begin));
  CHECK(refused(beginning(2), model::BootId{}));
  CHECK(ledger.queue_counts()->open == 0);
}

TEST_CASE("the limits themselves are accepted", "[pours]") {
  Bar bar;
  model::PourBegin begin = beginning(1);
  begin.tap_id = model::TapId{999};
  begin.price = model::largest_litre_price;
  begin.hold = model::largest_amount;
  begin.keg_id = {};
  REQUIRE(outcome(bar.ledger().begin_pour(begin, this_boot)) == "ok");
  model::PourEnd end = ending(1, 1'000'000);
  end.last.price = model::largest_amount;
  const auto ended = bar.ledger().end_pour(end);
  REQUIRE(outcome(ended) == "ok");
  CHECK(ended->begin.keg_id.empty());
  CHECK(ended->volume == model::Volume::largest());
}

TEST_CASE("an id counts once, also after the pour ended", "[pours]") {
  Bar bar;
  pour(bar.ledger(), 1, 100);
  CHECK_THAT(outcome(bar.ledger().begin_pour(beginning(1), this_boot)),
             ContainsSubstring("refused: ") && ContainsSubstring("used before"));
  bar.reopen();
  CHECK_THAT(outcome(bar.ledger().begin_pour(beginning(1), this_boot)),
             ContainsSubstring("used before"));
  CHECK(bar.ledger().newest_pours(10)->size() == 1);
}

TEST_CASE("a tap has one open pour, another tap its own", "[pours]") {
  Bar bar;
  REQUIRE(outcome(bar.ledger().begin_pour(beginning(1), this_boot)) == "ok");
  CHECK_THAT(outcome(bar.ledger().begin_pour(beginning(2), this_boot)),
             ContainsSubstring("refused") && ContainsSubstring(pour_id(1).text()));
  model::PourBegin elsewhere = beginning(2);
  elsewhere.tap_id = model::TapId{2};
  CHECK(outcome(bar.ledger().begin_pour(elsewhere, this_boot)) == "ok");
  REQUIRE(outcome(bar.ledger().end_pour(ending(1, 10))) == "ok");
  CHECK(outcome(bar.ledger().begin_pour(beginning(3), this_boot)) == "ok");
}

TEST_CASE("progress never goes backwards, neither does the end", "[pours]") {
  Bar bar;
  auto& ledger = bar.ledger();
  REQUIRE(outcome(ledger.begin_pour(beginning(1), this_boot)) == "ok");
  model::PourProgress far = progress(1, 200, 12);
  far.tail = model::Volume::millilitres(5);
  far.edges_lost = 2;
  REQUIRE(outcome(ledger.record_progress(far)) == "ok");

  model::PourProgress back = far;
  SECTION("in volume") {
    back.volume = model::Volume::millilitres(199);
  }
  SECTION("in tail") {
    back.tail = model::Volume::millilitres(4);
  }
  SECTION("in price") {
    back.price = far.price - model::Money{1};
  }
  SECTION("in pulses") {
    back.pulses -= 1;
  }
  SECTION("in lost edges") {
    back.edges_lost -= 1;
  }
  SECTION("in time") {
    back.at = at(11);
  }
  CHECK_THAT(outcome(ledger.record_progress(back)),
             ContainsSubstring("refused") && ContainsSubstring("backwards"));
  CHECK_THAT(outcome(ledger.end_pour({back, model::StopReason::shutdown})),
             ContainsSubstring("backwards"));
  CHECK(ledger.queue_counts()->open == 1);
  CHECK(outcome(ledger.record_progress(far)) == "ok");
  const auto ended = ledger.end_pour({far, model::StopReason::shutdown});
  REQUIRE(outcome(ended) == "ok");
  CHECK(ended->checkpoints == 2);
  CHECK(ended->volume == far.volume);
}

TEST_CASE("progress that cannot be right is refused", "[pours]") {
  Bar bar;
  REQUIRE(outcome(bar.ledger().begin_pour(beginning(1), this_boot)) == "ok");
  model::PourProgress bad = progress(1, 200);
  SECTION("negative volume") {
    bad.volume = model::Volume::millilitres(-1);
  }
  SECTION("absurd volume") {
    bad.volume = model::Volume::microlitres(1'000'000'001);
  }
  SECTION("negative tail") {
    bad.tail = model::Volume::microlitres(-1);
  }
  SECTION("more tail than volume") {
    bad.tail = model::Volume::microlitres(200'001);
  }
  SECTION("negative price") {
    bad.price = model::Money{-1};
  }
  SECTION("absurd price") {
    bad.price = model::largest_amount + model::Money{1};
  }
  SECTION("negative pulses") {
    bad.pulses = -1;
  }
  SECTION("absurd pulses") {
    bad.pulses = 1'000'000'000'001;
  }
  SECTION("negative lost edges") {
    bad.edges_lost = -1;
  }
  SECTION("before it began") {
    bad.at = at(9);
  }
  CHECK_THAT(outcome(bar.ledger().record_progress(bad)), ContainsSubstring("refused"));
  CHECK_THAT(outcome(bar.ledger().end_pour({bad, model::StopReason::shutdown})),
             ContainsSubstring("refused"));
}

TEST_CASE("a pour that is not open takes neither progress nor a second end", "[pours]") {
  Bar bar;
  CHECK_THAT(outcome(bar.ledger().record_progress(progress(1, 10))),
             ContainsSubstring("never begun"));
  CHECK_THAT(outcome(bar.ledger().end_pour(ending(1, 10))), ContainsSubstring("never begun"));
  pour(bar.ledger(), 1, 100);
  CHECK_THAT(outcome(bar.ledger().record_progress(progress(1, 200))),
             ContainsSubstring("refused") && ContainsSubstring("no longer open"));
  CHECK_THAT(outcome(bar.ledger().end_pour(ending(1, 200))), ContainsSubstring("no longer open"));
  CHECK(bar.ledger().newest_pours(1)->front().volume == model::Volume::millilitres(100));
}

TEST_CASE("a pour of nothing is closed and queued too", "[pours]") {
  Bar bar;
  pour(bar.ledger(), 1, 0);
  const auto due = bar.ledger().due_pours(10, at(20));
  REQUIRE(due->size() == 1);
  CHECK(due->front().volume == model::Volume{});
  CHECK(due->front().price == model::Money{});
}

TEST_CASE("a pour found open ends at its last progress", "[pours]") {
  Bar bar;
  REQUIRE(outcome(bar.ledger().begin_pour(beginning(1), this_boot)) == "ok");
  REQUIRE(outcome(bar.ledger().record_progress(progress(1, 250, 14))) == "ok");
  model::PourBegin dry = beginning(2);
  dry.tap_id = model::TapId{2};
  REQUIRE(outcome(bar.ledger().begin_pour(dry, this_boot)) == "ok");
  bar.reopen(next_boot);

  const auto recovered = bar.ledger().finish_open_pours(at(3));
  REQUIRE(outcome(recovered) == "ok");
  REQUIRE(recovered->size() == 2);
  const model::Pour& poured = recovered->at(0).pour;
  CHECK(poured.begin.client_tx_id == pour_id(1));
  CHECK(poured.volume == model::Volume::millilitres(250));
  CHECK(poured.price == model::Money{125});
  CHECK(poured.stop_reason == model::StopReason::power_loss);
  CHECK(poured.duration == std::chrono::seconds{4});
  CHECK(poured.status == model::PourStatus::fresh);
  CHECK(poured.checkpoints == 1);
  const model::Pour& nothing = recovered->at(1).pour;
  CHECK(nothing.volume == model::Volume{});
  CHECK(nothing.price == model::Money{});
  CHECK(nothing.duration == std::chrono::milliseconds{0});

  CHECK(bar.ledger().finish_open_pours(at(4))->empty());
  CHECK(bar.ledger().due_pours(10, at(4))->size() == 2);
  bar.close();
  CHECK(bar.value("SELECT count(*) FROM audit_log WHERE action = 'finish_open_pour'") == "2");
}

TEST_CASE("the run-on of a tap is learnt from its own finished pours", "[pours]") {
  Bar bar;
  auto& ledger = bar.ledger();
  CHECK(ledger.recent_tails(model::TapId{1}, 5)->empty());
  for (std::uint64_t number = 1; number <= 4; ++number) {
    REQUIRE(outcome(ledger.begin_pour(beginning(number), this_boot)) == "ok");
    model::PourEnd end = ending(number, number == 2 ? 0 : 100);
    if (number != 2) end.last.tail = model::Volume::millilitres(static_cast<int>(number));
    REQUIRE(outcome(ledger.end_pour(end)) == "ok");
  }
  CHECK(*ledger.recent_tails(model::TapId{1}, 5) == std::vector{model::Volume::millilitres(4),
                                                                model::Volume::millilitres(3),
                                                                model::Volume::millilitres(1)});
  CHECK(ledger.recent_tails(model::TapId{1}, 2)->size() == 2);
  CHECK(ledger.recent_tails(model::TapId{2}, 5)->empty());
}

TEST_CASE("wall times from before the clock was set are read corrected", "[pours]") {
  Bar bar;
  auto& ledger = bar.ledger();
  model::PourBegin begin = beginning(1);
  begin.start.wall = model::WallTime{};
  begin.start.wall_trusted = false;
  REQUIRE(outcome(ledger.begin_pour(begin, this_boot)) == "ok");
  model::PourEnd end = ending(1, 100, 15);
  end.last.at.wall = model::WallTime{} + std::chrono::seconds{5};
  end.last.at.wall_trusted = false;
  REQUIRE(outcome(ledger.end_pour(end)) == "ok");
  CHECK_FALSE(ledger.due_pours(1, at(20))->front().begin.start.wall_trusted);

  CHECK_THAT(outcome(ledger.note_clock(end.last.at, this_boot)), ContainsSubstring("refused"));
  REQUIRE(outcome(ledger.note_clock(at(100), next_boot)) == "ok");
  CHECK_FALSE(ledger.due_pours(1, at(20))->front().begin.start.wall_trusted);
  REQUIRE(outcome(ledger.note_clock(at(100), this_boot)) == "ok");
  const model::Pour due = ledger.due_pours(1, at(20))->front();
  CHECK(due.begin.start.wall_trusted);
  CHECK(due.begin.start.wall == at(10).wall);
  CHECK(due.end.wall == at(15).wall);
  bar.close();
  CHECK(bar.value("SELECT start_ts FROM pours") == "1970-01-01T00:00:00.000Z");
}
