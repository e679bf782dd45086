// A valve's pin that reads open at the start: its tap is out of order, and its neighbours serve.
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <vector>

#include "controller_fixture.hpp"
#include "drivers/line_valve.hpp"
#include "tests/drivers/fake_output.hpp"

namespace tapd::test {
namespace {

using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;
using drivers::test::Wire;

/// Two taps from their lines up, as each start and each reload makes them anew.
class TwoTaps {
 public:
  TwoTaps(std::shared_ptr<Wire> first, std::shared_ptr<Wire> second, model::Moment at)
      : now_{at}, valves_{valve(std::move(first)), valve(std::move(second))} {
    controller_.start(now_);
  }

  /// A card at the second tap, and what the ledger answers.
  void serve() {
    drivers::Uid uid;
    std::copy(ann.bytes().begin(), ann.bytes().end(), uid.bytes.begin());
    uid.size = static_cast<std::uint8_t>(ann.bytes().size());
    controller_.on_presence(1, drivers::CardArrived{uid}, now_);
    model::AuthorizationFacts facts;
    facts.card = model::Card{.uid = ann, .guest_id = model::GuestId{"g"}, .status = {}};
    facts.guest = model::Guest{
        .id = model::GuestId{"g"}, .first_name = "Ann", .balance = model::Money{10'000}};
    facts.heard_at = now_;
    facts.heard_boot = model::BootId{"boot"};
    facts.available = model::Money{10'000};
    controller_.on_storage(FactsRead{.ticket = newest<ReadFacts>().ticket, .result = facts}, now_);
    controller_.on_storage(BeginRowDone{.tap = model::TapId{2},
                                        .client_tx_id = newest<BeginRow>().begin.client_tx_id,
                                        .result = {}},
                           now_);
  }
  void pass(std::chrono::milliseconds time) {
    now_.since_boot += time;
    controller_.on_tick(now_);
  }
  [[nodiscard]] const TapSession& session(std::size_t tap) const {
    return controller_.session(tap);
  }
  [[nodiscard]] const model::Moment& now() const { return now_; }

 private:
  static std::unique_ptr<drivers::Valve> valve(std::shared_ptr<Wire> wire) {
    return std::make_unique<drivers::LineValve>(
        std::make_unique<drivers::test::FakeOutput>(std::move(wire)));
  }
  [[nodiscard]] TapSetup setup(int number) {
    const auto place = static_cast<std::size_t>(number - 1);
    return {.id = model::TapId{number},
            .rules = {},
            .calibration = one_ml_per_edge,
            .known_close_time = {},
            .own_price = model::LitrePrice{1'000},
            .meter = &meters_.at(place),
            .valve = valves_.at(place).get(),
            .last_look = {}};
  }
  template<typename Kind>
  [[nodiscard]] const Kind& newest() const {
    return newest_of<Kind>(asked_);
  }

  model::Moment now_;
  std::array<std::unique_ptr<drivers::Valve>, 2> valves_;
  std::array<TestMeter, 2> meters_;
  KeptJournal journal_;
  std::vector<StorageRequest> asked_;
  Controller controller_{
      {.authorize = AuthorizeMode::cached, .policy = {}, .boot = model::BootId{"boot"}},
      {setup(1), setup(2)},
      {.storage = [this](const StorageRequest& request) { asked_.push_back(request); },
       .ask_server = [](const sync::AuthorizeAsk&) {},
       .pours_waiting = [] {},
       .random_id = [] { return std::array<std::uint8_t, 16>{7}; },
       .journal = &journal_}};
};

}  // namespace

// Found by reading: whoever opened the hardware gave up at the first pin that did not obey.
TEST_CASE("one valve whose pin reads open at the start bars its own tap, and no other",
          "[controller]") {
  const auto shorted = std::make_shared<Wire>();
  const auto well = std::make_shared<Wire>();
  shorted->stuck_on = true;
  model::Moment at{.since_boot = 100s, .wall = {}, .wall_trusted = true};
  for (int start = 0; start < 3; ++start) {  // The first one, and then reloads.
    TwoTaps taps{shorted, well, at};
    CHECK(taps.session(0).state() == TapState::faulted);
    CHECK(taps.session(0).has_fault(FaultKind::valve));
    CHECK_THAT(taps.session(0).view().reason,
               ContainsSubstring("driven shut but the pin reads open"));
    CHECK(taps.session(1).state() == TapState::idle);
    taps.serve();
    CHECK(taps.session(1).state() == TapState::ready);
    CHECK(well->on);
    const auto commands = shorted->history.size();
    for (int second = 0; second < 3; ++second) taps.pass(1s);
    CHECK(shorted->history.size() == commands + 3);  // It is told to shut each second.
    CHECK(shorted->history == std::vector<bool>(shorted->history.size(), false));
    at = taps.now();
  }
  CHECK_FALSE(well->on);
}

// Found by reading: a lamp that had failed once was dark until tapd was started again.
TEST_CASE("who clears a tap has its lamps taken anew, whatever else is well", "[controller]") {
  ControllerFixture tap;
  CHECK(tap.lamps.retaken == 0);
  CHECK(tap.controller.clear(model::TapId{1}, tap.now));
  CHECK(tap.lamps.retaken == 1);
  CHECK(tap.valve.retaken == 0);
}

// Found by reading: it said "done" of a tap whose reader was dead.
TEST_CASE("who clears a tap that is still out of order is told so", "[controller]") {
  ControllerFixture tap;
  tap.controller.on_presence(0, drivers::ReaderFailed{"no answer on SPI"}, tap.now);
  REQUIRE(tap.state() == TapState::faulted);
  const auto cleared = tap.controller.clear(model::TapId{1}, tap.now);
  REQUIRE_FALSE(cleared);
  CHECK_THAT(cleared.error(), ContainsSubstring("tap 1 is still out of order: reader") &&
                                  ContainsSubstring("no answer on SPI"));
}

}  // namespace tapd::test
