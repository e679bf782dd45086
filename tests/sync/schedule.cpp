#include "tests/sync/schedule.hpp"

#include <fmt/format.h>

#include "sync/wire.hpp"
#include "tests/sync/samples.hpp"

namespace tapd::sync::test {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

constexpr std::uint64_t guests = 5;
constexpr std::uint64_t guests_of_rows = 3;  ///< The others are seen from the card to the row.
constexpr std::int64_t purse = 1'000'000;
constexpr milliseconds busy{5min};
// The longest back-off, a row that was turned down four times, and some air.
constexpr milliseconds patience{1h};

}  // namespace

Plan::Plan(std::uint64_t seed) : dice{seed * 7919 + 13} {
  pours = 5 + dice.below(20);
  options.controller_id = "bar-1";
  options.token = "secret";
  options.batch_size = 1 + dice.below(50);
  options.snapshot_interval = 30s;
  const auto sometimes = [this](std::uint64_t most) {
    return dice.chance(400) ? dice.below(most) : 0;
  };
  faults = {sometimes(400), sometimes(400), sometimes(300), sometimes(300), sometimes(200),
            sometimes(100), sometimes(200), sometimes(200), sometimes(300)};
  for (std::uint64_t i = dice.below(4); i > 0; --i) {
    const milliseconds from = time();
    outages.push_back({from, from + time() / 2, static_cast<Outage::Kind>(dice.below(6))});
  }
}

milliseconds Plan::time() {
  return milliseconds{static_cast<std::int64_t>(dice.below(busy.count()))};
}

Schedule::Schedule(std::uint64_t seed, TestBooks& books)
    : seed_{seed},
      plan_{seed},
      books_{books},
      venue_{memory_},
      play_{seed, books, venue_, plan_.options} {
  populate(true);
}

Schedule::Schedule(std::uint64_t seed, TestBooks& books, Venue& venue)
    : seed_{seed},
      plan_{seed},
      books_{books},
      venue_{venue},
      play_{seed, books, venue_, plan_.options} {
  populate(false);
}

void Schedule::populate(bool turns_down) {
  for (std::uint64_t guest = 1; guest <= guests; ++guest) venue_.add_guest(guest, purse);
  venue_.has_snapshot = plan_.dice.chance(800);
  venue_.demands_leave = !venue_.has_snapshot;
  venue_.open(seed_);
  play_.faults = plan_.faults;
  play_.outages = plan_.outages;
  for (std::uint64_t guest = 1; guest <= guests; ++guest) play_.watched_guests.push_back(guest);
  Dice& dice = plan_.dice;
  poured_ = plan_.pours;
  for (std::uint64_t i = 0; i < plan_.pours; ++i) {
    const model::Pour row = pour(seed_ * 1000 + i, 1 + dice.below(guests_of_rows));
    play_.pour_at(plan_.time(), row);
    // Turned down for now, some times; the cap is never reached.
    if (turns_down && dice.chance(50)) {
      const auto times = static_cast<int>(1 + dice.below(3));
      turned_down_[row.begin.client_tx_id] = times;
      venue_.poison[row.begin.client_tx_id.text()].rejections = times;
    }
  }
  for (std::uint64_t i = dice.below(30); i > 0; --i) {
    play_.ask_at(plan_.time(), 1 + dice.below(guests_of_rows));
  }
  for (std::uint64_t guest = guests_of_rows + 1; guest <= guests; ++guest) {
    if (dice.chance(700)) plan_visit(guest, plan_.time(), 1);
  }
  const std::uint64_t restarts = dice.below(4);
  for (std::uint64_t i = restarts; i > 0; --i) play_.restart_at(plan_.time());
  // A server with snapshots ends its locks by itself.
  locks_end_ = venue_.demands_leave && restarts == 0 && plan_.faults.duplicated == 0;
}

// One after the other, each guest at a tap of his own, and often again before the last row is
// booked.
void Schedule::plan_visit(std::uint64_t guest, milliseconds when, std::uint64_t number) {
  if (when >= busy) return;
  Dice& dice = plan_.dice;
  const auto within = [&dice](std::uint64_t most) {
    return milliseconds{static_cast<std::int64_t>(dice.below(most))};
  };
  model::Pour row = pour(seed_ * 1000 + 100 * guest + number, guest);
  // Tap 1 is that of the rows.
  row.begin.tap_id = model::TapId{static_cast<std::int32_t>(guest - guests_of_rows + 1)};
  const milliseconds length = 1s + within(8'000);
  const milliseconds pause = dice.chance(600) ? within(3'000) : within(60'000);
  play_.visit_at(when, {guest, row, length, [=, this](bool poured) {
                          poured_ += poured ? 1 : 0;
                          if (number < 30) plan_visit(guest, play_.now() + pause, number + 1);
                        }});
}

std::string Schedule::run() {
  play_.run_until(busy);
  play_.faults = {};
  play_.outages.clear();
  std::string wrong = "not played";
  for (milliseconds now = busy; now <= busy + patience && !wrong.empty(); now += 2min) {
    play_.run_until(now);
    if (!play_.breach().empty()) return play_.breach();
    wrong = verdict();
  }
  return wrong;
}

std::string Schedule::verdict() {
  if (venue_.booked.size() != poured_) {
    return fmt::format("{} pours, {} booked", poured_, venue_.booked.size());
  }
  if (std::string other = other_content(); !other.empty()) return other;
  for (const auto& [id, row] : books_.rows()) {
    if (row.status != model::PourStatus::confirmed) {
      return fmt::format("{} is {}, {} attempts, {}", id.text(), model::to_text(row.status),
                         row.attempts, row.outcome);
    }
    const auto turned_down = turned_down_.find(id);
    if (row.attempts > (turned_down == turned_down_.end() ? 0 : turned_down->second)) {
      return fmt::format("{} spent {} attempts: {}", id.text(), row.attempts, reasons(id));
    }
  }
  return balances();
}

// What was booked is what was poured, by whom it was.
std::string Schedule::other_content() const {
  for (const auto& [guest, pours] : play_.poured()) {
    for (const model::Pour& pour : pours) {
      const std::string& id = pour.begin.client_tx_id.text();
      const auto booking = venue_.booked.find(id);
      if (booking == venue_.booked.end()) return id + " is not booked";
      if (booking->second.guest != guest ||
          booking->second.volume != pour.volume.in_millilitres() ||
          booking->second.price != pour.price.minor_units()) {
        return fmt::format("{} is booked with {} ml and {} on {}", id, booking->second.volume,
                           booking->second.price, booking->second.guest);
      }
    }
  }
  return {};
}

std::string Schedule::reasons(const model::ClientTxId& row) const {
  std::string all;
  for (const auto& notice : play_.told_of<PourNotBooked>()) {
    if (notice.client_tx_id == row) all += notice.outcome + " (" + notice.reason + ") ";
  }
  return all;
}

std::string Schedule::balances() {
  std::int64_t charged = 0;
  for (const auto& [id, booking] : venue_.booked) charged += booking.price;
  std::int64_t left = 0;
  for (const auto& [id, balance] : venue_.balances) left += balance;
  if (left + charged != static_cast<std::int64_t>(guests) * purse) {
    return fmt::format("{} left and {} charged", left, charged);
  }
  if (std::string other = venue_.objection(); !other.empty()) return other;
  if (locks_end_ && !venue_.locks.empty()) {
    return fmt::format("{} is still locked", venue_.locks.begin()->first);
  }
  if (!venue_.has_snapshot) return {};
  for (std::uint64_t guest = 1; guest <= guests; ++guest) {
    const auto known = books_.available(guest);
    const std::int64_t at_server = venue_.balances.at(guest_uuid(guest));
    if (!known || known->minor_units() != at_server) {
      return fmt::format("guest {} has {} at the server, {} here", guest, at_server,
                         known ? known->minor_units() : -1);
    }
  }
  return {};
}

}  // namespace tapd::sync::test
