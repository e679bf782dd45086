#include "referee.hpp"

#include <algorithm>

namespace tapd::simulation {
namespace {

using namespace std::chrono_literals;

/// After its card has gone a pour ends: the tail, and the row.
constexpr Time longest_end = 2s;

/// Gas has come out of it. While it is no faster than beer ever is, its pulses are those of beer.
bool is_keg_dry(TapRig& rig) {
  return rig.truth().keg_ul < 1'000;
}

}  // namespace

Referee::Referee(const Plan& plan, Bounds bounds, Agenda& agenda, VenueModel& venue,
                 std::vector<std::unique_ptr<TapRig>>& rigs)
    : plan_{plan},
      bounds_{std::move(bounds)},
      agenda_{agenda},
      venue_{venue},
      rigs_{rigs},
      watches_(rigs.size()) {}

void Referee::on_request(const StorageRequest& request) {
  if (const auto* begin = std::get_if<BeginRow>(&request)) {
    const auto& id = begin->begin.client_tx_id;
    const auto tap = static_cast<std::size_t>(begin->begin.tap_id.number() - 1);
    Pour pour{.tap = tap, .begin = begin->begin, .since = agenda_.now()};
    if (!book_.emplace(id, pour).second) {
      throw Breach{"once", fmt::format("{} is begun twice", id.text())};
    }
    take_lift(book_.at(id), *begin);
    watches_[tap].pour = id;
    ++pours_;
    const auto of_guest = std::count_if(watches_.begin(), watches_.end(), [&](const TapWatch& at) {
      return at.pour && book_.at(*at.pour).begin.guest_id == begin->begin.guest_id;
    });
    std::size_t& most = at_once_[begin->begin.guest_id.text()];
    most = std::max(most, static_cast<std::size_t>(of_guest));
    check_leave(begin->begin);
    if (on_pour) on_pour();
    return;
  }
  if (const auto* note = std::get_if<NoteAct>(&request)) return on_note(*note);
  if (const auto* progress = std::get_if<ProgressRow>(&request)) {
    book_.at(progress->progress.client_tx_id).posted = progress->progress.volume;
    return;
  }
  if (const auto* end = std::get_if<EndRow>(&request)) {
    Pour& pour = book_.at(end->end.last.client_tx_id);
    if (pour.end) return;  // Written again after a failure.
    pour.end = end->end;
    pour.truth_at_end = rigs_[pour.tap]->truth().passed_ul;
    pour.excused |= is_keg_dry(*rigs_[pour.tap]);
    TapWatch& watch = watches_[pour.tap];
    watch.passed_at_end = pour.truth_at_end;
    if (watch.pour == end->end.last.client_tx_id) watch.pour.reset();
  }
}

void Referee::check_leave(const model::PourBegin& begin) {
  const std::string id = begin.client_tx_id.text();
  if (!venue_.prices().contains(begin.price.minor_per_litre())) {
    throw Breach{"price", fmt::format("{} is begun at {} a litre, which the venue never asked", id,
                                      begin.price.minor_per_litre())};
  }
  if (begin.authorized_by == model::AuthorizedBy::server) {
    const auto allowed = allowed_.find({begin.card_uid.text(), begin.tap_id.number()});
    const bool fresh = allowed != allowed_.end() && agenda_.now() - allowed->second < 15s;
    if (!fresh) throw Breach{"leave", fmt::format("{} says that the server allowed it", id)};
    allowed_.erase(allowed);  // One leave, one pour.
    return;
  }
  // With the cache first, a card is not asked for that it knows by now.
  if (const auto no = refused_.find(begin.tap_id);
      !plan_.cached_first && no != refused_.end() && no->second == begin.card_uid) {
    throw Breach{"leave", fmt::format("{} is allowed by the cache, and the server said no", id)};
  }
  const auto known = facts_.find({begin.card_uid, begin.tap_id});
  if (known == facts_.end()) {
    throw Breach{"leave", fmt::format("{} is allowed by a cache that knows nothing of it", id)};
  }
  const model::AuthorizationFacts& facts = known->second;
  const bool good = facts.card->status == model::CardStatus::active && facts.guest &&
                    facts.guest->active && facts.tap->status == model::TapStatus::active &&
                    !facts.emergency_stop;
  if (!good) {
    throw Breach{"leave", fmt::format("{} is allowed by a cache that knows better: card {}, tap {}",
                                      id, to_text(facts.card->status), to_text(facts.tap->status))};
  }
}

void Referee::on_answer(const StorageAnswer& answer) {
  if (const auto* begun = std::get_if<BeginRowDone>(&answer)) {
    on_begun(*begun);
  } else if (const auto* noted = std::get_if<ActNoted>(&answer)) {
    on_noted(*noted);
  } else if (const auto* ended = std::get_if<EndRowDone>(&answer)) {
    if (!ended->result) return;
    Pour& pour = book_.at(ended->client_tx_id);
    pour.ended = true;
    check_row(*ended->result);
  } else if (const auto* progress = std::get_if<ProgressRowDone>(&answer)) {
    const auto tap = static_cast<std::size_t>(progress->tap.number() - 1);
    if (!progress->result || !watches_[tap].pour) return;
    Pour& pour = book_.at(*watches_[tap].pour);
    pour.acknowledged = pour.posted;
  } else if (const auto* read = std::get_if<FactsRead>(&answer)) {
    if (!read->result || !read->result->card || !read->result->tap) return;
    facts_.insert_or_assign({read->result->card->uid, read->result->tap->id}, *read->result);
  }
}

void Referee::on_batch(Time takes) {
  for (const TapWatch& watch : watches_) {
    if (!watch.pour) continue;
    Pour& pour = book_.at(*watch.pour);
    pour.slowest_commit = std::max(pour.slowest_commit, takes);
  }
}

void Referee::on_allow(const std::string& card, std::int64_t tap) {
  allowed_[{card, tap}] = agenda_.now();
}

/// A guest who goes from tap to tap is never turned away for a row that waits here, where nothing
/// keeps it from being sent. While the card lies on another tap, or did a moment ago, or was laid
/// on there to start a pour, that pour has not ended.
void Referee::on_in_use(const std::string& card, std::int64_t tap) const {
  const model::CardUid uid = model::CardUid::parse(card).value();
  for (std::size_t other = 0; other < rigs_.size(); ++other) {
    if (other + 1 == static_cast<std::size_t>(tap)) continue;
    const auto seen = rigs_[other]->last_there(uid.bytes());
    if (seen && agenda_.now() - *seen < longest_absence + longest_end) return;
    const auto& pour = watches_[other].pour;
    if (pour && book_.at(*pour).begin.card_uid == uid) return;
  }
  Faults faults = plan_.faults;
  faults.reset(static_cast<std::size_t>(Fault::night_power));
  if (faults.any()) return;
  throw Breach{"lock", fmt::format("card {} is turned away at tap {}, as in use", card, tap)};
}

void Referee::on_charge(const std::string& id, const Booking& booking) {
  const auto parsed = model::ClientTxId::parse(id);
  const auto found = parsed ? book_.find(*parsed) : book_.end();
  if (found == book_.end()) throw Breach{"charge", fmt::format("{} was never poured", id)};
  const Pour& pour = found->second;
  // By hand: half a minor unit is rounded up (wire contract).
  const std::int64_t right = (booking.volume_ml * pour.begin.price.minor_per_litre() + 500) / 1'000;
  if (booking.guest != pour.begin.guest_id.text()) {
    throw Breach{"charge", fmt::format("{} is for {}, not {}", id, pour.begin.guest_id.text(),
                                       booking.guest)};
  }
  if (noted_.contains(*parsed)) {
    throw Breach{"charge", id + " is charged, and was noted for staff to settle"};
  }
  if (booking.price != right) {
    throw Breach{"charge", fmt::format("{} costs {}, not {}", id, right, booking.price)};
  }
  if (plan_.has(Fault::other_bar)) return;
  for (std::size_t guest = 0; guest < venue_.accounts().size(); ++guest) {
    const Account& account = venue_.accounts()[guest];
    const std::size_t most = most_at_once(guest_id(guest));
    if (account.balance >= -plan_.credit - overdraft(most)) continue;
    throw Breach{"overdraft", fmt::format("a balance of {} after {} ml for {}", account.balance,
                                          booking.volume_ml, booking.price)};
  }
}

/// The tail is not compared: where a server wants leave for each pour, it may be told later.
void Referee::check_told(const model::Pour& row, const Booking& told) const {
  // A card's lost blocks may have held its end.
  if (restored_) return;
  if (told.card == row.begin.card_uid.text() && told.tap == row.begin.tap_id.number() &&
      told.volume_ml == row.volume.in_millilitres() && told.price == row.price.minor_units()) {
    return;
  }
  throw Breach{"charge", fmt::format("{} of {} ml for {} was told as {} ml for {}, card {}, tap {}",
                                     row.begin.client_tx_id.text(), row.volume.in_millilitres(),
                                     row.price.minor_units(), told.volume_ml, told.price, told.card,
                                     told.tap)};
}

// --- after each step -----------------------------------------------------------------------------

void Referee::after_step(const Controller& controller) {
  for (std::size_t tap = 0; tap < watches_.size(); ++tap) {
    const TapSession& session = controller.session(tap);
    check_valve(tap, session);
    check_alarm(tap, session);
    check_report(tap, controller);
    if (watches_[tap].pour && session.has_fault(FaultKind::noise)) {
      book_.at(*watches_[tap].pour).disbelieved = true;
    }
  }
}

void Referee::process_gone(bool power) {
  refused_.clear();
  for (TapWatch& watch : watches_) {
    watch.pour.reset();
    watch.service.reset();
    watch.asked_of_us.reset();
    watch.chosen.reset();
    watch.lifted_at.reset();
    watch.services = 0;
    watch.passed_at_end.reset();
    watch.closed = watch.closing_kept;
  }
  for (auto& [id, pour] : book_) {
    if (pour.ended) continue;
    if (!pour.cut_off && pour.truth_at_open && !pour.truth_at_end) {
      if (!pour.end) ++cut_off_;
      pour.truth_at_end = rigs_[pour.tap]->truth().passed_ul;
      pour.after_shut = *pour.truth_at_end - pour.truth_at_shut.value_or(*pour.truth_at_end);
      pour.excused |= is_keg_dry(*rigs_[pour.tap]);
    }
    pour.cut_off = true;
    pour.power_cut |= power;
  }
}

void Referee::at_rest() const {
  for (const auto& [id, pour] : book_) {
    if (!pour.begun || pour.ended) continue;
    throw Breach{"rest", fmt::format("tapd rests and {} has no end", id.text())};
  }
}

void Referee::excuse_meter(std::size_t tap) {
  watches_[tap].passed_at_end.reset();
  if (watches_[tap].pour) book_.at(*watches_[tap].pour).excused = true;
  if (watches_[tap].service) watches_[tap].service->excused = true;
}

void Referee::keg_goes(std::size_t tap) {
  if (is_keg_dry(*rigs_[tap])) excuse_meter(tap);
}

bool Referee::owes_a_row(const std::string& card, std::int64_t tap) const {
  return std::any_of(book_.begin(), book_.end(), [&](const auto& entry) {
    const auto& [id, pour] = entry;
    if (pour.begin.card_uid.text() != card || pour.begin.tap_id.number() != tap) return false;
    if (pour.cut_off && !pour.begun) return false;
    const auto booked = venue_.bookings().find(id.text());
    if (booked == venue_.bookings().end()) return true;
    const Booking& booking = booked->second;
    return !booking.charged && !booking.refused && !booking.audited && booking.volume_ml > 0;
  });
}

void Referee::excuse_valve(std::size_t tap, Time until) {
  watches_[tap].valve_excused_until = until;
}

std::int64_t Referee::overshoot_ml() const {
  // The valve closes, the loop looks every 20 ms, a pulse.
  std::int64_t milliseconds = 100 + 20;
  if (plan_.has(Fault::valve_slow)) milliseconds += 250;
  if (plan_.has(Fault::busy_board)) milliseconds += 1'000;
  if (plan_.has(Fault::valve_stuck_open) || plan_.has(Fault::valve_deaf)) milliseconds += 1'500;
  return milliseconds * bounds_.most_ml_per_s / 1'000 + 6;
}

/// What a meter may be wrong by: its drift, edges that vanish, what a part of a pulse is worth, and
/// that its impeller runs on for some hundredths of a second whenever the guest pauses.
std::int64_t Referee::meter_error(std::int64_t truth) const {
  const bool untrue = plan_.has(Fault::meter_drift) || plan_.has(Fault::meter_lost_edges);
  const std::int64_t pulse = 1'000'000'000 / plan_.milli_pulses_per_litre;
  return truth * (untrue ? 25 : 5) / 1'000 + 3 * pulse + 4'000;
}

std::size_t Referee::most_at_once(const std::string& guest) const {
  const auto most = at_once_.find(guest);
  return most == at_once_.end() ? 0 : most->second;
}

std::int64_t Referee::overdraft(std::size_t pours) const {
  return static_cast<std::int64_t>(pours) * (overshoot_ml() * venue_.highest_price() / 1'000 + 1);
}

}  // namespace tapd::simulation
