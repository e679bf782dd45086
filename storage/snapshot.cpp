#include "storage/snapshot.hpp"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "storage/errors.hpp"
#include "storage/statement.hpp"

namespace tapd::storage {
namespace {

/// How a stored row stands to the snapshot.
enum class Origin : std::uint8_t {
  snapshot,  ///< It came with a snapshot: replaced when it differs, removed when it is missing.
  before,    ///< Heard by itself, before the snapshot was asked for: replaced or removed.
  later,     ///< Heard by itself, in answer to a later question: left alone.
};

/// Items of a snapshot in the order of their keys; of two with one key the last counts.
template<typename Item>
using Wanted = std::vector<std::pair<std::string, const Item*>>;

template<typename Item, typename KeyOf>
Wanted<Item> in_order(const std::vector<Item>& items, KeyOf key_of) {
  Wanted<Item> wanted;
  wanted.reserve(items.size());
  for (const Item& item : items) wanted.emplace_back(key_of(item), &item);
  // Of two entries with one key the later stands later in the snapshot, and so in memory.
  std::sort(wanted.begin(), wanted.end());
  Wanted<Item> last_of_each;
  last_of_each.reserve(wanted.size());
  for (auto& entry : wanted) {
    if (!last_of_each.empty() && last_of_each.back().first == entry.first) {
      last_of_each.back() = std::move(entry);
    } else {
      last_of_each.push_back(std::move(entry));
    }
  }
  return last_of_each;
}

template<typename Item>
struct Difference {
  std::vector<const Item*> put;
  std::vector<std::string> remove;
  std::vector<std::pair<std::string, const Item*>> later;  ///< Left alone; null: not listed.
  [[nodiscard]] bool any() const { return !put.empty() || !remove.empty(); }
};

using Keys = std::set<std::string>;

template<typename Id>
Keys keys_of(const std::vector<Id>& ids) {
  Keys keys;
  for (const Id& id : ids) keys.insert(id.text());
  return keys;
}

// A card that is lost is lost, whoever was asked first.
bool may_stay(const model::Card* card) {
  return card == nullptr || card->status == model::CardStatus::active;
}
template<typename Item>
bool may_stay(const Item* /*item*/) {
  return true;
}

/// Walks the table and the wanted items side by side. The first column of a row is its key, as text
/// and in ascending order; `stands(row, item)` reads the others, `item` null when the snapshot
/// lacks the key, and answers the row's origin and whether it already says what the item says. Of
/// rows heard by themselves those in `heard_since` were heard later all the same.
template<typename Item, typename Stands>
Difference<Item> compare(Use&& rows, const Wanted<Item>& wanted, Stands stands,
                         const Keys& heard_since = {}) {
  Difference<Item> difference;
  auto next = wanted.begin();
  while (rows.next()) {
    std::string key = rows.text();
    for (; next != wanted.end() && next->first < key; ++next) {
      difference.put.push_back(next->second);
    }
    const bool listed = next != wanted.end() && next->first == key;
    const Item* item = listed ? next->second : nullptr;
    const auto [origin, same] = stands(rows, item);
    const bool younger = origin == Origin::before && heard_since.contains(key) && may_stay(item);
    if (origin == Origin::later || younger) {
      difference.later.emplace_back(std::move(key), item);
    } else if (!listed) {
      difference.remove.push_back(std::move(key));
    } else if (origin == Origin::before || !same) {
      difference.put.push_back(item);
    }
    if (listed) ++next;
  }
  for (; next != wanted.end(); ++next) difference.put.push_back(next->second);
  return difference;
}

using Standing = std::pair<Origin, bool>;

constexpr const model::Guest* no_guest = nullptr;
constexpr const model::Card* no_card = nullptr;

// Ascending like the numbers themselves, within the range of tap numbers.
std::string tap_key(const model::Tap& tap) {
  return fmt::format("{:03}", tap.id.number());
}

// A server that sold more than a keg held counts below zero; nothing is left all the same.
std::int64_t what_is_left(model::Volume volume) {
  return std::max<std::int64_t>(0, volume.in_millilitres());
}

}  // namespace

SnapshotWriter::SnapshotWriter(SQLite::Database& database, Hearings& hearings, ToldRows& told)
    : hearings_{hearings},
      told_{told},
      guests_{{database,
               "SELECT guest_id, balance_asked, first_name, is_active, balance_cents"
               " FROM guests ORDER BY guest_id"},
              {database,
               "INSERT INTO guests (guest_id, first_name, is_active, balance_cents)"
               " VALUES (?1, ?2, ?3, ?4) ON CONFLICT (guest_id) DO UPDATE SET first_name = ?2,"
               " is_active = ?3, balance_cents = ?4, balance_asked = NULL,"
               " balance_heard_at = NULL, balance_heard_mono_ns = NULL,"
               " balance_heard_boot = NULL, balance_clock_trusted = NULL"},
              {database, "DELETE FROM guests WHERE guest_id = ?1"}},
      cards_{{database,
              "SELECT card_uid, max(coalesce(heard_asked, -1), coalesce(refused_marker, -1)),"
              " guest_id, status FROM cards ORDER BY card_uid"},
             {database,
              "INSERT INTO cards (card_uid, guest_id, status, heard_at) VALUES (?1, ?2, ?3, ?4)"
              " ON CONFLICT (card_uid) DO UPDATE SET guest_id = ?2, status = ?3, heard_at = ?4,"
              " heard_asked = NULL, refused_marker = NULL"},
             {database, "DELETE FROM cards WHERE card_uid = ?1"}},
      beverages_{{database,
                  "SELECT beverage_id, name, brewery, style, price_cents_per_litre"
                  " FROM beverages ORDER BY beverage_id"},
                 {database,
                  "INSERT INTO beverages VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (beverage_id)"
                  " DO UPDATE SET name = ?2, brewery = ?3, style = ?4, price_cents_per_litre = ?5,"
                  " heard_at = ?6 WHERE (name, brewery, style, price_cents_per_litre) IS NOT"
                  " (?2, ?3, ?4, ?5)"},
                 {database, "DELETE FROM beverages WHERE beverage_id = ?1"}},
      kegs_{{database,
             "SELECT keg_id, beverage_id, initial_volume_ml, current_volume_ml, status"
             " FROM kegs ORDER BY keg_id"},
            {database,
             "INSERT INTO kegs VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (keg_id) DO UPDATE SET"
             " beverage_id = ?2, initial_volume_ml = ?3, current_volume_ml = ?4, status = ?5,"
             " heard_at = ?6 WHERE (beverage_id, initial_volume_ml, current_volume_ml, status)"
             " IS NOT (?2, ?3, ?4, ?5)"},
            {database, "DELETE FROM kegs WHERE keg_id = ?1"}},
      taps_{{database,
             "SELECT printf('%03d', tap_id), keg_id, display_name, status FROM taps"
             " ORDER BY tap_id"},
            {database,
             "INSERT INTO taps VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (tap_id) DO UPDATE SET"
             " keg_id = ?2, display_name = ?3, status = ?4, heard_at = ?5"
             " WHERE (keg_id, display_name, status) IS NOT (?2, ?3, ?4)"},
            {database, "DELETE FROM taps WHERE tap_id = CAST(?1 AS INTEGER)"}},
      states_{{database, "SELECT key, value FROM system_states ORDER BY key"},
              {database, "INSERT OR REPLACE INTO system_states VALUES (?1, ?2, ?3)"},
              {database, "DELETE FROM system_states WHERE key = ?1"}} {}

void SnapshotWriter::apply(const model::Snapshot& snapshot, const Hearing& heard) {
  const auto last = hearings_.snapshot();
  if (last && last->asked > heard.asked) return;  // An answer that was overtaken.
  told_.forget();
  bool changed = apply_beverages(snapshot, heard);
  changed |= apply_kegs(snapshot, heard);
  changed |= apply_taps(snapshot, heard);
  changed |= apply_guests(snapshot, heard);
  changed |= apply_cards(snapshot, heard);
  changed |= apply_states(snapshot, heard);
  told_.set_revision(snapshot.revision);
  hearings_.hear_snapshot(heard, snapshot.revision, changed);
}

// Guests and cards are told first and applied together with those that were kept: what a row
// becomes does not depend on whether the changes name it.
void SnapshotWriter::apply(const model::SnapshotChanges& changes, const Hearing& heard) {
  const auto last = hearings_.snapshot();
  if (told_.revision() != changes.since || !last || last->asked > heard.asked) {
    throw Refusal{fmt::format("changes from revision {} do not start from what is known here",
                              changes.since)};
  }
  const auto& [beverages, kegs, taps, guests, cards] = changes.gone;
  int changed = 0;
  for (const model::Beverage& item : changes.now.beverages) changed += put(item, heard);
  for (const auto& id : beverages) changed += Use{beverages_.remove, id.text()}.run();
  for (const model::Keg& keg : changes.now.kegs) changed += put(keg, heard);
  for (const auto& id : kegs) changed += Use{kegs_.remove, id.text()}.run();
  for (const model::Tap& tap : changes.now.taps) changed += put(tap, heard);
  for (const auto& id : taps) changed += Use{taps_.remove, std::to_string(id.number())}.run();
  for (const model::Guest& guest : changes.now.guests) told_.tell(guest.id.text(), &guest);
  for (const auto& id : guests) told_.tell(id.text(), no_guest);
  for (const model::Card& card : changes.now.cards) told_.tell(card.uid.text(), &card);
  for (const auto& uid : cards) told_.tell(uid.text(), no_card);
  const bool rows =
      told_.apply(heard.asked, model::to_iso8601(heard.at.wall), changes.now.heard_since);
  const bool states = apply_states(changes.now, heard);
  told_.set_revision(changes.now.revision);
  hearings_.hear_snapshot(heard, changes.now.revision, changed > 0 || rows || states);
}

bool SnapshotWriter::apply_guests(const model::Snapshot& snapshot, const Hearing& heard) {
  const auto wanted =
      in_order(snapshot.guests, [](const model::Guest& guest) { return guest.id.text(); });
  const auto stands = [&heard](Use& row, const model::Guest* guest) {
    const auto asked = row.integer_or_null();
    if (asked) return Standing{*asked > heard.asked ? Origin::later : Origin::before, false};
    const bool same = guest != nullptr && row.text() == guest->first_name &&
                      row.flag() == guest->active && row.integer() == guest->balance.minor_units();
    return Standing{Origin::snapshot, same};
  };
  const auto difference =
      compare(Use{guests_.read}, wanted, stands, keys_of(snapshot.heard_since.guests));
  for (const model::Guest* guest : difference.put) {
    Use{guests_.put, guest->id.text(), guest->first_name, guest->active,
        guest->balance.minor_units()}
        .run();
  }
  for (const std::string& key : difference.remove) Use{guests_.remove, key}.run();
  for (const auto& [key, guest] : difference.later) told_.tell(key, guest);
  return difference.any();
}

bool SnapshotWriter::apply_cards(const model::Snapshot& snapshot, const Hearing& heard) {
  const auto wanted =
      in_order(snapshot.cards, [](const model::Card& card) { return card.uid.text(); });
  const auto stands = [&heard](Use& row, const model::Card* card) {
    const std::int64_t heard_alone = row.integer();
    if (heard_alone >= 0) {
      return Standing{heard_alone > heard.asked ? Origin::later : Origin::before, false};
    }
    const bool same = card != nullptr && row.text_or_null() == text_of(card->guest_id) &&
                      row.text() == model::to_text(card->status);
    return Standing{Origin::snapshot, same};
  };
  const auto difference =
      compare(Use{cards_.read}, wanted, stands, keys_of(snapshot.heard_since.cards));
  for (const model::Card* card : difference.put) {
    Use{cards_.put, card->uid.text(), text_of(card->guest_id), model::to_text(card->status),
        model::to_iso8601(heard.at.wall)}
        .run();
  }
  for (const std::string& key : difference.remove) Use{cards_.remove, key}.run();
  for (const auto& [key, card] : difference.later) told_.tell(key, card);
  return difference.any();
}

int SnapshotWriter::put(const model::Beverage& item, const Hearing& heard) {
  return Use{beverages_.put,
             item.id.text(),
             item.name,
             item.brewery,
             item.style,
             item.price.minor_per_litre(),
             model::to_iso8601(heard.at.wall)}
      .run();
}

int SnapshotWriter::put(const model::Keg& keg, const Hearing& heard) {
  return Use{kegs_.put,
             keg.id.text(),
             keg.beverage_id.text(),
             keg.initial_volume.in_millilitres(),
             what_is_left(keg.current_volume),
             model::to_text(keg.status),
             model::to_iso8601(heard.at.wall)}
      .run();
}

int SnapshotWriter::put(const model::Tap& tap, const Hearing& heard) {
  return Use{taps_.put,
             tap.id.number(),
             text_of(tap.keg_id),
             tap.display_name,
             model::to_text(tap.status),
             model::to_iso8601(heard.at.wall)}
      .run();
}

bool SnapshotWriter::apply_beverages(const model::Snapshot& snapshot, const Hearing& heard) {
  const auto wanted =
      in_order(snapshot.beverages, [](const model::Beverage& item) { return item.id.text(); });
  const auto stands = [](Use& row, const model::Beverage* item) {
    return Standing{Origin::snapshot, item != nullptr && row.text() == item->name &&
                                          row.text() == item->brewery &&
                                          row.text() == item->style &&
                                          row.integer() == item->price.minor_per_litre()};
  };
  const auto difference = compare(Use{beverages_.read}, wanted, stands);
  for (const model::Beverage* item : difference.put) put(*item, heard);
  for (const std::string& key : difference.remove) Use{beverages_.remove, key}.run();
  return difference.any();
}

bool SnapshotWriter::apply_kegs(const model::Snapshot& snapshot, const Hearing& heard) {
  const auto wanted = in_order(snapshot.kegs, [](const model::Keg& keg) { return keg.id.text(); });
  const auto stands = [](Use& row, const model::Keg* keg) {
    return Standing{Origin::snapshot, keg != nullptr && row.text() == keg->beverage_id.text() &&
                                          row.integer() == keg->initial_volume.in_millilitres() &&
                                          row.integer() == what_is_left(keg->current_volume) &&
                                          row.text() == model::to_text(keg->status)};
  };
  const auto difference = compare(Use{kegs_.read}, wanted, stands);
  for (const model::Keg* keg : difference.put) put(*keg, heard);
  for (const std::string& key : difference.remove) Use{kegs_.remove, key}.run();
  return difference.any();
}

bool SnapshotWriter::apply_taps(const model::Snapshot& snapshot, const Hearing& heard) {
  const auto wanted = in_order(snapshot.taps, tap_key);
  const auto stands = [](Use& row, const model::Tap* tap) {
    return Standing{Origin::snapshot, tap != nullptr &&
                                          row.text_or_null() == text_of(tap->keg_id) &&
                                          row.text() == tap->display_name &&
                                          row.text() == model::to_text(tap->status)};
  };
  const auto difference = compare(Use{taps_.read}, wanted, stands);
  for (const model::Tap* tap : difference.put) put(*tap, heard);
  for (const std::string& key : difference.remove) Use{taps_.remove, key}.run();
  return difference.any();
}

bool SnapshotWriter::apply_states(const model::Snapshot& snapshot, const Hearing& heard) {
  const auto wanted =
      in_order(snapshot.system_states, [](const model::SystemState& state) { return state.key; });
  const auto stands = [](Use& row, const model::SystemState* state) {
    return Standing{Origin::snapshot, state != nullptr && row.text() == state->value};
  };
  const auto difference = compare(Use{states_.read}, wanted, stands);
  for (const model::SystemState* state : difference.put) {
    Use{states_.put, state->key, state->value, model::to_iso8601(heard.at.wall)}.run();
  }
  for (const std::string& key : difference.remove) Use{states_.remove, key}.run();
  return difference.any();
}

}  // namespace tapd::storage
