#include "drivers/sim/bar.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <stdexcept>

#include "drivers/sim/sim_tap.hpp"
#include "drivers/sim/station.hpp"

namespace tapd::drivers::sim {
namespace {

using SharedStation = std::shared_ptr<Station>;

class SimMeter final : public FlowMeter {
 public:
  explicit SimMeter(SharedStation station) : station_{std::move(station)} {}
  [[nodiscard]] int descriptor() const override { return station_->descriptor(); }
  [[nodiscard]] MeterReading read(SinceBoot now) override { return station_->read(now); }
  [[nodiscard]] tl::expected<void, std::string> listen(bool on) override {
    station_->listen(on);
    return {};
  }
  [[nodiscard]] std::string describe() const override {
    return fmt::format("simulated meter of tap {}", station_->number());
  }

 private:
  SharedStation station_;
};

class SimValve final : public Valve {
 public:
  explicit SimValve(SharedStation station) : station_{std::move(station)} {
    station_->command_valve(false);
  }
  ~SimValve() override { station_->command_valve(false); }
  SimValve(const SimValve&) = delete;
  SimValve& operator=(const SimValve&) = delete;
  SimValve(SimValve&&) = delete;
  SimValve& operator=(SimValve&&) = delete;

  [[nodiscard]] tl::expected<void, std::string> open() override {
    station_->command_valve(true);
    return {};
  }
  [[nodiscard]] tl::expected<void, std::string> shut() override {
    station_->command_valve(false);
    return {};
  }
  [[nodiscard]] std::string describe() const override {
    return fmt::format("simulated valve of tap {}", station_->number());
  }

 private:
  SharedStation station_;
};

class SimReader final : public CardReader {
 public:
  explicit SimReader(SharedStation station) : station_{std::move(station)} {}
  [[nodiscard]] Look look(SinceBoot /*now*/) override {
    pause_for(station_->look_takes());
    return station_->look();
  }
  [[nodiscard]] std::string describe() const override {
    return fmt::format("simulated reader of tap {}", station_->number());
  }

 private:
  SharedStation station_;
};

class SimIndicator final : public Indicator {
 public:
  explicit SimIndicator(SharedStation station) : station_{std::move(station)} {}
  void show(Signal signal, SinceBoot /*now*/) noexcept override { station_->show(signal); }

 private:
  SharedStation station_;
};

void refuse_impossible(const BarPlan& plan) {
  const std::vector<std::string> wrong = findings(plan);
  if (!wrong.empty()) {
    throw std::invalid_argument{fmt::format("the simulated bar: {}", fmt::join(wrong, "; "))};
  }
}

std::shared_ptr<TruthFile> open_truth(const BarPlan& plan) {
  if (plan.truth_file.empty()) return nullptr;
  std::vector<Truth> initial;
  for (const SimTapPlan& tap : plan.taps) initial.push_back(unused(tap));
  return std::make_shared<TruthFile>(plan.truth_file, initial);
}

}  // namespace

SimBar::SimBar(const BarPlan& plan, const Clock& clock) {
  refuse_impossible(plan);
  const std::shared_ptr<TruthFile> truth_file = open_truth(plan);
  Dice seeds{plan.seed};
  for (std::size_t place = 0; place < plan.taps.size(); ++place) {
    const SimTapPlan& tap = plan.taps[place];
    stations_.push_back(std::make_shared<Station>(
        StationParts{.plan = tap,
                     .number = number_of(plan, place),
                     .seed = seeds.next(),
                     .wake_grain = plan.wake_grain,
                     .from = truth_file ? truth_file->read(place) : unused(tap),
                     .truth_file = truth_file,
                     .place = place},
        clock));
  }
}

std::unique_ptr<FlowMeter> SimBar::meter(std::size_t tap) {
  return std::make_unique<SimMeter>(stations_.at(tap));
}

std::unique_ptr<Valve> SimBar::valve(std::size_t tap) {
  return std::make_unique<SimValve>(stations_.at(tap));
}

std::unique_ptr<CardReader> SimBar::reader(std::size_t tap) {
  return std::make_unique<SimReader>(stations_.at(tap));
}

std::unique_ptr<Indicator> SimBar::indicator(std::size_t tap) {
  return std::make_unique<SimIndicator>(stations_.at(tap));
}

tl::expected<void, std::string> SimBar::apply(const Command& command) {
  const auto station = std::find_if(
      stations_.begin(), stations_.end(),
      [&](const SharedStation& candidate) { return candidate->number() == command.tap; });
  if (station == stations_.end()) {
    return tl::unexpected(fmt::format("there is no simulated tap {}", command.tap));
  }
  (*station)->apply(command.action);
  return {};
}

Truth SimBar::truth(std::size_t tap) {
  return stations_.at(tap)->truth();
}

Signal SimBar::shown(std::size_t tap) const {
  return stations_.at(tap)->shown();
}

}  // namespace tapd::drivers::sim
