// The end of a keg, and what only looks like it: told from guests who let go of the handle and from
// a meter that is dead.
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "daemon/core/meter_models.hpp"
#include "metered_tap.hpp"

namespace tapd::test {

using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;
using model::StopReason;

TEST_CASE("a keg that runs out locks the tap until it is changed", "[signatures]") {
  SessionRules rules = MeteredTap::rules();
  auto plan = MeteredTap::plan();
  plan.keg_ml = 250;
  bool at_once = true;
  SECTION("the gas is fast enough to be known as gas") {}
  SECTION("nobody has told how much this tap pours at most: gas, then nothing, twice") {
    rules.meter.most_flow = 0;
    at_once = false;
  }
  MeteredTap tap{rules, plan};
  tap.begin_pour(1'000, 60, 900);
  tap.run(9s);
  CHECK(tap.reported(FlowSign::keg_empty) == at_once);
  if (!at_once) {
    tap.end_pour();
    tap.begin_pour(1'000, 60, 650);
    tap.run(16s, 20ms);
  }
  CHECK(tap.reported(FlowSign::keg_empty));
  CHECK_FALSE(tap.physics.valve_commanded_open());
  CHECK(tap.session.state() == TapState::locked);
  CHECK_THAT(tap.journal(),
             ContainsSubstring("the keg is empty") && ContainsSubstring("tapctl clear 1"));
  tap.give(CardGone{});
  tap.give(CardPresent{bob});
  CHECK(tap.session.state() == TapState::locked);
  tap.give(CardGone{});
  tap.give(Cleared{});
  CHECK(tap.session.state() == TapState::idle);
}

TEST_CASE("a guest who lets go of the handle has emptied no keg", "[signatures]") {
  MeteredTap tap{MeteredTap::rules()};
  tap.begin_pour(1'000, 60, 1'500);
  tap.run(2s);
  tap.physics.pull(0);
  tap.run(5s);
  CHECK(tap.session.valve_open());
  CHECK(tap.newest<ReportFlow>() == nullptr);
}

// Found by reading: the gas of each emptied keg was a fault of the cable, which outlasts the keg.
TEST_CASE("gas is no noise with a meter that beer drives to the top of its range", "[signatures]") {
  const auto [name, ml_per_s] =
      GENERATE(table<const char*, int>({{"titan-845", 60}, {"titan-865", 80}, {"yf-s401", 75}}));
  const auto* const model = find_meter_model(name);
  REQUIRE(model != nullptr);
  CAPTURE(model->name);
  auto plan = MeteredTap::plan();
  plan.keg_ml = 250;
  plan.meter.milli_pulses_per_litre = model->milli_pulses_per_litre;
  plan.shortest_interval = model->shortest_interval;
  SessionRules rules = MeteredTap::rules();
  rules.meter.most_millihertz = model->most_millihertz;
  rules.meter.most_flow = GENERATE(0, 80'000);
  MeteredTap tap{rules, plan,
                 Calibration::from_milli_pulses_per_litre(model->milli_pulses_per_litre)};
  for (int pour = 0; pour < 2 && tap.session.state() == TapState::idle; ++pour) {
    tap.begin_pour(1'000, ml_per_s, 900 - 250 * pour);
    tap.run(16s);
    tap.end_pour();
  }
  UNSCOPED_INFO(tap.journal());
  CHECK_FALSE(tap.reported(FlowSign::noise));
  CHECK(tap.reported(FlowSign::keg_empty));
  CHECK(tap.session.state() == TapState::locked);
  CHECK(tap.listening);
}

// Found by reading: what ran faster two seconds before the silence was taken for gas.
TEST_CASE("a guest who opens the handle wider, and then lets go of it, has emptied no keg",
          "[signatures]") {
  const auto fast_for = GENERATE(600ms, 1'000ms, 2'500ms);
  MeteredTap tap{MeteredTap::rules()};
  for (int pour = 0; pour < 3; ++pour) {
    tap.begin_pour(1'000, 30);
    tap.run(1s);
    tap.physics.pull(60);
    tap.run(fast_for);
    tap.physics.pull(0);
    tap.run(5s);
    CHECK_FALSE(tap.reported(FlowSign::keg_empty));
    CHECK(tap.session.state() != TapState::locked);
    tap.give(CardGone{});
    tap.run(2s);
  }
}

// Found by reading: a keg with less than two litres in the books was empty at the first such hand.
TEST_CASE("a guest who tops up out of the last litres of a keg has not emptied it",
          "[signatures]") {
  MeteredTap tap{MeteredTap::rules()};
  for (std::int64_t left = 1'900; left > 600; left -= 360) {
    tap.begin_pour(1'000, 60, left);
    tap.run(4s);
    tap.physics.pull(30);  // The foam rises.
    tap.run(2s);
    tap.physics.pull(60);
    tap.run(1s);
    tap.physics.pull(0);
    tap.run(2'500ms);
    CHECK(tap.charged_ml() > 300);
    CHECK_FALSE(tap.reported(FlowSign::keg_empty));
    CHECK(tap.session.state() != TapState::locked);
    tap.end_pour();
  }
  CHECK(tap.session.state() == TapState::idle);
}

TEST_CASE("a keg that nobody knows anything of is empty when the next pour brings nothing",
          "[signatures]") {
  SessionRules rules = MeteredTap::rules();
  rules.meter.most_flow = 0;
  auto plan = MeteredTap::plan();
  plan.keg_ml = 250;
  MeteredTap tap{rules, plan};
  tap.begin_pour(1'000, 60);
  tap.run(9s);
  CHECK(tap.newest<EndPour>()->end.reason == StopReason::no_flow);
  CHECK_FALSE(tap.reported(FlowSign::keg_empty));
  tap.give(CardGone{});
  tap.run(1s);
  tap.begin_pour(1'000, 60);
  tap.run(16s, 20ms);
  CHECK(tap.reported(FlowSign::keg_empty));
  CHECK(tap.session.state() == TapState::locked);
}

// Found by reading: what a guest did who opened wider and let go was held against the next keg, and
// against a next guest who had only come too early.
TEST_CASE("a keg in doubt is forgotten with the keg", "[signatures]") {
  MeteredTap tap{MeteredTap::rules()};
  tap.begin_pour(1'000, 30);
  tap.run(1s);
  tap.physics.pull(60);
  tap.run(600ms);
  tap.physics.pull(0);
  tap.run(5s);
  tap.give(CardGone{});
  REQUIRE(tap.newest<EndPour>()->end.reason == StopReason::no_flow);
  SECTION("staff have looked") {
    tap.give(Cleared{});
  }
  SECTION("the venue has another keg there") {
    tap.give(Unlocked{LockReason::keg_empty});
  }
  SECTION("staff have changed the keg") {
    tap.give(ServiceBegun{
        .kind = ServiceKind::keg_change, .longest = 2s, .most = model::Volume::millilitres(500)});
    tap.run(4s);
  }
  SECTION("beer came") {
    tap.begin_pour(1'000, 60);
    tap.run(2s);
    tap.give(CardGone{});
    tap.run(2s);
  }
  tap.begin_pour(1'000, 0);
  tap.run(16s, 20ms);
  CHECK_FALSE(tap.reported(FlowSign::keg_empty));
  CHECK(tap.session.state() != TapState::locked);
}

// Found by reading: it sold again, and nobody was told.
TEST_CASE("a lock that a new keg lifts is told as lifted", "[signatures]") {
  MeteredTap tap{MeteredTap::rules()};
  tap.give(Locked{LockReason::keg_empty, "the keg is empty"});
  REQUIRE(tap.session.state() == TapState::locked);
  tap.give(ServiceBegun{
      .kind = ServiceKind::keg_change, .longest = 2s, .most = model::Volume::millilitres(500)});
  tap.run(4s);
  CHECK(tap.session.state() == TapState::idle);
  CHECK_THAT(tap.journal(), ContainsSubstring("keg_empty lifted"));
}

// Found by reading: with a cut cable each card brought fifteen seconds of beer that nobody paid.
TEST_CASE("a tap that brings no pulse to several guests in a row is closed", "[signatures]") {
  MeteredTap tap{MeteredTap::rules()};
  const auto stay = [&tap](double ml_per_s) {
    tap.begin_pour(1'000, ml_per_s);
    tap.run(16s, 20ms);
    tap.give(CardGone{});
    tap.run(1s);
  };
  const int most = MeteredTap::rules().silent_pours;
  REQUIRE(most > 2);

  for (int guest = 1; guest < most; ++guest) stay(0);
  CHECK(tap.session.state() == TapState::idle);
  stay(60);  // One who pours: the meter is alive.
  for (int guest = 1; guest < most; ++guest) stay(0);
  CHECK(tap.session.state() == TapState::idle);
  stay(0);
  CHECK(tap.session.state() == TapState::locked);
  CHECK_THAT(tap.journal(),
             ContainsSubstring("the meter is dead") && ContainsSubstring("tapctl clear 1"));

  SECTION("until staff have looked") {
    tap.give(Cleared{});
    CHECK(tap.session.state() == TapState::idle);
    stay(0);
    CHECK(tap.session.state() == TapState::idle);
  }
  SECTION("or have seen it count") {
    tap.physics.pull(60);
    tap.give(ServiceBegun{
        .kind = ServiceKind::bleed, .longest = 2s, .most = model::Volume::millilitres(500)});
    tap.run(4s);
    CHECK(tap.session.state() == TapState::idle);
  }
}

// Found by reading: only pours that the silence itself had ended were counted, and guests go
// sooner.
TEST_CASE("a dead meter is known by guests who go before it has been silent for long, too",
          "[signatures]") {
  SessionRules rules = MeteredTap::rules();
  rules.mode = GENERATE(SessionMode::card_present, SessionMode::tap_to_start);
  MeteredTap tap{rules};
  tap.physics.set_meter({.silent = true});
  int served = 0;
  while (tap.session.state() == TapState::idle && served < 50) {
    tap.begin_pour(1'000, 60);
    if (rules.mode == SessionMode::tap_to_start) tap.give(CardGone{tap.now.since_boot});
    tap.run(8s, 20ms);
    if (rules.mode == SessionMode::tap_to_start) tap.give(CardPresent{ann});
    tap.give(CardGone{tap.now.since_boot});
    tap.run(1s);
    ++served;
  }
  CHECK(tap.session.state() == TapState::locked);
  CHECK(served == 8);  // 60 s of an open valve
  CHECK(tap.reported(FlowSign::silence));
  CHECK_THAT(tap.journal(),
             ContainsSubstring("the meter is dead") && ContainsSubstring("tapctl clear 1"));
}

namespace {

/// One who pulls the handle at a tap whose impeller is held by dirt: of each second's beer come
/// only so many edges. Goes by himself after so long.
void pour_past_jam(MeteredTap& tap, std::int64_t edges, std::chrono::seconds every,
                   std::chrono::seconds stays) {
  tap.physics.set_meter({.silent = true});
  tap.begin_pour(1'000, 60);
  for (auto stood = 0s; stood < stays && tap.session.valve_open(); stood += every) {
    tap.run(every, 20ms);
    if (tap.session.valve_open()) tap.give(Flow{.edges = edges});
  }
  tap.end_pour();
}

}  // namespace

// Found by reading: each twitch counted as flow, so that beer ran for three minutes for nearly
// nothing, card after card.
TEST_CASE("an impeller that is jammed and twitches is as silent as one that is dead",
          "[signatures]") {
  MeteredTap tap{MeteredTap::rules()};
  pour_past_jam(tap, 1, 4s, 60s);
  CHECK(tap.newest<EndPour>()->end.reason == StopReason::no_flow);
  CHECK(tap.passed_ml() < 60 * 16);
  CHECK_THAT(tap.journal(), ContainsSubstring("next to nothing ran for 15 s"));
  int guests = 1;
  for (; tap.session.state() == TapState::idle && guests < 50; ++guests) {
    pour_past_jam(tap, 1, 4s, 8s);
  }
  CHECK(guests == 7);  // 15 s, and six times eight: the first minute is full
  CHECK(tap.session.state() == TapState::locked);
  CHECK(tap.session.has_lock(LockReason::silent));
  CHECK_THAT(tap.journal(),
             ContainsSubstring("the meter is dead") && ContainsSubstring("tapctl clear 1"));

  SECTION("and a twitch while staff bleed the line does not open it again") {
    tap.give(ServiceBegun{
        .kind = ServiceKind::bleed, .longest = 2s, .most = model::Volume::millilitres(500)});
    tap.give(Flow{.edges = 1});
    tap.run(4s);
    CHECK(tap.session.has_lock(LockReason::silent));
  }
}

TEST_CASE("who lets the foam trickle, or takes one sip, pours", "[signatures]") {
  MeteredTap tap{MeteredTap::rules()};
  SECTION("a trickle far below what any meter counts well") {
    pour_past_jam(tap, 12, 1s, 120s);  // 1 ml a second
    CHECK(tap.newest<EndPour>()->end.reason == StopReason::card_removed);
  }
  SECTION("one sip each, and then only looks at the glass") {
    for (int guest = 0; guest < 20; ++guest) {
      tap.begin_pour(1'000, 60);
      tap.run(400ms);
      tap.physics.pull(0);
      tap.run(16s, 20ms);
      tap.end_pour();
      CHECK(tap.newest<EndPour>()->end.reason == StopReason::no_flow);
    }
  }
  SECTION("one who sips and waits, for longer than a silence lasts") {
    tap.begin_pour(1'000, 0);
    for (int sip = 0; sip < 5; ++sip) {
      tap.run(12s, 20ms);
      tap.physics.pull(60);
      tap.run(400ms);
      tap.physics.pull(0);
    }
    CHECK(tap.session.valve_open());
    tap.end_pour();
  }
  CHECK(tap.session.state() == TapState::idle);
}

TEST_CASE("cards that are taken straight off again close no tap where beer is poured",
          "[signatures]") {
  MeteredTap tap{MeteredTap::rules()};
  for (int evening = 0; evening < 3; ++evening) {
    for (int card = 0; card < 40; ++card) {
      tap.begin_pour(1'000, 0);
      tap.run(1s, 20ms);
      tap.end_pour();
    }
    CHECK(tap.session.state() == TapState::idle);
    tap.begin_pour(1'000, 60);
    tap.run(2s);
    tap.end_pour();
  }
  CHECK_FALSE(tap.reported(FlowSign::silence));
}

// The valve has not been open: a start that is slow, and a guest who does not wait for it.
TEST_CASE("a pour that ends before its valve opens is no silence", "[signatures]") {
  MeteredTap tap{MeteredTap::rules()};
  for (int guest = 0; guest < 20; ++guest) {
    tap.give(CardPresent{ann});
    tap.give(Granted{.grant = grant(1'000), .client_tx_id = some_id()});
    tap.give(CardGone{tap.now.since_boot});
    tap.give(BeginWritten{});
    tap.run(1s, 20ms);
  }
  CHECK(tap.session.state() == TapState::idle);
}

TEST_CASE("where the venue wants it, no silence closes a tap", "[signatures]") {
  SessionRules rules = MeteredTap::rules();
  rules.silent_pours = 0;
  MeteredTap tap{rules};
  for (int guest = 0; guest < 12; ++guest) {
    tap.begin_pour(1'000, 0);
    tap.run(16s, 20ms);
    tap.give(CardGone{});
    tap.run(1s);
  }
  CHECK(tap.session.state() == TapState::idle);
}

}  // namespace tapd::test
