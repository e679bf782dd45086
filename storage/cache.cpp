#include "storage/cache.hpp"

#include <fmt/format.h>

#include "storage/errors.hpp"
#include "storage/pour_rows.hpp"
#include "storage/statement.hpp"

namespace tapd::storage {
namespace {

template<typename Value>
Value known(const std::optional<Value>& value, const char* column) {
  if (value) return *value;
  throw BadRow{fmt::format("{} holds a word that means nothing", column)};
}

model::Tap read_tap(Use& row) {
  model::Tap tap;
  tap.id = model::TapId{static_cast<std::int32_t>(row.integer())};
  if (auto keg = row.text_or_null()) tap.keg_id = model::KegId{*std::move(keg)};
  tap.display_name = row.text();
  tap.status = known(model::parse_tap_status(row.text()), "taps.status");
  return tap;
}

}  // namespace

Cache::Cache(SQLite::Database& database, Marks& marks, Hearings& hearings, ToldRows& told)
    : marks_{marks},
      hearings_{hearings},
      told_{told},
      card_{database, "SELECT guest_id, status FROM cards WHERE card_uid = ?1"},
      guest_{database,
             "SELECT first_name, is_active, balance_cents, balance_asked, balance_heard_at,"
             " balance_heard_mono_ns, balance_clock_trusted, balance_heard_boot"
             " FROM guests WHERE guest_id = ?1"},
      charges_{database,
               "SELECT coalesce(sum(iif(status = 'open', max(hold_cents, price_cents),"
               " price_cents)), 0) FROM pours WHERE guest_id = ?1"
               " AND (settled_marker IS NULL OR settled_marker > ?2)"},
      spenders_{database,
                "SELECT guest_id, min(card_uid) FROM cards WHERE status = 'active'"
                " AND guest_id > ?1 GROUP BY guest_id ORDER BY guest_id LIMIT ?2"},
      tap_{database, "SELECT tap_id, keg_id, display_name, status FROM taps WHERE tap_id = ?1"},
      taps_{database, "SELECT tap_id, keg_id, display_name, status FROM taps ORDER BY tap_id"},
      keg_{database,
           "SELECT beverage_id, initial_volume_ml, current_volume_ml, status"
           " FROM kegs WHERE keg_id = ?1"},
      beverage_{database,
                "SELECT name, brewery, style, price_cents_per_litre"
                " FROM beverages WHERE beverage_id = ?1"},
      stop_{database,
            "SELECT count(*) FROM system_states WHERE key IN ('emergency_stop_enabled',"
            " 'emergency_stop') AND lower(value) NOT IN ('false', '0', 'off', 'no', '')"},
      put_guest_{database,
                 "INSERT INTO guests (guest_id, first_name, is_active, balance_cents,"
                 " balance_asked, balance_heard_at, balance_heard_mono_ns, balance_clock_trusted,"
                 " balance_heard_boot) VALUES (?1, ?2, 1, ?3, ?4, ?5, ?6, ?7, ?8)"
                 " ON CONFLICT (guest_id) DO UPDATE SET"
                 " first_name = iif(?2 = '', first_name, ?2), is_active = 1, balance_cents = ?3,"
                 " balance_asked = ?4, balance_heard_at = ?5, balance_heard_mono_ns = ?6,"
                 " balance_clock_trusted = ?7, balance_heard_boot = ?8"},
      put_card_{database,
                "INSERT INTO cards (card_uid, guest_id, status, heard_asked, heard_at)"
                " VALUES (?1, ?2, 'active', ?3, ?4) ON CONFLICT (card_uid) DO UPDATE SET"
                " guest_id = ?2, status = 'active', heard_asked = ?3, refused_marker = NULL,"
                " heard_at = ?4 WHERE (refused_marker IS NULL OR refused_marker <= ?3)"
                " AND (guest_id IS NOT ?2 OR status <> 'active')"},
      refusal_{database, "SELECT status, refused_marker FROM cards WHERE card_uid = ?1"},
      refuse_card_{database,
                   "INSERT INTO cards (card_uid, status, refused_marker, heard_asked, heard_at)"
                   " VALUES (?1, ?2, ?3, ?3, ?4) ON CONFLICT (card_uid) DO UPDATE SET"
                   " status = ?2, refused_marker = ?3, heard_at = ?4"},
      admit_card_{database,
                  "INSERT INTO cards (card_uid, status, heard_asked, heard_at)"
                  " VALUES (?1, 'active', ?2, ?3) ON CONFLICT (card_uid) DO NOTHING"},
      put_state_{database,
                 "INSERT INTO system_states (key, value, heard_at) VALUES (?1, ?2, ?3)"
                 " ON CONFLICT (key) DO UPDATE SET value = ?2, heard_at = ?3"
                 " WHERE value <> ?2"} {}

bool Cache::newer_balance_known(const model::GuestId& guest, Marker asked) {
  std::optional<std::int64_t> known_asked;
  {
    Use row{guest_, guest.text()};
    if (!row.next()) return false;
    static_cast<void>(row.text());
    static_cast<void>(row.flag());
    static_cast<void>(row.integer());
    known_asked = row.integer_or_null();
  }
  if (known_asked) return *known_asked > asked;
  const auto snapshot = hearings_.snapshot();
  return snapshot && snapshot->asked > asked;
}

void Cache::hear_balance(const HeardBalance& heard, const model::BootId& boot) {
  if (heard.guest_id.empty() || heard.card_uid.empty()) {
    throw Refusal{"a balance was heard without its guest or card"};
  }
  const std::string wall = model::to_iso8601(heard.at.wall);
  if (!newer_balance_known(heard.guest_id, heard.asked)) {
    told_.keep(heard.guest_id);
    Use{put_guest_,
        heard.guest_id.text(),
        heard.first_name,
        heard.balance.minor_units(),
        heard.asked,
        wall,
        std::int64_t{heard.at.since_boot.count()},
        heard.at.wall_trusted,
        boot.text()}
        .run();
  }
  told_.keep(heard.card_uid);
  Use{put_card_, heard.card_uid.text(), heard.guest_id.text(), heard.asked, wall}.run();
}

void Cache::hear_card_status(const model::CardUid& card, model::CardStatus status,
                             const model::Moment& at) {
  if (card.empty()) throw Refusal{"a card status was heard without its card"};
  const std::string wall = model::to_iso8601(at.wall);
  if (status == model::CardStatus::active) {
    told_.keep(card);
    Use{admit_card_, card.text(), marks_.current(), wall}.run();
    return;
  }
  {
    // The same refusal again, with nothing heard in between, is not worth a write.
    Use known{refusal_, card.text()};
    if (known.next() && known.text() == model::to_text(status) &&
        known.integer_or_null() == marks_.current()) {
      return;
    }
  }
  told_.keep(card);
  Use{refuse_card_, card.text(), model::to_text(status), marks_.next(), wall}.run();
}

void Cache::hear_system_state(const model::SystemState& state, const model::Moment& at) {
  Use{put_state_, state.key, state.value, model::to_iso8601(at.wall)}.run();
}

AuthorizationFacts Cache::facts(const model::CardUid& card_uid, model::TapId tap_id) {
  AuthorizationFacts facts;
  facts.card = card(card_uid);
  if (facts.card && facts.card->guest_id) add_guest(facts, *facts.card->guest_id);
  facts.tap = tap(tap_id);
  if (facts.tap && facts.tap->keg_id) facts.keg = keg(*facts.tap->keg_id);
  if (facts.keg) facts.beverage = beverage(facts.keg->beverage_id);
  facts.emergency_stop = emergency_stop();
  return facts;
}

std::vector<AuthorizationFacts> Cache::spenders(const model::GuestId& after, std::size_t most) {
  std::vector<AuthorizationFacts> spenders;
  Use rows{spenders_, after.text(), static_cast<std::int64_t>(most)};
  while (rows.next()) {
    AuthorizationFacts& facts = spenders.emplace_back();
    const model::GuestId guest{rows.text()};
    const auto uid = model::CardUid::parse(rows.text());
    if (!uid) throw BadRow{uid.error()};
    facts.card = model::Card{*uid, guest, model::CardStatus::active};
    add_guest(facts, guest);
  }
  return spenders;
}

void Cache::add_guest(AuthorizationFacts& facts, const model::GuestId& id) {
  Marker asked = 0;
  {
    Use row{guest_, id.text()};
    if (!row.next()) return;
    model::Guest guest;
    guest.id = id;
    guest.first_name = row.text();
    guest.active = row.flag();
    guest.balance = model::Money{row.integer()};
    facts.guest = guest;
    if (const auto own_asked = row.integer_or_null()) {
      asked = *own_asked;
      facts.heard_at = read_moment(row);
      facts.heard_boot = model::BootId{row.text()};
    } else if (const auto snapshot = hearings_.snapshot()) {
      asked = snapshot->asked;
      facts.heard_at = snapshot->at;
      facts.heard_boot = snapshot->boot;
    }
  }
  facts.available = facts.guest->balance - not_contained(id, asked);
}

model::Money Cache::not_contained(const model::GuestId& guest, Marker asked) {
  Use row{charges_, guest.text(), asked};
  return row.next() ? model::Money{row.integer()} : model::Money{};
}

std::optional<model::Card> Cache::card(const model::CardUid& uid) {
  Use row{card_, uid.text()};
  if (!row.next()) return std::nullopt;
  model::Card card;
  card.uid = uid;
  if (auto guest = row.text_or_null()) card.guest_id = model::GuestId{*std::move(guest)};
  card.status = known(model::parse_card_status(row.text()), "cards.status");
  return card;
}

std::optional<model::Tap> Cache::tap(model::TapId id) {
  Use row{tap_, id.number()};
  return row.next() ? std::optional{read_tap(row)} : std::nullopt;
}

std::vector<model::Tap> Cache::taps() {
  std::vector<model::Tap> taps;
  Use rows{taps_};
  while (rows.next()) taps.push_back(read_tap(rows));
  return taps;
}

std::optional<model::Keg> Cache::keg(const model::KegId& id) {
  Use row{keg_, id.text()};
  if (!row.next()) return std::nullopt;
  model::Keg keg;
  keg.id = id;
  keg.beverage_id = model::BeverageId{row.text()};
  keg.initial_volume = model::Volume::millilitres(row.integer());
  keg.current_volume = model::Volume::millilitres(row.integer());
  keg.status = known(model::parse_keg_status(row.text()), "kegs.status");
  return keg;
}

std::optional<model::Beverage> Cache::beverage(const model::BeverageId& id) {
  Use row{beverage_, id.text()};
  if (!row.next()) return std::nullopt;
  model::Beverage beverage;
  beverage.id = id;
  beverage.name = row.text();
  beverage.brewery = row.text();
  beverage.style = row.text();
  beverage.price = model::LitrePrice{row.integer()};
  return beverage;
}

bool Cache::emergency_stop() {
  Use row{stop_};
  return !row.next() || row.integer() != 0;
}

}  // namespace tapd::storage
