#include "daemon/tap_outputs.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace tapd {
namespace {

/// A valve that did not shut is tried again after so long.
constexpr std::chrono::seconds shut_again{1};

drivers::Signal signal_for(Display display) {
  switch (display) {
    case Display::starting:
    case Display::wait:
      return drivers::Signal::wait;
    case Display::idle:
      return drivers::Signal::idle;
    case Display::ready:
      return drivers::Signal::ready;
    case Display::pouring:
      return drivers::Signal::pouring;
    case Display::service:
      return drivers::Signal::service;
    case Display::menu_lift:
      return drivers::Signal::menu_1;
    case Display::menu_bleed:
      return drivers::Signal::menu_2;
    case Display::menu_clean:
      return drivers::Signal::menu_3;
    case Display::menu_keg:
      return drivers::Signal::menu_4;
    case Display::menu_stop:
      return drivers::Signal::menu_5;
    case Display::nearly_out:
      return drivers::Signal::nearly_out;
    case Display::denied_funds:
      return drivers::Signal::denied_funds;
    case Display::denied_card:
      return drivers::Signal::denied_card;
    case Display::denied_tap:
    case Display::locked:
      return drivers::Signal::denied_tap;
    case Display::remove_card:
      return drivers::Signal::remove_card;
    case Display::fault:
      return drivers::Signal::fault;
  }
  return drivers::Signal::off;
}

}  // namespace

tl::expected<void, std::string> TapOutputs::pulse(model::SinceBoot now) {
  if (with_.keep_alive == nullptr) return {};
  auto done = with_.keep_alive->step(now, commanded_open_);
  if (done) return done;
  return tl::unexpected{"its keep-alive: " + done.error()};
}

/// Shuts after a failure; its own failure is told as well.
tl::unexpected<std::string> TapOutputs::give_up(const std::string& why, model::SinceBoot now) {
  if (const auto done = shut(now); !done) {
    return tl::unexpected{fmt::format("{}; then {}", why, done.error())};
  }
  return tl::unexpected{why};
}

tl::expected<void, std::string> TapOutputs::open(model::SinceBoot now) {
  if (!shut_by_) shut_by_ = now + open_limit_;
  commanded_open_ = true;
  auto done = with_.valve->open();
  if (done) done = pulse(now);
  if (done) return done;
  return give_up(done.error(), now);
}

tl::expected<void, std::string> TapOutputs::shut(model::SinceBoot now) {
  commanded_open_ = false;
  auto done = with_.valve->shut();
  // The pulses end all the same: where the pin does not obey, the one-shot does.
  auto silent = pulse(now);
  if (!done) {
    shut_by_ = now + shut_again;
    return done;
  }
  shut_by_.reset();
  return silent;
}

tl::expected<void, std::string> TapOutputs::retake(model::SinceBoot now) {
  commanded_open_ = false;
  auto done = with_.valve->retake();
  if (done && with_.keep_alive != nullptr) {
    done = with_.keep_alive->retake();
    if (!done) done = tl::unexpected{"its keep-alive: " + done.error()};
  }
  shut_by_.reset();
  if (!done) shut_by_ = now + shut_again;
  return done;
}

void TapOutputs::retake_lamps(model::SinceBoot now) {
  if (with_.indicator != nullptr) with_.indicator->retake(now);
}

void TapOutputs::show(Display display, model::SinceBoot now) {
  if (with_.indicator != nullptr) with_.indicator->show(signal_for(display), now);
}

tl::expected<void, std::string> TapOutputs::tick(model::SinceBoot now) {
  if (with_.indicator != nullptr) with_.indicator->tick(now);
  if (shut_by_ && now >= *shut_by_) {
    if (!commanded_open_) return shut(now);
    return give_up(
        fmt::format("{} was still open after {} s, the longest that is allowed and a second more: "
                    "shut by force",
                    with_.valve->describe(),
                    std::chrono::duration_cast<std::chrono::seconds>(open_limit_).count()),
        now);
  }
  if (!commanded_open_) return {};
  if (const auto done = pulse(now); !done) return give_up(done.error(), now);
  return {};
}

std::optional<model::SinceBoot> TapOutputs::wake_at() const {
  std::optional<model::SinceBoot> soonest = shut_by_;
  const auto consider = [&](const std::optional<model::SinceBoot>& at) {
    if (at) soonest = std::min(soonest.value_or(*at), *at);
  };
  if (with_.keep_alive != nullptr) consider(with_.keep_alive->wake_at());
  if (with_.indicator != nullptr) consider(with_.indicator->wake_at());
  return soonest;
}

std::string TapOutputs::take_trouble() {
  return with_.indicator == nullptr ? std::string{} : with_.indicator->take_trouble();
}

}  // namespace tapd
