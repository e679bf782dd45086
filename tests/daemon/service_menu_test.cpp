// The service menu of a staff card: touches choose, a held card does it, the next touch stops it.
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include "controller_fixture.hpp"

namespace tapd::test {

using namespace std::chrono_literals;

namespace {

PolicyRules with_staff() {
  PolicyRules policy;
  policy.service_cards = {bob};
  policy.staff_guests = {model::GuestId{"technician"}};
  return policy;
}

/// A tap whose cards are staff's (bob) and a guest's (ann).
class MenuFixture : public ControllerFixture {
 public:
  MenuFixture() : ControllerFixture{with_staff()} {}

  /// Lays the staff card on; the cache knows it as the test says.
  void lay(model::CardStatus status = model::CardStatus::active) {
    const std::size_t asked_before = asked.size();
    card_arrives(bob);
    if (asked.size() > asked_before && std::holds_alternative<ReadFacts>(asked.back())) {
      answer_staff_facts(status);
    }
  }
  void touch() {
    lay();
    pass(500ms);
    card_leaves();
    pass(500ms);
  }
  /// Touches until the menu is at this act, and holds the last touch.
  void choose(ServiceAct act) {
    for (int touches = 0; touches < static_cast<int>(act); ++touches) touch();
    lay();
    pass(3s);
  }
  [[nodiscard]] std::string reason() const { return controller.session(0).view().reason; }
  [[nodiscard]] std::vector<ServiceAct> noted() const {
    std::vector<ServiceAct> acts;
    for (const StorageRequest& request : asked) {
      if (const auto* note = std::get_if<NoteAct>(&request)) acts.push_back(note->act);
    }
    return acts;
  }
  [[nodiscard]] bool was_told(const std::string& text) const {
    return std::any_of(journal.lines.begin(), journal.lines.end(), [&](const JournalLine& line) {
      return line.text.find(text) != std::string::npos;
    });
  }
};

}  // namespace

TEST_CASE("each touch of a staff card is the next act, and the fifth is followed by the first",
          "[service_menu]") {
  MenuFixture tap;
  for (const char* act : {"lift_limits", "bleed", "clean", "keg_change", "stop", "lift_limits"}) {
    tap.touch();
    CHECK(tap.state() == TapState::service_menu);
    CHECK(tap.reason() == act);
  }
  CHECK(tap.noted().empty());
  CHECK(tap.valve.shuts == 1);  // at the start, and never opened since
  CHECK(tap.was_told("card ..5566 has opened the service menu"));
}

TEST_CASE("a held act is noted first, then the valve opens, and its liquid is nobody's pour",
          "[service_menu]") {
  const auto [act, kind, sign] =
      GENERATE(std::tuple{ServiceAct::bleed, ServiceKind::bleed, "bleeding"},
               std::tuple{ServiceAct::clean, ServiceKind::clean, "cleaning"},
               std::tuple{ServiceAct::keg_change, ServiceKind::keg_change, "keg_change"});
  MenuFixture tap;
  tap.choose(act);
  REQUIRE(tap.noted() == std::vector{act});
  CHECK(tap.newest<NoteAct>().card == bob);
  CHECK(tap.newest<NoteAct>().detail.starts_with("at most "));
  CHECK_FALSE(tap.valve.is_open);
  tap.answer_act();
  REQUIRE(tap.valve.is_open);
  CHECK(tap.state() == TapState::servicing);
  tap.card_leaves();  // both hands are needed
  tap.flow(50);
  tap.pass(1s);
  REQUIRE(tap.valve.is_open);
  tap.lay();  // and laid on again it stops
  CHECK_FALSE(tap.valve.is_open);
  tap.pass(200ms);
  const auto& flow = tap.newest<WriteFlowEvent>().event;
  CHECK(flow.reason == sign);
  CHECK(flow.volume == model::Volume::millilitres(50));
  CHECK(tap.controller.last_service(0).done.kind == kind);
  CHECK(tap.noted() == std::vector{act, ServiceAct::stop});
  for (const StorageRequest& request : tap.asked) CHECK(!std::holds_alternative<BeginRow>(request));
  tap.card_leaves();
  CHECK(tap.state() == TapState::idle);
}

TEST_CASE("what a card has begun is bounded in time and volume although nobody comes back",
          "[service_menu]") {
  MenuFixture tap;
  tap.choose(ServiceAct::bleed);
  tap.answer_act();
  tap.card_leaves();
  REQUIRE(tap.valve.is_open);
  SECTION("time") {
    tap.pass(usual_work(ServiceKind::bleed).longest - 1ms);
    CHECK(tap.valve.is_open);
    tap.pass(1ms);
    CHECK_FALSE(tap.valve.is_open);
  }
  SECTION("volume") {
    tap.flow(usual_work(ServiceKind::bleed).most.in_millilitres() - 1);
    CHECK(tap.valve.is_open);
    tap.flow(1);
    CHECK_FALSE(tap.valve.is_open);
  }
  tap.pass(200ms);
  CHECK(tap.state() == TapState::idle);
}

TEST_CASE("the fifth act leaves the menu, and so does a menu that nobody touches",
          "[service_menu]") {
  MenuFixture tap;
  SECTION("held") {
    tap.choose(ServiceAct::stop);
    CHECK(tap.state() == TapState::finished);
    tap.card_leaves();
  }
  SECTION("left alone") {
    tap.touch();
    tap.pass(13s);  // and the touch took one
    CHECK(tap.state() == TapState::service_menu);
    tap.pass(1s);
  }
  CHECK(tap.state() == TapState::idle);
  CHECK(tap.noted().empty());
  CHECK(tap.was_told("nothing was done"));
}

TEST_CASE("a card that flaps neither chooses nor runs nor stops anything, and the menu ends",
          "[service_menu]") {
  MenuFixture tap;
  const auto flap = [&tap](std::chrono::milliseconds away) {
    tap.card_leaves();
    tap.pass(away);
    tap.lay();
    tap.pass(100ms);
  };
  SECTION("while choosing: one touch") {
    tap.lay();
    for (int i = 0; i < 5; ++i) flap(350ms);
    CHECK(tap.reason() == "lift_limits");
  }
  SECTION("while it runs: the valve stays as it is") {
    tap.choose(ServiceAct::clean);
    tap.answer_act();
    for (int i = 0; i < 5; ++i) flap(350ms);
    CHECK(tap.valve.is_open);
    flap(400ms);
    CHECK_FALSE(tap.valve.is_open);
  }
  SECTION("slowly, for ever: within two minutes the menu is closed") {
    tap.lay();
    const auto begun = tap.now.since_boot;
    while (tap.state() == TapState::service_menu) {
      flap(900ms);
      REQUIRE(tap.now.since_boot - begun <= 121s);
    }
    CHECK(tap.noted().empty());
    CHECK_FALSE(tap.valve.is_open);
  }
}

TEST_CASE("a guest's card in between closes the menu and is served as ever", "[service_menu]") {
  MenuFixture tap;
  tap.touch();
  tap.card_arrives(ann);
  CHECK(tap.state() == TapState::authorizing);
  tap.answer_facts();  // not staff's
  tap.answer_facts();
  tap.answer_begin();
  CHECK(tap.state() == TapState::ready);
}

TEST_CASE("a guest's card stops what staff's card has begun, and pours nothing", "[service_menu]") {
  MenuFixture tap;
  tap.choose(ServiceAct::clean);
  tap.answer_act();
  tap.card_leaves();
  REQUIRE(tap.valve.is_open);
  tap.card_arrives(ann);
  CHECK_FALSE(tap.valve.is_open);
  tap.pass(200ms);
  CHECK(tap.state() == TapState::finished);
  for (const StorageRequest& request : tap.asked) CHECK(!std::holds_alternative<BeginRow>(request));
}

TEST_CASE("a guest's card between the choice and its note means that nothing is done",
          "[service_menu]") {
  MenuFixture tap;
  tap.choose(GENERATE(ServiceAct::lift_limits, ServiceAct::clean));
  tap.card_arrives(ann);
  tap.answer_act();
  CHECK_FALSE(tap.valve.is_open);
  CHECK(tap.state() == TapState::authorizing);
}

TEST_CASE("a staff card that is lost or not active opens nothing", "[service_menu]") {
  const auto [status, reason] = GENERATE(std::pair{model::CardStatus::lost, "lost_card"},
                                         std::pair{model::CardStatus::inactive, "inactive_card"});
  MenuFixture tap;
  tap.lay(status);
  CHECK(tap.state() == TapState::denied);
  CHECK(tap.reason() == reason);
  tap.pass(10s);
  CHECK(tap.noted().empty());
}

TEST_CASE("a card is staff's by its guest as well, from the cache alone", "[service_menu]") {
  MenuFixture tap;
  tap.card_arrives(ann);
  SECTION("the guest is") {
    tap.answer_staff_facts(model::CardStatus::active, model::GuestId{"technician"});
    CHECK(tap.state() == TapState::service_menu);
  }
  SECTION("and when they are not active any more, it is not") {
    model::AuthorizationFacts facts;
    facts.card = model::Card{.uid = ann, .guest_id = model::GuestId{"technician"}};
    facts.guest = model::Guest{
        .id = model::GuestId{"technician"}, .first_name = "Tom", .balance = {}, .active = false};
    tap.controller.on_storage(FactsRead{.ticket = tap.newest<ReadFacts>().ticket, .result = facts},
                              tap.now);
    CHECK(tap.state() == TapState::denied);
    CHECK(tap.reason() == "inactive_guest");
  }
  SECTION("another guest is not: the card is asked for as ever") {
    tap.answer_facts();
    CHECK(tap.state() == TapState::authorizing);
    tap.answer_facts();
    CHECK(tap.state() == TapState::preparing);
  }
  SECTION("a cache that cannot be read says so") {
    tap.controller.on_storage(
        FactsRead{.ticket = tap.newest<ReadFacts>().ticket,
                  .result = tl::unexpected(storage::Error{storage::Error::Kind::io, "worn"})},
        tap.now);
    CHECK(tap.reason() == "ledger_unavailable");
  }
}

TEST_CASE("a staff card laid on while a guest pours ends that pour, and never opens the valve",
          "[service_menu]") {
  MenuFixture tap;
  tap.card_arrives(ann);
  tap.answer_facts();
  tap.answer_facts();
  tap.answer_begin();
  tap.flow(20);
  REQUIRE(tap.state() == TapState::pouring);
  tap.card_arrives(bob);
  CHECK_FALSE(tap.valve.is_open);
  tap.pass(200ms);
  CHECK(tap.newest<EndRow>().end.reason == model::StopReason::other_card);
  CHECK(tap.newest<EndRow>().end.last.volume == model::Volume::millilitres(20));
  CHECK(tap.state() == TapState::authorizing);
  CHECK_FALSE(tap.valve.is_open);
}

TEST_CASE("at a tap that is locked for guests the menu opens, and a keg change lifts its lock",
          "[service_menu]") {
  MenuFixture tap;
  CHECK(tap.controller.lock(model::TapId{1}, "closed", tap.now));
  REQUIRE(tap.state() == TapState::locked);
  SECTION("it works, and is closed to guests afterwards") {
    tap.choose(ServiceAct::keg_change);
    tap.answer_act();
    CHECK(tap.valve.is_open);
    tap.card_leaves();
    tap.pass(500ms);
    tap.touch();
    CHECK_FALSE(tap.valve.is_open);
    CHECK(tap.state() == TapState::locked);
  }
  SECTION("a guest's card in between finds it locked") {
    tap.touch();
    tap.card_arrives(ann);
    CHECK(tap.state() == TapState::locked);
    tap.answer_facts();
    CHECK(tap.state() == TapState::locked);
  }
  SECTION("a card laid on after an act that was refused is not served") {
    tap.choose(ServiceAct::clean);
    tap.answer_act(tl::unexpected(storage::Error{storage::Error::Kind::full, "full"}));
    CHECK(tap.state() == TapState::locked);
    tap.card_leaves();
    tap.card_arrives(ann);
    CHECK(tap.state() == TapState::locked);
  }
}

TEST_CASE("what forbids every open valve forbids staff's card too", "[service_menu]") {
  MenuFixture tap;
  const auto stop = [&] { tap.controller.on_sync(sync::EmergencyStop{true}, tap.now); };
  SECTION("before: the menu does not open") {
    stop();
    tap.lay();
    CHECK(tap.state() == TapState::locked);
    tap.pass(5s);
    CHECK(tap.noted().empty());
  }
  SECTION("while it is open: it closes") {
    tap.touch();
    stop();
    CHECK(tap.state() == TapState::locked);
  }
  SECTION("between the choice and its note: nothing is done") {
    tap.choose(ServiceAct::clean);
    stop();
    tap.answer_act();
    CHECK_FALSE(tap.valve.is_open);
  }
  SECTION("while liquid runs: the valve shuts") {
    tap.choose(ServiceAct::clean);
    tap.answer_act();
    stop();
    CHECK_FALSE(tap.valve.is_open);
  }
}

TEST_CASE("an act that cannot be noted is not done, and one whose disk is silent is given up",
          "[service_menu]") {
  MenuFixture tap;
  tap.choose(ServiceAct::clean);
  SECTION("the disk is full") {
    tap.answer_act(tl::unexpected(storage::Error{storage::Error::Kind::full, "full"}));
  }
  SECTION("the disk is silent") {
    tap.pass(3s);
    CHECK(tap.reason() == "ledger_unavailable");
    tap.answer_act();  // too late
  }
  CHECK_FALSE(tap.valve.is_open);
  CHECK(tap.state() == TapState::denied);
  CHECK(tap.reason() == "ledger_unavailable");
}

TEST_CASE("a reader that fails closes the menu, and shuts what runs", "[service_menu]") {
  MenuFixture tap;
  const bool runs = GENERATE(false, true);
  tap.choose(ServiceAct::clean);
  if (runs) tap.answer_act();
  CHECK(tap.valve.is_open == runs);
  tap.controller.on_presence(0, drivers::ReaderFailed{"silent"}, tap.now);
  CHECK_FALSE(tap.valve.is_open);
  tap.pass(200ms);
  CHECK(tap.state() == TapState::faulted);
}

TEST_CASE("nobody else's work begins while a card's menu is open", "[service_menu]") {
  MenuFixture tap;
  tap.touch();
  const auto begun =
      tap.controller.begin_service(model::TapId{1}, usual_work(ServiceKind::clean), tap.now);
  REQUIRE_FALSE(begun.has_value());
  CHECK(begun.error() == "a service card has opened its menu there");
  CHECK_FALSE(tap.valve.is_open);
  // Nor while what the card has chosen is being noted.
  tap.choose(ServiceAct::bleed);
  CHECK_FALSE(tap.controller.begin_service(model::TapId{1}, usual_work(ServiceKind::clean), tap.now)
                  .has_value());
  CHECK_FALSE(tap.valve.is_open);
  tap.answer_act();
  CHECK(tap.valve.is_open);
}

TEST_CASE("without service cards and staff nobody is looked up at a locked tap", "[service_menu]") {
  ControllerFixture tap;
  CHECK(tap.controller.lock(model::TapId{1}, "closed", tap.now));
  const auto asked_before = tap.asked.size();
  tap.card_arrives(ann);
  CHECK(tap.asked.size() == asked_before);
}

}  // namespace tapd::test
