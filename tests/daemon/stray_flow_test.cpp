// Liquid that runs through a shut valve shows in the books, all of it and once: what the flow
// events say adds up to what the meter counted.
#include <random>
#include <vector>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/generators/catch_generators_range.hpp>

#include "daemon/journal_lines.hpp"
#include "session_fixture.hpp"

namespace tapd::test {
namespace {

using namespace std::chrono_literals;
using model::Volume;

/// The books as a venue keeps them: of each event the last word counts.
struct Books {
  std::vector<ReportFlow> events;
  bool running{false};

  void take(const Actions& actions) {
    for (const Action& action : actions) {
      const auto* flow = std::get_if<ReportFlow>(&action);
      if (flow == nullptr || flow->valve_open || flow->sign == FlowSign::noise) continue;
      switch (flow->stage) {
        case EventStage::whole:
          CHECK_FALSE(running);
          break;
        case EventStage::started:
          CHECK_FALSE(running);
          running = true;
          break;
        case EventStage::updated:
        case EventStage::stopped:
          REQUIRE(running);
          CHECK(flow->sign == events.back().sign);
          CHECK(flow->volume >= events.back().volume);
          events.pop_back();
          running = flow->stage == EventStage::updated;
          break;
      }
      events.push_back(*flow);
    }
  }
  [[nodiscard]] Volume lost() const {
    Volume sum;
    for (const ReportFlow& event : events) sum += event.volume;
    return sum;
  }
};

Books books_of(const SessionFixture& tap) {
  Books books;
  books.take(tap.all);
  return books;
}

std::vector<std::string> lines_of_losses(const SessionFixture& tap) {
  std::vector<std::string> lines;
  for (const Action& action : tap.all) {
    const auto* say = std::get_if<Say>(&action);
    if (say == nullptr || say->topic != Topic::liquid_lost) continue;
    const JournalLine line =
        line_for(*say, TapContext{.tap = model::TapId{1}, .card = {}, .guest = {}, .beverage = {}});
    CHECK(line.message == Message::liquid_lost);
    CHECK(line.fields.volume == say->volume);
    lines.push_back(line.text);
  }
  return lines;
}

}  // namespace

TEST_CASE("a leak is told when it begins, while it runs, and whole when it has stopped",
          "[stray_flow]") {
  SessionFixture tap;
  tap.start();
  tap.flow(25);
  REQUIRE(books_of(tap).events.size() == 1);
  CHECK(books_of(tap).events[0].stage == EventStage::started);
  // 2.5 minutes at 1 ml/s: slower than a stuck valve.
  for (int i = 0; i < 150; ++i) {
    tap.pass(1s);
    tap.flow(1);
  }
  CHECK(books_of(tap).events.back().stage == EventStage::updated);
  CHECK(std::count_if(tap.all.begin(), tap.all.end(), [](const Action& action) {
          const auto* flow = std::get_if<ReportFlow>(&action);
          return flow != nullptr && flow->stage == EventStage::updated;
        }) == 2);
  CHECK(tap.session.state() == TapState::faulted);
  REQUIRE(tap.session.wake_at() == tap.now.since_boot + 10s);
  tap.pass(10s);
  CHECK(tap.session.state() == TapState::idle);
  const Books books = books_of(tap);
  REQUIRE(books.events.size() == 1);
  CHECK(books.events[0].stage == EventStage::stopped);
  CHECK(books.events[0].volume == Volume::millilitres(175));
  CHECK(books.events[0].duration == 150s);
  CHECK(lines_of_losses(tap) ==
        std::vector<std::string>{"tap 1: 175 ml ran through the shut valve in 2 min: lost, "
                                 "charged to nobody"});
  CHECK_FALSE(tap.session.wake_at());
}

TEST_CASE("what seeps is no leak, faults nothing, and is told when it has come together",
          "[stray_flow]") {
  SessionFixture tap;
  tap.start();
  for (int i = 0; i < 39; ++i) {
    tap.pass(1min);
    tap.flow(1);
  }
  const Books books = books_of(tap);
  REQUIRE(books.events.size() == 1);
  CHECK(books.events[0].sign == FlowSign::seepage);
  CHECK(books.events[0].stage == EventStage::whole);
  CHECK(books.events[0].volume == Volume::millilitres(20));
  CHECK(books.events[0].duration == 19min);
  CHECK(tap.session.state() == TapState::idle);
  CHECK(lines_of_losses(tap) ==
        std::vector<std::string>{"tap 1: 20 ml seeped through the shut valve in 19 min: lost, "
                                 "charged to nobody"});
  SECTION("what has not come together is told by an orderly stop") {
    tap.give(Locked{LockReason::shutdown, "tapd is stopping"});
    CHECK(books_of(tap).lost() == Volume::millilitres(39));
  }
}

TEST_CASE("a leak that becomes a flood is two events, and no millilitre is in both",
          "[stray_flow]") {
  SessionFixture tap;
  tap.start();
  for (int i = 0; i < 100; ++i) {
    tap.pass(20ms);
    tap.flow(1);
  }
  const Books flood = books_of(tap);
  REQUIRE(flood.events.size() == 2);
  CHECK(flood.events[0].sign == FlowSign::leak);
  CHECK(flood.events[0].stage == EventStage::stopped);
  CHECK(flood.events[0].volume == Volume::millilitres(20));
  CHECK(flood.events[1].sign == FlowSign::stuck_valve);
  tap.pass(10s);
  const Books books = books_of(tap);
  CHECK(books.events[1].stage == EventStage::stopped);
  CHECK(books.lost() == Volume::millilitres(100));
  CHECK(tap.session.state() == TapState::faulted);  // until somebody has looked
  tap.give(Cleared{});
  CHECK(tap.session.state() == TapState::idle);
}

TEST_CASE("what runs after the end of a pour is either the guest's or lost, never both",
          "[stray_flow]") {
  SessionFixture tap;
  tap.to_ready(300);
  tap.flow_for(1s, 20ms);
  tap.take_away();
  // The valve does not shut: the tail window ends in the flood.
  for (int i = 0; i < 120; ++i) {
    tap.now.since_boot += 20ms;
    tap.flow(1);
    tap.pass(0ms);
  }
  tap.pass(10s);
  REQUIRE(tap.newest<EndPour>() != nullptr);
  const Books books = books_of(tap);
  REQUIRE(books.events.size() == 1);
  CHECK(books.events[0].sign == FlowSign::stuck_valve);
  CHECK(books.events[0].stage == EventStage::stopped);
  CHECK(tap.newest<EndPour>()->end.last.volume + books.lost() == Volume::millilitres(50 + 120));
}

TEST_CASE("a stuck valve that is cleared while it runs is found again", "[stray_flow]") {
  SessionFixture tap;
  tap.to_ready(300);
  tap.flow_for(1s, 20ms);
  tap.take_away();
  const auto run_on = [&tap](int edges) {
    for (int i = 0; i < edges; ++i) {
      tap.now.since_boot += 20ms;
      tap.flow(1);
      tap.pass(0ms);
    }
  };
  run_on(120);
  REQUIRE(tap.session.state() == TapState::faulted);
  tap.give(Cleared{});
  CHECK(tap.session.state() == TapState::idle);
  run_on(100);
  CHECK(tap.session.state() == TapState::faulted);
  tap.pass(10s);
  const Books books = books_of(tap);
  REQUIRE(books.events.size() == 3);
  CHECK(books.events[1].sign == FlowSign::leak);
  CHECK(books.events[2].sign == FlowSign::stuck_valve);
  CHECK(tap.newest<EndPour>()->end.last.volume + books.lost() == Volume::millilitres(50 + 220));
}

namespace {

/// Flow as badly timed as it can be, over everything that may happen to a tap meanwhile.
class Adversary {
 public:
  Adversary(std::uint32_t seed, std::int64_t nanolitres_per_pulse)
      : dice_{seed},
        tap_{{}, std::chrono::microseconds{0}, Calibration::constant(nanolitres_per_pulse)} {
    tap_.start();
  }

  void step() {
    tap_.now.since_boot += std::chrono::milliseconds{pick(3) == 0 ? pick(30'000) : pick(60)};
    if (pick(2) == 0) flow(pick(4) == 0 ? pick(40) : 1);
    if (const auto at = tap_.session.wake_at(); at && tap_.now.since_boot >= *at) tap_.pass(0ms);
    if (pick(40) == 0) happen();
  }
  void stop() { tap_.give(Locked{LockReason::shutdown, "tapd is stopping"}); }

  [[nodiscard]] Books books() const { return books_of(tap_); }
  /// Half nanolitres.
  [[nodiscard]] std::int64_t stray_edges() const { return stray_edges_; }
  int pours{0};

 private:
  [[nodiscard]] int pick(int most) {
    return std::uniform_int_distribution<int>{0, most - 1}(dice_);
  }
  void flow(std::int64_t edges) {
    const TapState state = tap_.session.state();
    const bool somebodys = tap_.session.valve_open() || state == TapState::settling;
    if (!somebodys) stray_edges_ += edges;
    tap_.flow(edges);
  }
  void happen() {
    switch (pick(6)) {
      case 0:
        tap_.take_away();
        tap_.give(Cleared{});
        tap_.give(Repaired{FaultKind::reader});
        tap_.lay_on();
        tap_.allow();
        tap_.give(BeginWritten{});
        if (tap_.session.valve_open()) ++pours;
        return;
      case 1:
        return tap_.take_away();
      case 2:
        tap_.give(Cleared{});
        return;
      case 3:
        tap_.give(ServiceBegun{
            .kind = ServiceKind::clean, .longest = 2s, .most = Volume::millilitres(500)});
        return;
      case 4:
        tap_.give(Faulted{FaultKind::reader, "deaf"});
        return;
      default:
        tap_.give(Repaired{FaultKind::reader});
        return;
    }
  }

  std::mt19937 dice_;
  SessionFixture tap_;
  std::int64_t stray_edges_{0};
};

}  // namespace

TEST_CASE("flow through a shut valve is a leak, faults the tap and heals when it stops",
          "[stray_flow][tap_session]") {
  SessionFixture tap;
  tap.start();
  tap.flow(19);
  REQUIRE(tap.session.state() == TapState::idle);
  tap.flow(1);
  REQUIRE(tap.did<ReportFlow>());
  CHECK(tap.newest<ReportFlow>()->sign == FlowSign::leak);
  REQUIRE(tap.session.state() == TapState::faulted);
  tap.lay_on();
  REQUIRE(tap.session.state() == TapState::faulted);
  tap.take_away();
  tap.pass(20'001ms);
  CHECK(tap.session.state() == TapState::idle);
}

TEST_CASE("the volumes of leaks, floods and seepage add up to what was counted", "[stray_flow]") {
  const auto seed = static_cast<std::uint32_t>(GENERATE(range(1, 41)));
  const std::int64_t nanolitres = seed % 2 == 0 ? 2'000'000 : 178'571;
  CAPTURE(seed, nanolitres);
  Adversary venue{seed, nanolitres};
  for (int i = 0; i < 4'000; ++i) venue.step();
  const std::int64_t counted = venue.stray_edges() * nanolitres / 2'000;  // microlitres
  // While it runs, what is not told yet is less than a leak, or less than a minute of one.
  CHECK(venue.books().lost() <= Volume::microlitres(counted));
  venue.stop();
  const std::int64_t untold = counted - venue.books().lost().in_microlitres();
  CHECK(untold >= 0);
  CHECK(untold < 1'000);
  CHECK(venue.books().lost() > Volume::millilitres(100));
  CHECK_FALSE(venue.books().running);
  CHECK(venue.pours > 0);
}

}  // namespace tapd::test
