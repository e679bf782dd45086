#include "bench_bar.hpp"

#include <cstdio>
#include <future>
#include <utility>

#include <fmt/format.h>

#include "daemon/sync_thread.hpp"

namespace tapd::bench {
namespace {

drivers::sim::BarPlan bar_plan(const BenchPlan& plan) {
  drivers::sim::BarPlan bar;
  for (std::size_t i = 0; i < plan.taps; ++i) {
    drivers::sim::SimTapPlan tap;
    tap.keg_ml = 1'000'000;
    tap.most_ml_per_s = 1'000;
    tap.handle_ml_per_s = plan.rate_ml_per_s;
    // An ideal meter: what is measured is the controller, not the turbine.
    tap.meter.milli_pulses_per_litre = plan.milli_pulses_per_litre;
    tap.meter.knee_ml_per_s = 0.0;
    tap.meter.stall_ml_per_s = 0.0;
    tap.meter.unevenness = 0.0;
    tap.meter.bounce_rate = 0.0;
    bar.taps.push_back(tap);
  }
  return bar;
}

model::GuestId guest(std::size_t tap) {
  return model::GuestId{fmt::format("00000000-0000-4000-8000-{:012}", tap + 1)};
}

}  // namespace

void QuietJournal::write(const JournalLine& line) noexcept {
  if (line.level == Level::error) std::fputs((line.text + "\n").c_str(), stderr);
}

model::CardUid BenchBar::card(std::size_t tap) {
  const std::array<std::uint8_t, 4> bytes{0x04, 0, 0, static_cast<std::uint8_t>(tap + 1)};
  return *model::CardUid::from_bytes(bytes);
}

BenchBar::BenchBar(const BenchPlan& plan, ValveWatch watch,
                   std::vector<std::unique_ptr<drivers::FlowMeter>> meters)
    : watch_{std::move(watch)},
      bar_{std::make_unique<drivers::sim::SimBar>(bar_plan(plan), clock_)},
      meters_{std::move(meters)},
      ledger_{[this] {
        storage::LedgerOptions options;
        options.file = folder_ / "bench.db";
        options.boot = boot_;
        return options;
      }()},
      controller_{
          [&, this] {
            ControllerOptions options;
            options.authorize = AuthorizeMode::cached;
            options.policy.largest_pour = plan.limit;
            options.policy.smallest_start = model::Volume::millilitres(1);
            // Nobody confirms anything here, and one guest pours all day.
            options.policy.offline = {.per_guest = model::Money{model::largest_amount},
                                      .pours_per_guest = 1'000'000,
                                      .controller = model::Money{model::largest_amount}};
            options.boot = boot_;
            return options;
          }(),
          [&, this] {
            std::vector<TapSetup> setups;
            for (std::size_t i = 0; i < plan.taps; ++i) {
              if (meters_.size() <= i) meters_.push_back(bar_->meter(i));
              valves_.push_back(std::make_unique<WatchedValve>(bar_->valve(i), i, watch_));
              SessionRules rules;
              rules.tail_quiet = std::chrono::milliseconds{60};
              rules.longest_close_time = plan.longest_learnt_close;
              setups.push_back({.id = model::TapId{static_cast<std::int32_t>(i + 1)},
                                .rules = rules,
                                .calibration = Calibration::from_milli_pulses_per_litre(
                                    plan.milli_pulses_per_litre),
                                .known_close_time = {},
                                .own_price = model::LitrePrice{1},
                                .meter = meters_[i].get(),
                                .valve = valves_[i].get(),
                                .indicator = nullptr,
                                .last_look = {}});
            }
            return setups;
          }(),
          {.storage = [this](StorageRequest request) { storage_->post(std::move(request)); },
           .ask_server = [](const sync::AuthorizeAsk&) {},
           .pours_waiting = [] {},
           .random_id =
               [] {
                 std::array<std::uint8_t, 16> bytes{};
                 drivers::fill_random(bytes.data(), bytes.size());
                 return bytes;
               },
           .journal = &journal_}} {
  seed_guests();
  storage_ = std::make_unique<StorageThread>(ledger_, boot_, [this](StorageAnswer answer) {
    [[maybe_unused]] const bool put = inbox_.put(ControlMessage{std::move(answer)});
  });
  loop_ = std::make_unique<ControlLoop>(controller_, inbox_, clock_, journal_);
  thread_ = std::thread{[this] {
    // As tapd itself does; without the right to it the figures are those of a busy machine.
    [[maybe_unused]] const auto first = run_before_others(10);
    loop_->run();
  }};
}

BenchBar::~BenchBar() {
  loop_->stop();
  thread_.join();
}

void BenchBar::seed_guests() {
  model::Snapshot snapshot;
  for (std::size_t i = 0; i < valves_.size(); ++i) {
    snapshot.guests.push_back({.id = guest(i),
                               .first_name = fmt::format("Guest {}", i + 1),
                               .balance = model::Money{100'000'000},
                               .active = true});
    snapshot.cards.push_back({.uid = card(i), .guest_id = guest(i)});
  }
  const auto done = ledger_.apply_snapshot(snapshot, *ledger_.ask_marker(), moment(clock_), boot_);
  if (!done) throw std::runtime_error{done.error().message};
}

void BenchBar::lay_card(std::size_t tap) {
  drivers::Uid uid;
  const model::CardUid laid = card(tap);
  std::copy(laid.bytes().begin(), laid.bytes().end(), uid.bytes.begin());
  uid.size = static_cast<std::uint8_t>(laid.bytes().size());
  [[maybe_unused]] const auto seen = bar_->apply(
      {.tap = static_cast<std::int64_t>(tap + 1), .action = drivers::sim::LayCard{uid}});
  [[maybe_unused]] const bool put =
      inbox_.put(Presence{.tap = tap, .event = drivers::CardArrived{uid}});
}

void BenchBar::lift_card(std::size_t tap) {
  [[maybe_unused]] const auto seen =
      bar_->apply({.tap = static_cast<std::int64_t>(tap + 1), .action = drivers::sim::LiftCards{}});
  drivers::CardLeft left;
  left.last_seen = clock_.read().since_boot;
  [[maybe_unused]] const bool put = inbox_.put(Presence{.tap = tap, .event = left});
}

void BenchBar::ask(const std::function<void(const Controller&)>& question) {
  auto done = std::make_shared<std::promise<void>>();
  auto future = done->get_future();
  [[maybe_unused]] const bool put =
      inbox_.put(Order{[done, question](const Controller& all, const model::Moment&) {
        question(all);
        done->set_value();
      }});
  future.wait();
}

}  // namespace tapd::bench
