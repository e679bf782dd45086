#include "venue_model.hpp"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "breach.hpp"
#include "sync/wire.hpp"

namespace tapd::simulation {
namespace {

using nlohmann::json;
using sync::HttpResponse;

constexpr const char* beverage_id = "be000000-0000-4000-8000-000000000001";
constexpr std::int64_t least_start_ml = 50;
constexpr Time longest_lock = std::chrono::minutes{15};  // As the wire contract has it.

HttpResponse reply(int status, const json& body) {
  return {status, {{"content-type", "application/json"}}, body.dump()};
}

HttpResponse refuse(int status, const char* reason) {
  return reply(status, {{"detail", {{"reason", reason}, {"message", "says the venue"}}}});
}

json result(const std::string& id, const char* status, const char* outcome) {
  return {{"client_tx_id", id}, {"status", status}, {"outcome", outcome}, {"reason", ""}};
}

std::string to_text(const Booking& row) {
  return fmt::format("{} ml ({} tail) for {} of {} with {} at tap {}", row.volume_ml, row.tail_ml,
                     row.price, row.guest, row.card, row.tap);
}

}  // namespace

std::string guest_id(std::size_t guest) {
  return fmt::format("90e50000-0000-4000-8000-{:012}", guest + 1);
}

model::CardUid card_of(std::size_t guest) {
  const std::array<std::uint8_t, 10> bytes{0x04, 0x51, static_cast<std::uint8_t>(guest >> 8U),
                                           static_cast<std::uint8_t>(guest)};
  constexpr std::array<std::size_t, 3> sizes{4, 7, 10};  // ISO/IEC 14443-3
  return *model::CardUid::from_bytes(std::span{bytes}.first(sizes.at(guest % sizes.size())));
}

VenueModel::VenueModel(const Plan& plan, const Agenda& agenda, Trace& trace)
    : plan_{plan}, agenda_{agenda}, trace_{trace}, random_{plan.stream(2)} {
  for (std::size_t guest = 0; guest < static_cast<std::size_t>(plan.guests); ++guest) {
    accounts_.push_back({.card = card_of(guest), .balance = random_.between(0, 5'000)});
    owners_.emplace(guest_id(guest), card_of(guest).text());
    opening_balances_ += accounts_.back().balance;
  }
  taps_.resize(plan.taps);
  for (std::size_t tap = 0; tap < plan.taps; ++tap) connect_keg(tap, 50'000);
}

void VenueModel::top_up(std::size_t guest, std::int64_t amount) {
  accounts_.at(guest).balance += amount;
  other_movements_ += amount;
  ++revision_;
}

void VenueModel::spend_elsewhere(std::size_t guest, std::int64_t amount) {
  Account& account = accounts_.at(guest);
  const std::int64_t spent = std::min(amount, std::max<std::int64_t>(account.balance, 0));
  account.balance -= spent;
  other_movements_ -= spent;
  ++revision_;
}

void VenueModel::set_card(std::size_t guest, model::CardStatus status) {
  accounts_.at(guest).status = status;
  ++revision_;
}

void VenueModel::exchange_cards(std::size_t guest, std::size_t other) {
  std::swap(accounts_.at(guest).card, accounts_.at(other).card);
  for (const std::size_t owner : {guest, other}) {
    owners_.emplace(guest_id(owner), accounts_.at(owner).card.text());
  }
  ++revision_;
}

const Account& VenueModel::account_of(const model::GuestId& guest) const {
  std::size_t index = 0;
  while (index < accounts_.size() && guest_id(index) != guest.text()) ++index;
  return accounts_.at(index);
}

void VenueModel::set_emergency_stop(bool on) {
  emergency_stop_ = on;
  ++revision_;
}

void VenueModel::set_tap(std::size_t tap, model::TapStatus status) {
  taps_.at(tap).status = status;
  ++revision_;
}

void VenueModel::set_price(std::int64_t minor_per_litre) {
  price_ = minor_per_litre;
  prices_.insert(price_);
  highest_price_ = std::max(highest_price_, price_);
  ++revision_;
}

void VenueModel::connect_keg(std::size_t tap, std::int64_t millilitres) {
  taps_.at(tap).keg = {fmt::format("ce900000-0000-4000-8000-{:012}", ++kegs_), millilitres,
                       millilitres};
  ++revision_;
}

Account* VenueModel::owner_of(const std::string& card) {
  const auto found = std::find_if(accounts_.begin(), accounts_.end(), [&](const Account& account) {
    return account.card.text() == card;
  });
  return found == accounts_.end() ? nullptr : &*found;
}

HttpResponse VenueModel::answer(const sync::HttpRequest& request) {
  if (request.path == sync::endpoint::system_status) {
    return reply(200, {{"emergency_stop", emergency_stop_}, {"value", "x"}});
  }
  const auto said = request.headers.find("X-Internal-Token");
  if (refuses_token || said == request.headers.end() || said->second != venue_token) {
    return reply(401, {{"detail", "Invalid token"}});
  }
  const json asked =
      request.body.empty() ? json::object() : json::parse(request.body, nullptr, false);
  if (asked.is_discarded()) throw Breach{"wire", "tapd sent what is no JSON: " + request.body};
  if (request.path == sync::endpoint::authorize) return authorize(asked);
  if (request.path == sync::endpoint::pours) return pours(asked);
  if (request.path == sync::endpoint::flow_events) return flow_event(asked);
  if (request.path == sync::endpoint::register_controller) {
    return reply(200, {{"controller_id", "bar-1"}});
  }
  return snapshot(request);
}

HttpResponse VenueModel::authorize(const json& asked) {
  const std::string card = asked.at("card_uid");
  const std::int64_t tap = asked.at("tap_id");
  HttpResponse answer = leave_for(card, tap);
  if (answer.status == 200) {
    // Those of the existing server never end by themselves.
    locks_[card] = {tap, plan_.demands_leave ? Time::max() : agenda_.now() + longest_lock};
    if (on_allow) on_allow(card, tap);
  } else if (on_deny) {
    on_deny(card, tap);
  }
  return answer;
}

std::optional<std::int64_t> VenueModel::tap_of(const std::string& card) const {
  const auto lock = locks_.find(card);
  if (lock == locks_.end() || lock->second.until < agenda_.now()) return {};
  return lock->second.tap;
}

HttpResponse VenueModel::leave_for(const std::string& card, std::int64_t tap) {
  if (tap_of(card).value_or(tap) != tap) {
    if (on_in_use) on_in_use(card, tap);
    return refuse(409, "card_in_use_on_other_tap");
  }
  if (emergency_stop_) return refuse(403, "emergency_stop");
  if (plan_.planted == Planted::turned_away) return refuse(403, "visit_not_authorizable");
  if (taps_.at(static_cast<std::size_t>(tap - 1)).status != model::TapStatus::active) {
    return refuse(409, "tap_not_configured");
  }
  const Account* owner = owner_of(card);
  if (owner == nullptr) return refuse(409, "no_active_visit");
  if (owner->status == model::CardStatus::lost) return refuse(403, "lost_card");
  if (owner->status != model::CardStatus::active) return refuse(403, "visit_not_authorizable");
  const std::int64_t credit =
      plan_.credit + (plan_.planted == Planted::generous_credit ? 5'000 : 0);
  const std::int64_t funds = std::max<std::int64_t>(owner->balance + credit, 0);
  const std::int64_t most_ml = funds * 1'000 / price_;
  if (most_ml < least_start_ml) return refuse(403, "insufficient_funds");
  const auto guest = static_cast<std::size_t>(owner - accounts_.data());
  return reply(200, {{"allowed", true},
                     {"visit", {{"visit_id", "v"}, {"guest_id", guest_id(guest)}}},
                     {"guest_first_name", "Ann"},
                     {"min_start_ml", least_start_ml},
                     {"max_volume_ml", most_ml},
                     {"price_per_ml_cents", (price_ + 999) / 1'000},
                     {"price_per_litre_cents",
                      plan_.planted == Planted::other_prices ? price_ + 350 : price_},
                     {"balance_cents", owner->balance},
                     {"allowed_overdraft_cents", credit},
                     {"safety_ml", 0},
                     {"lock_set_at", nullptr}});
}

HttpResponse VenueModel::pours(const json& asked) {
  json results = json::array();
  json rows = asked.at("pours");
  if (plan_.planted == Planted::swapped_rows && rows.size() > 1) {
    for (const char* key : {"volume_ml", "tail_volume_ml", "price_cents"}) {
      std::swap(rows[0].at(key), rows[1].at(key));
    }
  }
  for (const json& row : rows) results.push_back(judge(row));
  return reply(200, {{"results", results}});
}

json VenueModel::judge(const json& row) {
  const std::string id = row.at("client_tx_id");
  Booking told{.guest = row.value("guest_id", ""),
               .card = row.at("card_uid"),
               .tap = row.at("tap_id"),
               .volume_ml = row.at("volume_ml"),
               .tail_ml = row.at("tail_volume_ml"),
               .price = row.at("price_cents")};
  if (const Account* owner = owner_of(told.card);
      owner != nullptr && plan_.planted == Planted::wrong_payer) {
    told.guest = guest_id(static_cast<std::size_t>(owner - accounts_.data()));
  }
  if (plan_.planted == Planted::altered_price) ++told.price;
  if (plan_.planted == Planted::changed_rows && bookings_.contains(id)) ++told.tail_ml;
  trace_.say("venue: row {} of {} ml for {}", id.substr(0, 8), told.volume_ml, told.price);
  const auto [found, first] = bookings_.try_emplace(id, told);
  Booking& known = found->second;
  if (!first) {
    told.charged = known.charged;
    told.refused = known.refused;
    told.audited = known.audited;
    told.times_sent = known.times_sent;
    if (!(told == known)) {
      throw Breach{"once", fmt::format("{} came as {}, and before as {}", id, to_text(told),
                                       to_text(known))};
    }
  } else if (plan_.has(Fault::rejected_rows) && random_.chance(6)) {
    turned_down_[id] = random_.chance(20) ? -1 : static_cast<int>(random_.between(1, 3));
  }
  ++known.times_sent;
  // In the order of the existing server: what it has recorded is answered before the lock is
  // looked at, and a row that is turned down for now leaves the lock.
  if (plan_.demands_leave && !known.charged && !known.refused) {
    known.audited = tap_of(told.card) != told.tap;
    if (known.audited) return result(id, "audit_only", "no_live_authorization");
  }
  if (int& times = turned_down_[id]; times != 0) {
    if (times > 0) {
      --times;
      return result(id, "rejected", "rejected_tap_or_keg_state");
    }
    known.refused = true;
    unlock(told);
    return result(id, "rejected", "rejected_insufficient_keg_volume");
  }
  if (!known.charged) unlock(told);
  if (known.volume_ml == 0) return result(id, "rejected", "rejected_zero_volume");
  if (known.charged && plan_.planted == Planted::double_charge) charge(id, known);
  if (known.charged) return result(id, "accepted", "duplicate_existing");
  charge(id, known);
  return result(id, "accepted", "booked");
}

void VenueModel::unlock(const Booking& row) {
  if (plan_.planted == Planted::lasting_locks) return;
  if (tap_of(row.card) == row.tap) locks_.erase(row.card);
}

void VenueModel::charge(const std::string& id, Booking& booking) {
  Account* payer = nullptr;
  for (std::size_t guest = 0; guest < accounts_.size(); ++guest) {
    if (guest_id(guest) == booking.guest) payer = &accounts_[guest];
  }
  if (payer == nullptr) throw Breach{"charge", fmt::format("{} names no guest", id)};
  if (!owners_.contains({booking.guest, booking.card})) {
    throw Breach{"charge", fmt::format("{} charges who never had that card", id)};
  }
  booking.charged = true;
  payer->balance -= booking.price;
  Keg& keg = taps_.at(static_cast<std::size_t>(booking.tap - 1)).keg;
  keg.left_ml = std::max<std::int64_t>(keg.left_ml - booking.volume_ml, 0);
  ++revision_;
  if (on_charge) on_charge(id, booking);
}

HttpResponse VenueModel::flow_event(const json& asked) {
  const std::string id = asked.at("event_id");
  const std::int64_t volume = asked.at("volume_ml");
  // Of an event's words the greatest counts: the network may bring an early one again, much later.
  ToldEvent& told = told_[id];
  if (told.stopped && volume > told.volume) {
    throw Breach{"wire", fmt::format("flow event {} grew to {} ml after its end", id, volume)};
  }
  told.volume = std::max(told.volume, volume);
  const bool ends = asked.at("event_status") == "stopped";
  told.stopped = told.stopped || (ends && plan_.planted != Planted::endless_events);
  return reply(200, {{"accepted", true}});
}

std::vector<std::string> VenueModel::open_events() const {
  std::vector<std::string> open;
  for (const auto& [id, told] : told_) {
    if (!told.stopped) open.push_back(id);
  }
  return open;
}

HttpResponse VenueModel::snapshot(const sync::HttpRequest& request) {
  if (plan_.demands_leave) return reply(404, {{"detail", "Not Found"}});
  const std::string etag = fmt::format("\"{}\"", revision_);
  const auto known = request.headers.find("If-None-Match");
  if (known != request.headers.end() && known->second == etag) return {304, {{"etag", etag}}, ""};
  const json now = whole();
  const auto changes = changes_for(request, now);
  if (plan_.tells_changes) snapshots_.note(revision_, now);
  trace_.say("venue: snapshot {}, {}", revision_, changes ? "what has changed" : "whole");
  return {200, {{"etag", etag}}, (changes ? *changes : now).dump()};
}

/// Nothing where the request, or this server, is for the whole.
std::optional<json> VenueModel::changes_for(const sync::HttpRequest& request,
                                            const json& now) const {
  constexpr std::string_view since = "since=";
  if (!plan_.tells_changes || !request.query.starts_with(since)) return {};
  const std::int64_t revision = std::stoll(request.query.substr(since.size()));
  const auto holds = request.headers.find("If-None-Match");
  if (holds == request.headers.end() || holds->second != fmt::format("\"{}\"", revision)) return {};
  auto changes = snapshots_.changes(revision, now);
  if (changes && plan_.planted == Planted::forgotten_changes) (*changes)["guests"] = json::array();
  return changes;
}

json VenueModel::whole() const {
  json guests = json::array();
  json cards = json::array();
  const std::int64_t planted = plan_.planted == Planted::inflated_balances ? 100 : 0;
  for (std::size_t guest = 0; guest < accounts_.size(); ++guest) {
    const Account& account = accounts_[guest];
    guests.push_back({{"guest_id", guest_id(guest)},
                      {"first_name", "Ann"},
                      {"balance_cents", account.balance + planted},
                      {"is_active", true}});
    cards.push_back({{"card_uid", account.card.text()},
                     {"guest_id", guest_id(guest)},
                     {"status", model::to_text(account.status)}});
  }
  json taps = json::array();
  json kegs = json::array();
  for (std::size_t tap = 0; tap < taps_.size(); ++tap) {
    const Keg& keg = taps_[tap].keg;
    taps.push_back({{"tap_id", tap + 1},
                    {"keg_id", keg.id},
                    {"display_name", "tap"},
                    {"status", model::to_text(taps_[tap].status)}});
    kegs.push_back({{"keg_id", keg.id},
                    {"beverage_id", beverage_id},
                    {"initial_volume_ml", keg.initial_ml},
                    {"current_volume_ml", keg.left_ml},
                    {"status", "in_use"}});
  }
  const json beverage{
      {"beverage_id", beverage_id},
      {"name", "Lager"},
      {"style", "lager"},
      {"sell_price_per_liter", fmt::format("{}.{:02}", price_ / 100, price_ % 100)}};
  return json{{"revision", revision_},
              {"generated_at", "2026-11-21T10:00:00Z"},
              {"currency", {{"code", "EUR"}, {"minor_digits", 2}}},
              {"system_states", {{"emergency_stop_enabled", emergency_stop_ ? "true" : "false"}}},
              {"beverages", json::array({beverage})},
              {"kegs", kegs},
              {"taps", taps},
              {"guests", guests},
              {"cards", cards}};
}

}  // namespace tapd::simulation
