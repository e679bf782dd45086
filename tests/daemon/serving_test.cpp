// Serving limits: what the law lets one guest have, whoever allows the pour and whatever the
// network does; the service card that lifts them; and the venue's late no.
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "controller_fixture.hpp"
#include "daemon/storage_requests.hpp"
#include "tests/storage/bar.hpp"
#include "tests/storage/told.hpp"

namespace tapd::test {
namespace {

using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;
using model::Volume;

const model::BootId earlier_boot{"boot-0"};

model::Volume ml(std::int64_t millilitres) {
  return Volume::millilitres(millilitres);
}

ServingLimit lager(std::int64_t in_window) {
  return {.styles = {"LAGER"}, .per_pour = {}, .in_window = ml(in_window), .window = 120min};
}

model::Serving served(const std::string& style, std::int64_t millilitres,
                      std::chrono::seconds since_boot, const model::BootId& boot = this_boot) {
  return {.category = style,
          .volume = ml(millilitres),
          .start = {.since_boot = since_boot,
                    .wall = at(since_boot.count()).wall,
                    .wall_trusted = false},
          .boot = boot};
}

std::optional<Volume> left(const std::vector<ServingLimit>& limits, const std::string& style,
                           const std::vector<model::Serving>& before,
                           std::chrono::seconds now = 3h) {
  return left_to_serve(limits, style, before, at(now.count()), this_boot);
}

}  // namespace

TEST_CASE("a serving limit counts its styles within its time", "[serving]") {
  CHECK_FALSE(left({}, "Lager", {served("Lager", 900, 2h)}));
  CHECK_FALSE(left({lager(1000)}, "Cider", {served("Lager", 900, 2h)}));
  CHECK(left({lager(1000)}, "Lager", {}) == ml(1000));
  CHECK(left({lager(1000)}, "lager", {served("Lager", 300, 2h), served("Cider", 500, 2h)}) ==
        ml(700));
  CHECK(left({lager(1000)}, "Lager", {served("Lager", 1200, 2h)}) == ml(0));
  SECTION("the time is monotonic, and its end is sharp") {
    CHECK(left({lager(1000)}, "Lager", {served("Lager", 300, 1h)}) == ml(1000));
    CHECK(left({lager(1000)}, "Lager", {served("Lager", 300, 1h + 1s)}) == ml(700));
  }
  SECTION("the strictest of several holds") {
    const ServingLimit every{.styles = {}, .per_pour = ml(500), .in_window = {}, .window = {}};
    CHECK(left({lager(1000), every}, "Lager", {}) == ml(500));
    CHECK(left({lager(1000), every}, "Lager", {served("Lager", 700, 2h)}) == ml(300));
    CHECK(left({lager(1000), every}, "Cider", {}) == ml(500));
  }
  SECTION("what is not known counts everywhere") {
    CHECK(left({lager(1000)}, "", {}) == ml(1000));
    CHECK(left({lager(1000)}, "Lager", {served("", 400, 2h)}) == ml(600));
  }
}

TEST_CASE("a restart makes no pour forgotten early", "[serving]") {
  model::Serving before = served("Lager", 900, 5h, earlier_boot);
  CHECK(left({lager(1000)}, "Lager", {before}, 30s) == ml(100));
  CHECK(left({lager(1000)}, "Lager", {before}, 119min) == ml(100));
  CHECK(left({lager(1000)}, "Lager", {before}, 120min) == ml(1000));
  SECTION("two trusted clocks know better") {
    before.start.wall = at(30).wall - 2h;
    before.start.wall_trusted = true;
    CHECK(left({lager(1000)}, "Lager", {before}, 30s) == ml(1000));
  }
  SECTION("but not a clock that was set back in between") {
    before.start.wall = at(30).wall + 24h;
    before.start.wall_trusted = true;
    CHECK(left({lager(1000)}, "Lager", {before}, 30s) == ml(100));
  }
}

TEST_CASE("the policy refuses with serving_limit, or bounds the pour, online and offline",
          "[serving][policy]") {
  Bar bar;
  hear(bar.ledger(), small_snapshot());
  model::AuthorizationFacts known = facts(bar.ledger());
  PolicyRules rules;
  rules.serving_limits = {lager(700)};
  const ServerLeave leave{
      .guest_id = guest(1), .guest_first_name = "Anna", .most = ml(5'000), .price = {}};
  const bool online = GENERATE(false, true);
  const auto decide = [&] {
    return online ? decide_online(rules, known, leave, std::nullopt, at(3'600), this_boot)
                  : decide_offline(rules, known, std::nullopt, at(3'600), this_boot);
  };
  known.servings = {served("Lager", 300, 30min)};
  REQUIRE(std::holds_alternative<Grant>(decide()));
  CHECK(std::get<Grant>(decide()).limit == ml(400));
  CHECK(std::get<Grant>(decide()).hold == model::Money{200});
  known.servings = {served("Lager", 660, 30min)};  // 40 ml are less than smallest_start
  REQUIRE(std::holds_alternative<Denial>(decide()));
  CHECK(std::get<Denial>(decide()).reason == DenialReason::serving_limit);
  CHECK(to_text(DenialReason::serving_limit) == "serving_limit");
}

TEST_CASE("two taps at once cannot serve more than the limit", "[serving]") {
  Bar bar;
  hear(bar.ledger(), small_snapshot());
  const ServingClaim claim{
      .limits = {lager(700)}, .category = "Lager", .limit = ml(400), .lifted_by = {}};
  BeginRow first{.begin = beginning(1), .serving = claim};
  BeginRow second{.begin = beginning(2), .serving = claim};
  second.begin.tap_id = model::TapId{2};
  const auto begin = [&](const BeginRow& row) -> std::string {
    const auto answer = carry_out(bar.ledger(), this_boot, row);
    const Begun& begun = std::get<BeginRowDone>(answer).result;
    REQUIRE(begun);
    return *begun ? std::string{to_text((*begun)->reason)} : "begun";
  };
  CHECK(begin(first) == "begun");
  CHECK(begin(second) == "serving_limit");
  CHECK(facts(bar.ledger()).servings.size() == 1);
  CHECK(facts(bar.ledger()).servings.front().volume == ml(400));
  REQUIRE(outcome(bar.ledger().end_pour(ending(1, 250))) == "ok");
  CHECK(facts(bar.ledger()).servings.front().volume == ml(250));
  CHECK(begin(second) == "begun");
}

TEST_CASE("a pour beyond the limits is in the audit log with the card that lifted them",
          "[serving]") {
  Bar bar;
  hear(bar.ledger(), small_snapshot());
  const NoteAct lift{.tap = tap_one,
                     .card = card(9),
                     .act = ServiceAct::lift_limits,
                     .detail = "for the next pour",
                     .at = at(9)};
  REQUIRE(std::get<ActNoted>(carry_out(bar.ledger(), this_boot, lift)).result.has_value());
  const BeginRow row{
      .begin = beginning(1),
      .serving = ServingClaim{
          .limits = {}, .category = "Lager", .limit = ml(1'000), .lifted_by = card(9)}};
  const auto begun = std::get<BeginRowDone>(carry_out(bar.ledger(), this_boot, row));
  REQUIRE((begun.result && !*begun.result));
  REQUIRE(outcome(bar.ledger().end_pour(ending(1, 900))) == "ok");
  CHECK(facts(bar.ledger()).servings.front().volume == ml(900));  // it counts all the same
  bar.close();
  CHECK(bar.value("SELECT group_concat(action || ' ' || target || ' ' || actor, ', ')"
                  " FROM audit_log WHERE actor LIKE 'card%'") ==
        "lift_serving_limits tap 1 card " + card(9).text() + ", pour_beyond_serving_limits " +
            pour_id(1).text() + " card " + card(9).text());
  CHECK(bar.value("SELECT lifted_by FROM servings") == card(9).text());
}

// A bound in millilitres: whatever the flow, what runs after the no is at most the volume that the
// configuration names (an edge is a millilitre here, and the tail is known).
TEST_CASE("a late no ends the pour within its volume", "[serving][tap_session]") {
  const std::int64_t allowed = GENERATE(0, 1, 30, 200);
  const auto edge_every = GENERATE(std::chrono::microseconds{50'000}, 16'667us, 5'000us);
  SessionRules rules;
  rules.late_refusal = ml(allowed);
  SessionFixture tap{rules};
  tap.to_ready(600);
  tap.flow_for(2s, edge_every);
  REQUIRE(tap.session.valve_open());
  const std::int64_t before = tap.session.view().volume.in_millilitres();
  tap.give(RefusedLate{{.reason = DenialReason::lost_card, .message = "lost"}});
  tap.give(RefusedLate{{.reason = DenialReason::lost_card, .message = "lost"}});  // said twice
  for (int i = 0; tap.session.valve_open() && i < 1'000; ++i) {
    tap.now.since_boot += edge_every;
    tap.flow(1);
  }
  CHECK_FALSE(tap.session.valve_open());
  tap.pass(150ms);
  REQUIRE(tap.newest<EndPour>() != nullptr);
  const model::PourEnd& end = tap.newest<EndPour>()->end;
  CHECK(end.reason == model::StopReason::refused_late);
  CHECK(end.last.volume.in_millilitres() - before <= allowed);
  CHECK(end.last.volume.in_millilitres() - before >= allowed - 1);
}

TEST_CASE("a late no to a guest who has not begun shuts the valve at once", "[serving]") {
  SessionFixture tap;
  tap.to_ready();
  tap.give(RefusedLate{{.reason = DenialReason::lost_card, .message = "lost"}});
  CHECK_FALSE(tap.session.valve_open());
  CHECK(tap.did<ShutValve>());
  CHECK(tap.session.view().reason == "refused_late");
}

TEST_CASE("a service card lifts the serving limits for one pour, once that is on disk",
          "[controller][serving]") {
  PolicyRules policy;
  policy.serving_limits = {
      {.styles = {}, .per_pour = model::Volume::millilitres(100), .in_window = {}, .window = {}}};
  policy.service_cards = {bob};
  policy.lift_for = 30s;
  ControllerFixture tap{policy};
  const auto limit = [&tap] { return tap.controller.session(0).view().grant->limit; };
  const auto pour_ends = [&tap] {
    tap.card_leaves();
    tap.pass(150ms);
    tap.controller.on_storage(EndRowDone{.tap = model::TapId{1},
                                         .client_tx_id = tap.newest<EndRow>().end.last.client_tx_id,
                                         .result = model::Pour{}},
                              tap.now);
  };
  const auto service_card = [&tap] {
    tap.card_arrives(bob);
    tap.answer_staff_facts();
    tap.pass(3s);  // it is held: the menu's first act
    CHECK(tap.newest<NoteAct>().card == bob);
    CHECK(tap.newest<NoteAct>().act == ServiceAct::lift_limits);
    tap.answer_act();
    CHECK(tap.state() == TapState::denied);
    CHECK(tap.controller.session(0).view().reason == "limits_lifted");
    CHECK_FALSE(tap.valve.is_open);
    tap.card_leaves();
    tap.pass(2s);
    REQUIRE(tap.state() == TapState::idle);
  };
  tap.to_ready();
  CHECK(limit() == model::Volume::millilitres(100));
  CHECK(tap.newest<BeginRow>().serving->limits.size() == 1);
  pour_ends();
  service_card();
  tap.to_ready();
  CHECK(limit() == model::Volume::millilitres(1'000));
  CHECK(tap.newest<BeginRow>().serving->lifted_by == bob);
  CHECK(tap.newest<BeginRow>().serving->limits.empty());
  pour_ends();
  tap.to_ready();  // one pour, not two
  CHECK(limit() == model::Volume::millilitres(100));
  CHECK_FALSE(tap.newest<BeginRow>().serving->lifted_by);
  pour_ends();
  service_card();
  tap.pass(30s);  // nobody came in time
  tap.to_ready();
  CHECK(limit() == model::Volume::millilitres(100));
}

// Found by reading: the next guest, or the same one once more, was bounded by what staff had
// lifted.
TEST_CASE("a pour that never began uses up no lifted limit", "[controller][serving]") {
  PolicyRules policy;
  policy.serving_limits = {{.styles = {}, .per_pour = ml(100), .in_window = {}, .window = {}}};
  policy.service_cards = {bob};
  ControllerFixture tap{policy};
  tap.card_arrives(bob);
  tap.answer_staff_facts();
  tap.pass(3s);
  tap.answer_act();
  tap.card_leaves();
  tap.pass(2s);
  const auto asked_by = [&tap] {
    tap.card_arrives();
    tap.answer_facts();
    return tap.newest<BeginRow>().serving->lifted_by;
  };
  REQUIRE(asked_by() == bob);
  const bool refused = GENERATE(false, true);
  Begun not_begun = tl::unexpected(storage::Error{storage::Error::Kind::full, "full"});
  if (refused) not_begun = Denial{.reason = DenialReason::insufficient_funds, .message = "taken"};
  tap.controller.on_storage(BeginRowDone{.tap = model::TapId{1},
                                         .client_tx_id = tap.newest<BeginRow>().begin.client_tx_id,
                                         .result = not_begun},
                            tap.now);
  REQUIRE(tap.state() == TapState::denied);
  tap.card_leaves();
  tap.pass(2s);
  CHECK(asked_by() == bob);
}

TEST_CASE("a lift that is not in the audit log lifts nothing", "[controller][serving]") {
  PolicyRules policy;
  policy.service_cards = {bob};
  ControllerFixture tap{policy};
  tap.card_arrives(bob);
  tap.answer_staff_facts();
  tap.pass(3s);
  tap.answer_act(tl::unexpected(storage::Error{storage::Error::Kind::full, "full"}));
  CHECK(tap.state() == TapState::denied);
  CHECK(tap.controller.session(0).view().reason == "ledger_unavailable");
}

TEST_CASE("a card that the next snapshot calls lost pours no further", "[controller][serving]") {
  ControllerFixture tap;
  tap.to_ready();
  tap.flow(10);
  tap.controller.on_sync(sync::SnapshotApplied{}, tap.now);
  SECTION("still active: it pours on") {
    tap.answer_facts();
    tap.flow(100);
    CHECK(tap.valve.is_open);
  }
  SECTION("lost: at most the volume of a late refusal") {
    tap.answer_facts(model::CardStatus::lost);
    for (int edge = 0; edge < 30 && tap.valve.is_open; ++edge) tap.flow(1);
    CHECK_FALSE(tap.valve.is_open);
    tap.card_leaves();
    tap.pass(150ms);
    CHECK(tap.newest<EndRow>().end.reason == model::StopReason::refused_late);
    CHECK(tap.newest<EndRow>().end.last.volume <= model::Volume::millilitres(40));
  }
}

TEST_CASE("a server that is gone is told with what becomes of the guests: served, or turned away",
          "[serving]") {
  const auto told = [](bool sell_offline) {
    PolicyRules policy;
    policy.sell_offline = sell_offline;
    ControllerFixture tap{policy};
    tap.controller.on_sync(sync::ServerUnreachable{.why = "no link", .next_try = 500ms}, tap.now);
    return tap.journal.lines.back().text;
  };
  CHECK_THAT(told(true), ContainsSubstring("pours go on from the cached balances"));
  CHECK_THAT(told(false), ContainsSubstring("no guest is served (policy.sell_offline is off)") &&
                              !ContainsSubstring("go on"));
}

// Found by reading: the journal refused two cards in the name of the guest who had left.
TEST_CASE("cards that are refused are not those of the guest before", "[controller]") {
  ControllerFixture tap;
  tap.to_ready();
  tap.card_leaves();
  tap.pass(150ms);
  tap.controller.on_presence(0, drivers::CardRefused{"several_cards"}, tap.now);
  CHECK(tap.journal.lines.back().message == Message::card_denied);
  CHECK(tap.journal.lines.back().text.find("Ann") == std::string::npos);
  CHECK_FALSE(tap.journal.lines.back().fields.card);
}

}  // namespace tapd::test
