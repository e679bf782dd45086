// A line at 50 kHz through the real filter and the controller: the tap faults, its meter is put to
// rest, the tap beside it goes on selling, and the work of each wake is bounded.
#include <catch2/catch_test_macros.hpp>

#include "daemon/controller.hpp"
#include "drivers/edge_filter.hpp"
#include "kept_journal.hpp"
#include "session_fixture.hpp"

namespace tapd::test {
namespace {

using namespace std::chrono_literals;

/// As the kernel's buffer of 1,024 events and the driver's four reads a wake.
constexpr std::uint32_t kernel_buffer = 1'024;

/// A line with edges at a steady rate, through the real filter.
class StormMeter final : public drivers::FlowMeter {
 public:
  explicit StormMeter(std::int64_t hz) : edge_every_{std::chrono::nanoseconds{1s} / (2 * hz)} {}
  int descriptor() const override { return listening ? 1 : -1; }
  drivers::MeterReading read(drivers::SinceBoot now) override {
    if (!listening) return {};
    // What did not fit the kernel's buffer is gone, oldest first, and leaves a gap.
    const auto due = static_cast<std::uint32_t>((now - stamp_) / edge_every_);
    const std::uint32_t kept = std::min(due, kernel_buffer);
    seqno_ += due - kept;
    stamp_ += (due - kept) * edge_every_;
    for (std::uint32_t i = 0; i < kept; ++i) {
      stamp_ += edge_every_;
      filter_.take({.rising = (++seqno_ % 2) != 0, .stamp = stamp_, .line_seqno = seqno_});
    }
    taken += kept;
    return filter_.drain(now);
  }
  tl::expected<void, std::string> listen(bool on) override {
    listening = on;
    return {};
  }
  std::string describe() const override { return "a line in a storm"; }
  bool listening{true};
  std::int64_t taken{0};

 private:
  std::chrono::nanoseconds edge_every_;
  drivers::SinceBoot stamp_{100s};
  std::uint32_t seqno_{0};
  drivers::EdgeFilter filter_{200us};
};

class ObedientValve final : public drivers::Valve {
 public:
  tl::expected<void, std::string> open() override { return {}; }
  tl::expected<void, std::string> shut() override { return {}; }
  std::string describe() const override { return "a valve"; }
};

/// Taps on those lines under one controller; what they ask of the ledger is kept.
class StormyBar {
 public:
  explicit StormyBar(const std::vector<StormMeter*>& meters)
      : controller{
            {.authorize = AuthorizeMode::cached, .policy = {}, .boot = model::BootId{"boot"}},
            setups(meters, valve_),
            {.storage = [this](StorageRequest one) { asked.push_back(std::move(one)); },
             .ask_server = [](const sync::AuthorizeAsk&) {},
             .pours_waiting = [] {},
             .random_id = [] { return std::array<std::uint8_t, 16>{7}; },
             .journal = &journal}} {
    controller.start(now);
  }
  void pass(std::chrono::milliseconds time) { now.since_boot += time; }
  /// Time passes, and the meter's descriptor is readable.
  void wake(std::size_t tap, std::chrono::milliseconds after) {
    pass(after);
    controller.on_meter(tap, now);
  }
  [[nodiscard]] TapState state(std::size_t tap) const { return controller.session(tap).state(); }

 private:
  static std::vector<TapSetup> setups(const std::vector<StormMeter*>& meters,
                                      drivers::Valve& valve) {
    std::vector<TapSetup> all;
    for (StormMeter* meter : meters) {
      SessionRules rules;
      rules.meter.most_millihertz = 2'030'000;
      all.push_back({.id = model::TapId{static_cast<std::int32_t>(all.size() + 1)},
                     .rules = rules,
                     .calibration = Calibration::from_milli_pulses_per_litre(5'600'000),
                     .known_close_time = {},
                     .own_price = model::LitrePrice{1'000},
                     .meter = meter,
                     .valve = &valve,
                     .indicator = nullptr,
                     .last_look = {}});
    }
    return all;
  }
  ObedientValve valve_;

 public:
  model::Moment now{.since_boot = 100s, .wall = {}, .wall_trusted = true};
  KeptJournal journal;
  std::vector<StorageRequest> asked;
  Controller controller;
};

}  // namespace

TEST_CASE("a storm on one line ends in its own tap, within a tenth of a second and few events",
          "[controller]") {
  StormMeter storm{50'000};
  StormMeter quiet{1};
  StormyBar bar{{&storm, &quiet}};
  int wakes = 0;
  for (; bar.controller.meter_descriptor(0) >= 0 && wakes < 1'000; ++wakes) bar.wake(0, 1ms);
  CHECK(wakes <= 201);  // a window to notice, at worst one more for where it began
  CHECK(storm.taken <= 201 * 100);
  CHECK(bar.state(0) == TapState::faulted);
  CHECK(bar.state(1) == TapState::idle);
  const auto taken = storm.taken;
  for (int i = 0; i < 100; ++i) {
    bar.wake(1, 100ms);
    bar.controller.on_tick(bar.now);
  }
  CHECK(storm.taken == taken);
  CHECK(bar.journal.errors() == 1);
  CHECK(std::count_if(bar.asked.begin(), bar.asked.end(), [](const StorageRequest& request) {
          return std::holds_alternative<WriteFlowEvent>(request);
        }) == 1);
  REQUIRE(bar.controller.clear(model::TapId{1}, bar.now));
  CHECK(storm.listening);
  CHECK(bar.state(0) == TapState::idle);
}

TEST_CASE("a storm that is read late, in heaps of the kernel's buffer, is told all the same",
          "[controller]") {
  StormMeter storm{50'000};
  StormyBar bar{{&storm}};
  for (int wake = 0; wake < 5; ++wake) bar.wake(0, 150ms);
  CHECK_FALSE(storm.listening);
  CHECK(bar.state(0) == TapState::faulted);
}

}  // namespace tapd::test
