// One tap under the controller with drivers, ledger and server played by the test: each request is
// kept for a look, and the test answers it.
#pragma once

#include <algorithm>
#include <array>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include "daemon/controller.hpp"
#include "kept_journal.hpp"
#include "session_fixture.hpp"

namespace tapd::test {

class TestMeter final : public drivers::FlowMeter {
 public:
  int descriptor() const override { return -1; }
  drivers::MeterReading read(drivers::SinceBoot) override { return std::exchange(waiting, {}); }
  tl::expected<void, std::string> listen(bool on) override {
    if (on && gone) return tl::unexpected<std::string>{"GPIO17 is on none of the GPIO chips"};
    listening = on;
    return {};
  }
  std::string describe() const override { return "a test's meter"; }
  bool listening{true};
  bool gone{false};
  drivers::MeterReading waiting;
};

/// A valve that may be told to fail, as one whose line does not follow.
class TestValve final : public drivers::Valve {
 public:
  tl::expected<void, std::string> open() override {
    if (broken) return tl::unexpected<std::string>{"GPIO22 reads 0 after it was driven to 1"};
    is_open = true;
    return {};
  }
  tl::expected<void, std::string> shut() override {
    is_open = false;
    ++shuts;
    return {};
  }
  tl::expected<void, std::string> retake() override {
    if (broken) return tl::unexpected<std::string>{"GPIO22 is on none of the GPIO chips"};
    ++retaken;
    return shut();
  }
  std::string describe() const override { return "a test's valve"; }
  bool is_open{false};
  bool broken{false};
  int shuts{0};
  int retaken{0};
};

class TestIndicator final : public drivers::Indicator {
 public:
  void show(drivers::Signal, SinceBoot) noexcept override {}
  void retake(SinceBoot) noexcept override { ++retaken; }
  int retaken{0};
};

/// What the ledger was asked last of this kind.
template<typename Kind>
[[nodiscard]] const Kind& newest_of(const std::vector<StorageRequest>& asked) {
  for (auto request = asked.rbegin(); request != asked.rend(); ++request) {
    if (const auto* found = std::get_if<Kind>(&*request)) return *found;
  }
  FAIL("not asked for");
  throw std::logic_error{"unreachable"};
}

/// One tap, authorized from the cache; the test answers for the ledger.
class ControllerFixture {
 public:
  /// `closed`: what the ledger keeps of the run before, as own_closings.hpp writes it.
  explicit ControllerFixture(const PolicyRules& policy = {}, const std::string& closed = {})
      : controller{{.authorize = AuthorizeMode::cached, .policy = policy, .boot = boot},
                   {TapSetup{.id = model::TapId{1},
                             .rules = {},
                             .calibration = one_ml_per_edge,
                             .known_close_time = {},
                             .own_price = model::LitrePrice{1'000},
                             .meter = &meter,
                             .valve = &valve,
                             .indicator = &lamps,
                             .closed_by_itself = closed,
                             .last_look = [this] { return looked; }}},
                   {.storage = [this](const StorageRequest& request) { asked.push_back(request); },
                    .ask_server = [](const sync::AuthorizeAsk&) {},
                    .pours_waiting = [this] { ++told_sync; },
                    .random_id = [] { return std::array<std::uint8_t, 16>{7}; },
                    .journal = &journal}} {
    controller.start(now);
  }

  template<typename Kind>
  [[nodiscard]] const Kind& newest() const {
    return newest_of<Kind>(asked);
  }
  void card_arrives(const model::CardUid& card = ann) {
    drivers::Uid uid;
    std::copy(card.bytes().begin(), card.bytes().end(), uid.bytes.begin());
    uid.size = static_cast<std::uint8_t>(card.bytes().size());
    controller.on_presence(0, drivers::CardArrived{uid}, now);
  }
  void card_leaves() {
    controller.on_presence(0, drivers::CardLeft{.uid = {}, .last_seen = now.since_boot}, now);
  }
  void answer_facts(model::CardStatus status = model::CardStatus::active) {
    model::AuthorizationFacts facts;
    facts.card = model::Card{.uid = ann, .guest_id = model::GuestId{"g"}, .status = status};
    facts.guest = model::Guest{
        .id = model::GuestId{"g"}, .first_name = "Ann", .balance = model::Money{10'000}};
    facts.heard_at = now;
    facts.heard_boot = boot;
    facts.available = model::Money{10'000};
    controller.on_storage(FactsRead{.ticket = newest<ReadFacts>().ticket, .result = facts}, now);
  }
  /// What the cache knows of the card that was last asked for: nothing but its status.
  void answer_staff_facts(model::CardStatus status = model::CardStatus::active,
                          const model::GuestId& guest = {}) {
    model::AuthorizationFacts facts;
    facts.card = model::Card{.uid = bob, .guest_id = guest, .status = status};
    facts.guest = model::Guest{.id = guest, .first_name = "Bob", .balance = {}};
    controller.on_storage(FactsRead{.ticket = newest<ReadFacts>().ticket, .result = facts}, now);
  }
  void answer_act(storage::Result<> result = {}) {
    const NoteAct& note = newest<NoteAct>();
    controller.on_storage(
        ActNoted{.tap = note.tap, .card = note.card, .act = note.act, .result = std::move(result)},
        now);
  }
  void answer_begin() {
    controller.on_storage(BeginRowDone{.tap = model::TapId{1},
                                       .client_tx_id = newest<BeginRow>().begin.client_tx_id,
                                       .result = {}},
                          now);
  }
  void answer_progress() {
    controller.on_storage(ProgressRowDone{.tap = model::TapId{1}, .result = {}}, now);
  }
  void to_ready() {
    card_arrives();
    answer_facts();
    answer_begin();
  }
  void flow(std::int64_t edges) {
    meter.waiting.edges = edges;
    controller.on_meter(0, now);
  }
  /// Time passes and the reader goes on looking, unless the test says otherwise.
  void pass(std::chrono::milliseconds time, bool reader_looks = true) {
    now.since_boot += time;
    if (reader_looks) looked = now.since_boot;
    controller.on_tick(now);
  }
  [[nodiscard]] TapState state() const { return controller.session(0).state(); }

  model::BootId boot{"boot"};
  model::Moment now{.since_boot = std::chrono::seconds{100}, .wall = {}, .wall_trusted = true};
  model::SinceBoot looked{std::chrono::seconds{100}};
  TestMeter meter;
  TestValve valve;
  TestIndicator lamps;
  KeptJournal journal;
  std::vector<StorageRequest> asked;
  int told_sync{0};
  Controller controller;
};

}  // namespace tapd::test
