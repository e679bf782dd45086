#include <condition_variable>
#include <mutex>

#include <fmt/format.h>

#include "bench_bar.hpp"
#include "pour_bench.hpp"

namespace tapd::bench {
namespace {

constexpr std::size_t taps = 8;

/// Guests who lay their card on again as soon as the pour before has settled.
class Crowd {
 public:
  Crowd(int pours, double limit_ml) : wanted_{pours}, limit_ml_{limit_ml} {}

  /// Called at each command of a valve, on the control thread.
  void on_valve(BenchBar& bar, std::size_t tap, bool open) {
    const double passed = static_cast<double>(bar.bar().truth(tap).passed_ul) / 1000;
    if (open) {
      at_open_.at(tap) = passed;
      is_open_.at(tap) = true;
    } else if (std::exchange(is_open_.at(tap), false)) {
      past_limit_.push_back(passed - at_open_.at(tap) - limit_ml_);
    }
  }
  [[nodiscard]] bool enough() const {
    return past_limit_.size() >= static_cast<std::size_t>(wanted_);
  }
  [[nodiscard]] const std::vector<double>& past_limit() const { return past_limit_; }

 private:
  int wanted_;
  double limit_ml_;
  std::array<double, taps> at_open_{};
  std::array<bool, taps> is_open_{};
  std::vector<double> past_limit_;
};

std::vector<double> pours_past_limit(const BenchPlan& plan, int pours) {
  BenchBar* bar_at_work = nullptr;
  Crowd crowd{pours, static_cast<double>(plan.limit.in_microlitres()) / 1000};
  BenchBar bar{plan, [&](std::size_t tap, bool open) {
                 if (bar_at_work != nullptr) crowd.on_valve(*bar_at_work, tap, open);
               }};
  bar.ask([&](const Controller&) { bar_at_work = &bar; });
  for (bool enough = false; !enough;) {
    std::array<TapState, taps> states{};
    bar.ask([&](const Controller& controller) {
      enough = crowd.enough();
      for (std::size_t tap = 0; tap < taps; ++tap) states.at(tap) = controller.session(tap).state();
    });
    for (std::size_t tap = 0; tap < taps; ++tap) {
      if (states.at(tap) == TapState::idle) bar.lay_card(tap);
      // Denied: on a machine this busy an answer may come too late. The guest tries again.
      if (states.at(tap) == TapState::finished || states.at(tap) == TapState::denied) {
        bar.lift_card(tap);
      }
    }
    drivers::pause_for(std::chrono::milliseconds{5});
  }
  std::vector<double> past = crowd.past_limit();
  bar.ask([&](const Controller&) { bar_at_work = nullptr; });
  past.resize(static_cast<std::size_t>(pours));
  return past;
}

}  // namespace

void bench_overshoot(const PourBenchOptions& options, const Report& report) {
  report.section(
      "Volume past the limit when the valve is told to shut (goal: one pulse; a known Python "
      "controller at 100 ml/s: p50 4.7 ml, max 11.2 ml)");
  for (const std::int64_t pulses_per_litre : {450, 5'600}) {
    for (const std::int64_t rate : {20, 60, 100, 200}) {
      Report::progress(fmt::format("{} pours at {} ml/s, {} pulses per litre ...", options.pours,
                                   rate, pulses_per_litre));
      BenchPlan plan;
      plan.milli_pulses_per_litre = pulses_per_litre * 1'000;
      plan.rate_ml_per_s = rate;
      const Spread past = spread(pours_past_limit(plan, options.pours));
      const double pulse_ml = 1000.0 / static_cast<double>(pulses_per_litre);
      const std::string conditions = fmt::format("{} ml/s, {} pulses/l, 8 taps at once, {} pours",
                                                 rate, pulses_per_litre, options.pours);
      report.add("past the limit", past, "ml", conditions);
      report.add({"past the limit max", past.max / pulse_ml, "pulses", conditions});
    }
  }
}

}  // namespace tapd::bench
