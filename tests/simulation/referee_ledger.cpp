// The referee's part that reads the ledger: what became of each pour, and what all of them add up
// to.
#include <algorithm>
#include <functional>

#include "referee.hpp"
#include "storage/row_words.hpp"

namespace tapd::simulation {
namespace {

using namespace std::chrono_literals;
using model::PourStatus;

constexpr std::size_t newest_rows = 8;
constexpr std::size_t all_rows = 100'000;
constexpr std::int64_t enough_for_a_sum = 50;

/// The queue's arrows (data model), and several of them between two looks.
bool may_become(PourStatus before, PourStatus after) {
  switch (before) {
    case PourStatus::open:
      return true;
    case PourStatus::fresh:
    case PourStatus::sent:
      return after != PourStatus::open;
    case PourStatus::confirmed:
      return after == PourStatus::confirmed;
    case PourStatus::failed:
      return after == PourStatus::failed || after == PourStatus::confirmed;
  }
  return false;
}

/// How far the row had come with the server.
void forget_queue(model::Pour& row) {
  if (row.status == PourStatus::open) return;
  row.status = PourStatus::fresh;
  row.attempts = 0;
}

template<typename T>
const T& readable(const storage::Result<T>& result, const char* what) {
  if (!result) throw Breach{"ledger", fmt::format("{}: {}", what, result.error().message)};
  return *result;
}

}  // namespace

void Referee::started(const storage::Ledger& ledger) {
  const auto counts = readable(ledger.queue_counts(), "counting the queue");
  if (counts.open != 0) throw Breach{"recovery", fmt::format("{} pours stay open", counts.open)};
  read_ledger(ledger, true);
  for (auto& [id, pour] : book_) {
    const auto row = rows_.find(id);
    const bool there = row != rows_.end();
    if (forgotten_.contains(id)) continue;
    if (pour.begun && !there) throw Breach{"lost", id.text() + " was acknowledged and is gone"};
    if (there) pour.begun = pour.ended = true;
  }
}

void Referee::ledger_restored() {
  restored_ = true;
  for (TapWatch& watch : watches_) watch.closed = watch.closing_kept = false;
  stop_heard_ = false;  // Until the server says so again: nobody has a balance here before.
  for (auto& [id, row] : rows_) forget_queue(row);
  for (const auto& [id, row] : forgotten_) may_return_.insert(id);
}

void Referee::take_back(const model::ClientTxId& id) {
  auto row = forgotten_.extract(id);
  forget_queue(row.mapped());
  rows_.insert(std::move(row));
}

void Referee::read_ledger(const storage::Ledger& ledger, bool all) {
  const auto rows = ledger.newest_pours(all ? all_rows : newest_rows);
  if (!rows) {
    if (disk_troubled) return;
    throw Breach{"ledger", rows.error().message};
  }
  for (const model::Pour& row : *rows) check_row(row);
  if (all && forgetting_) note_forgotten(*rows);
  if (all && rows->size() < rows_.size()) {
    throw Breach{"lost", fmt::format("{} rows of {} are left", rows->size(), rows_.size())};
  }
  std::string risk = exposure();
  std::string spendable = what_is_too_much(ledger);
  // What was confirmed meanwhile shows only when all rows are read.
  if (!all && !(risk.empty() && spendable.empty())) return read_ledger(ledger, true);
  if (!risk.empty()) throw Breach{"exposure", risk};
  if (!spendable.empty()) throw Breach{"balance", spendable};
}

/// Only what the server has confirmed may be gone.
void Referee::note_forgotten(const std::vector<model::Pour>& left) {
  std::set<model::ClientTxId> there;
  for (const model::Pour& row : left) there.insert(row.begin.client_tx_id);
  for (auto known = rows_.begin(); known != rows_.end();) {
    if (there.contains(known->first)) {
      ++known;
      continue;
    }
    if (known->second.status != PourStatus::confirmed) {
      throw Breach{"lost", known->first.text() + " was forgotten and never confirmed"};
    }
    forgotten_.insert(rows_.extract(known++));
  }
}

void Referee::has_forgotten(const storage::Ledger& ledger, std::int64_t pours) {
  const std::size_t before = forgotten_.size();
  read_ledger(ledger, true);
  forgetting_ = false;
  const auto gone = static_cast<std::int64_t>(forgotten_.size() - before);
  if (gone == pours) return;
  throw Breach{"lost", fmt::format("{} rows are gone, {} were to be forgotten", gone, pours)};
}

void Referee::check_row(const model::Pour& row) {
  const model::ClientTxId& id = row.begin.client_tx_id;
  const auto pour = book_.find(id);
  if (pour == book_.end())
    throw Breach{"once", id.text() + " is in the ledger and was never begun"};
  if (may_return_.erase(id) > 0) take_back(id);
  if (forgotten_.contains(id)) throw Breach{"once", id.text() + " was forgotten and is back"};
  const auto [known, first] = rows_.try_emplace(id, row);
  if (!first) check_change(known->second, row);
  known->second = row;
  if (first && pour->second.truth_at_end && !pour->second.excused) ++weighed_;
  if (row.status == PourStatus::confirmed) {
    if (row.server_outcome == storage::audit_only) noted_.insert(id);
    unconfirmed_.erase(id);
  } else {
    unconfirmed_.insert(id);
  }
  check_begin(pour->second, row);
  if (row.status == PourStatus::open) return;
  check_volume(pour->second, row);
}

/// Who pays for what is what was decided before the valve opened.
void Referee::check_begin(const Pour& pour, const model::Pour& row) {
  const model::PourBegin& asked = pour.begin;
  const model::PourBegin& kept = row.begin;
  const bool same = kept.guest_id == asked.guest_id && kept.card_uid == asked.card_uid &&
                    kept.tap_id == asked.tap_id && kept.keg_id == asked.keg_id &&
                    kept.price == asked.price && kept.authorized_by == asked.authorized_by;
  if (!same) throw Breach{"record", asked.client_tx_id.text() + " is not what was begun"};
}

void Referee::check_change(const model::Pour& before, const model::Pour& after) {
  const std::string id = after.begin.client_tx_id.text();
  if (!may_become(before.status, after.status)) {
    throw Breach{"queue", fmt::format("{} went from {} to {}", id, model::to_text(before.status),
                                      model::to_text(after.status))};
  }
  if (after.attempts < before.attempts) throw Breach{"queue", id + " lost attempts"};
  if (before.status == PourStatus::open) return;
  const bool same = before.volume == after.volume && before.tail == after.tail &&
                    before.price == after.price && before.begin.guest_id == after.begin.guest_id &&
                    before.begin.card_uid == after.begin.card_uid &&
                    before.begin.tap_id == after.begin.tap_id && before.pulses == after.pulses;
  if (!same) throw Breach{"immutable", id + " has changed after its end"};
}

/// What was recorded against what really ran: the meter's error, and the stated bound of a cut.
void Referee::check_volume(const Pour& pour, const model::Pour& row) {
  const std::string id = row.begin.client_tx_id.text();
  if (pour.ended && pour.end &&
      row.volume.in_millilitres() != pour.end->last.volume.in_millilitres() && !pour.cut_off) {
    throw Breach{"record", id + " does not hold what its end said"};
  }
  if (row.price != model::price_of(row.volume, row.begin.price)) {
    throw Breach{"record", fmt::format("{}: {} ml do not cost {}", id, row.volume.in_millilitres(),
                                       row.price.minor_units())};
  }
  const std::int64_t recorded = row.volume.in_microlitres();
  if (row.volume.in_millilitres() < pour.acknowledged.in_millilitres()) {
    throw Breach{"lost",
                 fmt::format("{} has {} ml, {} were acknowledged", id, row.volume.in_millilitres(),
                             pour.acknowledged.in_millilitres())};
  }
  if (!pour.truth_at_open) {
    if (recorded == 0) return;
    throw Breach{"volume", fmt::format("{} has {} ul and its valve never opened", id, recorded)};
  }
  if (pour.excused || !pour.truth_at_end) return;
  const std::int64_t truth = *pour.truth_at_end - *pour.truth_at_open;
  const std::int64_t pulse = 1'000'000'000 / plan_.milli_pulses_per_litre;
  const std::int64_t error = meter_error(truth);
  // How many of the edges that the kernel dropped were bounces can only be estimated.
  const std::int64_t guessed =
      plan_.has(Fault::meter_bounce) ? row.edges_lost * pulse / 2 / 5 : std::int64_t{0};
  if (recorded > truth + error + guessed) {
    throw Breach{"volume", fmt::format("{} has {} ul, {} ul ran", id, recorded, truth)};
  }
  std::int64_t short_by = error + guessed;
  if (pour.cut_off) {
    const auto late = (pour.slowest_commit + 100ms) / 1ms;
    short_by += 50'000 + late * bounds_.most_ml_per_s + pour.after_shut;
  }
  // What comes over a line that is no longer believed is not charged.
  const bool believed = row.stop_reason != model::StopReason::meter_fault && !pour.disbelieved;
  if (believed && !pour.cut_off) sums_[id] = {recorded, truth};
  if (believed && recorded < truth - short_by) {
    throw Breach{"volume", fmt::format("{} has {} ul, {} ul ran{}", id, recorded, truth,
                                       pour.cut_off ? " until it was cut off" : "")};
  }
}

/// What is too much of what the cache has allowed and the server has not confirmed; empty: nothing.
std::string Referee::exposure() const {
  struct Risk {
    std::int64_t money{0};
    std::int64_t pours{0};
  };
  std::map<std::string, Risk> guests;
  std::int64_t all = 0;
  for (const model::ClientTxId& id : unconfirmed_) {
    const model::Pour& row = rows_.at(id);
    // A row that has failed is a known loss, no risk any more.
    if (row.status == PourStatus::failed) continue;
    if (row.begin.authorized_by != model::AuthorizedBy::cache) continue;
    // No risk either, but nobody here knows that any more.
    const auto booked = venue_.bookings().find(id.text());
    if (restored_ && booked != venue_.bookings().end() && booked->second.charged) continue;
    Risk& risk = guests[row.begin.guest_id.text()];
    risk.money += row.price.minor_units();
    risk.pours += row.status == PourStatus::open || row.volume.in_millilitres() > 0 ? 1 : 0;
    all += row.price.minor_units();
  }
  if (all > bounds_.offline_controller.minor_units() + overdraft(plan_.taps)) {
    return fmt::format("{} wait, poured on cached balances", all);
  }
  for (const auto& [guest, risk] : guests) {
    const std::int64_t most = bounds_.offline_guest.minor_units() + overdraft(most_at_once(guest));
    if (risk.money > most) return fmt::format("{} wait for guest {} alone", risk.money, guest);
    if (risk.pours <= bounds_.offline_pours) continue;
    return fmt::format("{} pours wait for guest {} alone", risk.pours, guest);
  }
  return {};
}

/// Of one guest after another: what may be spent here and the server does not have; empty: nothing.
std::string Referee::what_is_too_much(const storage::Ledger& ledger) {
  if (plan_.has(Fault::other_bar)) return {};
  const std::size_t guest = next_guest_++ % venue_.accounts().size();
  const auto facts = ledger.facts(venue_.accounts()[guest].card, model::TapId{1});
  if (!facts) {
    if (disk_troubled) return {};
    throw Breach{"ledger", facts.error().message};
  }
  if (!facts->guest) return {};
  // As far as is known here: the card may belong to somebody else by now.
  const std::int64_t left = left_of(facts->guest->id);
  if (facts->available.minor_units() <= left) return {};
  return fmt::format("guest {} may spend {} and has {}", facts->guest->id.text(),
                     facts->available.minor_units(), left);
}

/// The server's balance, without what it does not know of yet.
std::int64_t Referee::left_of(const model::GuestId& guest) const {
  std::int64_t left = venue_.account_of(guest).balance;
  for (const model::ClientTxId& id : unconfirmed_) {
    const model::Pour& row = rows_.at(id);
    if (row.begin.guest_id != guest || waits_for_staff(row)) continue;
    const auto booked = venue_.bookings().find(id.text());
    const bool known =
        booked != venue_.bookings().end() && (booked->second.charged || booked->second.refused);
    if (!known) left -= row.price.minor_units();
  }
  return left;
}

/// Its card belongs to another guest by now: staff decide who pays.
bool Referee::waits_for_staff(const model::Pour& row) const {
  // A restored ledger has it among its words.
  return plan_.has(Fault::cards_pass) && row.status == PourStatus::failed &&
         (row.server_outcome == "guest_changed" ||
          row.last_error.find("guest_changed") != std::string::npos);
}

/// Each row has come to the server, and both say the same of it.
void Referee::check_fate(const model::Pour& row) const {
  if (waits_for_staff(row)) return;
  const std::string id = row.begin.client_tx_id.text();
  const auto booking = venue_.bookings().find(id);
  if (booking == venue_.bookings().end()) throw Breach{"liveness", id + " never arrived"};
  check_told(row, booking->second);
  // What the server had noted for staff waits for them after a restoring.
  const bool parked = restored_ && booking->second.audited && row.status == PourStatus::failed;
  if (!parked && (row.status == PourStatus::failed) != booking->second.refused) {
    throw Breach{"liveness",
                 fmt::format("{} is {}: {}", id, model::to_text(row.status), row.last_error)};
  }
  if (!booking->second.audited || booking->second.volume_ml == 0) return;
  // Beer that nobody pays for: only when the server has said no to that card.
  const auto no = denied_.find({row.begin.card_uid.text(), row.begin.tap_id.number()});
  if (no == denied_.end() || no->second < book_.at(row.begin.client_tx_id).since) {
    throw Breach{"leave", id + " was sent without leave, and is not charged"};
  }
}

/// Who comes in peace gets what was asked for: 60 ml a second for five seconds.
void Referee::check_served() const {
  constexpr std::int64_t least_ml = 200;
  for (std::size_t tap = 0; tap < rigs_.size(); ++tap) {
    const bool served = std::any_of(rows_.begin(), rows_.end(), [&](const auto& entry) {
      const Pour& pour = book_.at(entry.first);
      return pour.tap == tap && pour.since >= *last_round_ &&
             entry.second.volume.in_millilitres() >= least_ml;
    });
    if (!served) throw Breach{"served", fmt::format("nobody is served at tap {}", tap + 1)};
  }
}

/// One pour may be a little wrong; all together may not be so to one side.
void Referee::check_sums() const {
  if (sums_.empty()) return;
  std::int64_t recorded = 0;
  std::int64_t truth = 0;
  for (const auto& [id, sum] : sums_) {
    recorded += sum.recorded;
    truth += sum.truth;
  }
  const auto pours = static_cast<std::int64_t>(sums_.size());
  const bool untrue = plan_.has(Fault::meter_drift) || plan_.has(Fault::meter_lost_edges);
  // Of a pour: half a pulse, the impeller's run-on, and the meter's own error.
  const std::int64_t half_a_pulse = 500'000'000 / plan_.milli_pulses_per_litre;
  const std::int64_t meter = truth / pours * (untrue ? 25 : 3) / 1'000;
  const std::int64_t off = (recorded - truth) / pours;
  // The run-on is to the venue's good only: what is too little has been forgotten.
  const bool fair = off <= 2'000 + half_a_pulse + meter && off >= -500 - meter;
  if (pours < enough_for_a_sum || fair) return;
  throw Breach{"bias", fmt::format("{} pours are off by {} ul each, one with another", pours, off)};
}

void Referee::at_the_end(const storage::Ledger& ledger, const Controller& controller) {
  read_ledger(ledger, true);
  const auto counts = readable(ledger.queue_counts(), "counting the queue");
  if (counts.open != 0 || counts.waiting != 0) {
    throw Breach{"liveness", fmt::format("{} open and {} waiting rows, long after the last fault",
                                         counts.open, counts.waiting)};
  }
  for (const auto& [id, pour] : book_) {
    const bool there = rows_.contains(id) || forgotten_.contains(id);
    if (pour.begun && !there) throw Breach{"lost", id.text() + " is nowhere"};
  }
  std::int64_t recorded = 0;
  std::int64_t charged = 0;
  for (const auto& rows : {std::cref(rows_), std::cref(forgotten_)}) {
    for (const auto& [id, row] : rows.get()) {
      check_fate(row);
      const auto found = venue_.bookings().find(id.text());
      if (found == venue_.bookings().end()) continue;
      const Booking& booking = found->second;
      if (!booking.refused && !booking.audited) recorded += row.price.minor_units();
    }
  }
  std::int64_t balances = 0;
  for (const Account& account : venue_.accounts()) balances += account.balance;
  for (const auto& [id, booking] : venue_.bookings()) {
    if (booking.charged) charged += booking.price;
  }
  if (charged != recorded) {
    throw Breach{"sum", fmt::format("{} charged and {} recorded", charged, recorded)};
  }
  if (balances != venue_.opening_balances() + venue_.other_movements() - charged) {
    throw Breach{"sum", "the server's balances do not add up"};
  }
  for (const std::string& event : venue_.open_events()) {
    throw Breach{"liveness", fmt::format("flow event {} never ended", event)};
  }
  for (std::size_t tap = 0; tap < rigs_.size(); ++tap) {
    const TapState state = controller.session(tap).state();
    if (state != TapState::idle || rigs_[tap]->valve_line_open()) {
      throw Breach{"liveness", fmt::format("tap {} is {}: {}", tap + 1, to_text(state),
                                           controller.session(tap).view().reason)};
    }
  }
  check_served();
  check_sums();
  for (const Account& account : venue_.accounts()) {
    const auto facts = readable(ledger.facts(account.card, model::TapId{1}), "reading a balance");
    // A server without snapshots tells nothing of what was paid in meanwhile.
    if (!plan_.demands_leave && facts.guest && facts.available.minor_units() != account.balance) {
      throw Breach{"balance", fmt::format("{} here and {} at the server",
                                          facts.available.minor_units(), account.balance)};
    }
  }
}

}  // namespace tapd::simulation
