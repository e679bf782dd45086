// The real control loop, controller, storage thread and ledger around a simulated bar with an ideal
// meter, for measuring: guests come through the inbox as from a reader thread, and each valve tells
// when it was commanded.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "daemon/control_loop.hpp"
#include "daemon/controller.hpp"
#include "daemon/storage_thread.hpp"
#include "drivers/clock.hpp"
#include "drivers/sim/bar.hpp"
#include "tests/support/temp_dir.hpp"

namespace tapd::bench {

/// Called from the control thread at the moment of a command.
using ValveWatch = std::function<void(std::size_t tap, bool open)>;

/// A valve that says when it is commanded, and then obeys.
class WatchedValve final : public drivers::Valve {
 public:
  WatchedValve(std::unique_ptr<drivers::Valve> valve, std::size_t tap, const ValveWatch& watch)
      : valve_{std::move(valve)}, tap_{tap}, watch_{watch} {}
  tl::expected<void, std::string> open() override {
    watch_(tap_, true);
    return valve_->open();
  }
  tl::expected<void, std::string> shut() override {
    watch_(tap_, false);
    return valve_->shut();
  }
  std::string describe() const override { return valve_->describe(); }

 private:
  std::unique_ptr<drivers::Valve> valve_;
  std::size_t tap_;
  const ValveWatch& watch_;
};

class QuietJournal final : public Journal {
 public:
  void write(const JournalLine& line) noexcept override;
};

struct BenchPlan {
  std::size_t taps{8};
  std::int64_t milli_pulses_per_litre{5'600'000};
  std::int64_t rate_ml_per_s{60};
  model::Volume limit{model::Volume::millilitres(10)};
  std::chrono::milliseconds longest_learnt_close{0};
};

class BenchBar {
 public:
  /// `meters`: descriptors and meters of the caller's own instead of the simulated ones, by tap.
  BenchBar(const BenchPlan& plan, ValveWatch watch,
           std::vector<std::unique_ptr<drivers::FlowMeter>> meters = {});
  ~BenchBar();
  BenchBar(const BenchBar&) = delete;
  BenchBar& operator=(const BenchBar&) = delete;
  BenchBar(BenchBar&&) = delete;
  BenchBar& operator=(BenchBar&&) = delete;

  void lay_card(std::size_t tap);
  void lift_card(std::size_t tap);
  [[nodiscard]] drivers::sim::SimBar& bar() { return *bar_; }
  [[nodiscard]] const drivers::Clock& clock() const { return clock_; }
  /// Runs on the control thread; waits for it.
  void ask(const std::function<void(const Controller&)>& question);
  /// The card of a tap, as its guest's.
  [[nodiscard]] static model::CardUid card(std::size_t tap);

 private:
  void seed_guests();

  drivers::SystemClock clock_;
  test::TempDir folder_;
  model::BootId boot_{"bench"};
  ValveWatch watch_;
  std::unique_ptr<drivers::sim::SimBar> bar_;
  std::vector<std::unique_ptr<drivers::FlowMeter>> meters_;
  std::vector<std::unique_ptr<drivers::Valve>> valves_;
  storage::Ledger ledger_;
  QuietJournal journal_;
  ControlInbox inbox_;
  Controller controller_;
  std::unique_ptr<StorageThread> storage_;
  std::unique_ptr<ControlLoop> loop_;
  std::thread thread_;
};

}  // namespace tapd::bench
