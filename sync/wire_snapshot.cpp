// The snapshot: everything the venue server tells about this controller's bar, or what changed in
// it (contract, section 3).
#include <algorithm>
#include <cstdint>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "sync/json_reader.hpp"
#include "sync/wire.hpp"

namespace tapd::sync {
namespace {

constexpr std::size_t most_guests = 50'000;
constexpr std::size_t most_cards = 50'000;
constexpr std::size_t most_kegs = 2'000;
constexpr std::size_t most_beverages = 2'000;
constexpr std::size_t most_taps = 999;
constexpr std::size_t most_states = 200;
constexpr std::size_t longest_name = 100;
constexpr std::size_t longest_key = 64;
constexpr std::size_t longest_state = 1'000;
constexpr std::size_t longest_word = 32;
constexpr std::size_t longest_uid = 2 * model::CardUid::largest_size;
constexpr std::int64_t money_digits = 2;  // model::Money counts hundredths.
constexpr const char* stop_key = "emergency_stop_enabled";

template<typename Row, typename Read>
std::vector<Row> list(const Reader& root, const char* name, std::size_t most, Read&& read) {
  const Reader entries = root.at(name);
  const std::size_t count = entries.list_size(most);
  std::vector<Row> rows;
  rows.reserve(count);
  for (std::size_t i = 0; i < count; ++i) rows.push_back(read(entries.element(i)));
  return rows;
}

std::string label_or_empty(const Reader& row, const char* name) {
  const auto said = row.maybe(name);
  return said ? said->label(longest_name) : std::string{};
}

template<typename Status>
Status word(const Reader& field, std::optional<Status> (*parse)(std::string_view)) {
  const std::string text = field.text(longest_word);
  const std::optional<Status> status = parse(text);
  if (!status) field.fail(fmt::format("\"{}\" is not a known word", printable(text)));
  return *status;
}

model::Beverage beverage(const Reader& row) {
  const Reader price = row.at("sell_price_per_liter");
  const auto per_litre = model::parse_litre_price(price.text(longest_word));
  if (!per_litre) price.fail(printable(per_litre.error()));
  return {model::BeverageId{row.at("beverage_id").uuid()}, row.at("name").label(longest_name),
          label_or_empty(row, "brewery"), label_or_empty(row, "style"), *per_litre};
}

model::Keg keg(const Reader& row) {
  const std::int64_t most = model::Volume::largest().in_millilitres();
  // A server that lets pours run past the bottom of a keg counts below zero: nothing is left.
  const std::int64_t left = row.at("current_volume_ml").integer_cut_to(-Reader::largest_said, most);
  return {model::KegId{row.at("keg_id").uuid()}, model::BeverageId{row.at("beverage_id").uuid()},
          row.at("initial_volume_ml").volume(),
          model::Volume::millilitres(std::max<std::int64_t>(left, 0)),
          word(row.at("status"), model::parse_keg_status)};
}

model::TapId tap_id(const Reader& field) {
  return model::TapId{static_cast<std::int32_t>(field.integer(1, 999))};
}

model::Tap tap(const Reader& row) {
  model::Tap tap;
  tap.id = tap_id(row.at("tap_id"));
  if (const auto keg_id = row.maybe("keg_id")) tap.keg_id = model::KegId{keg_id->uuid()};
  tap.display_name = label_or_empty(row, "display_name");
  tap.status = word(row.at("status"), model::parse_tap_status);
  return tap;
}

model::Guest guest(const Reader& row) {
  return {model::GuestId{row.at("guest_id").uuid()}, label_or_empty(row, "first_name"),
          row.at("balance_cents").money(), row.at("is_active").flag()};
}

model::CardUid card_uid(const Reader& field) {
  const auto parsed = model::CardUid::parse(field.text(longest_uid));
  if (!parsed) field.fail(printable(parsed.error()));
  return *parsed;
}

model::Card card(const Reader& row) {
  model::Card card{card_uid(row.at("card_uid")), std::nullopt,
                   word(row.at("status"), model::parse_card_status)};
  if (const auto guest_id = row.maybe("guest_id")) card.guest_id = model::GuestId{guest_id->uuid()};
  return card;
}

std::vector<model::SystemState> system_states(const Reader& root) {
  const Reader states = root.at("system_states");
  const std::string stop = states.at(stop_key).text(longest_state);
  if (stop != "true" && stop != "false") {
    states.at(stop_key).fail("neither \"true\" nor \"false\"");
  }
  if (states.value().size() > most_states) states.fail("too many states");
  std::vector<model::SystemState> rows;
  for (const auto& entry : states.value().items()) {
    if (entry.key().size() > longest_key) states.fail("a key is too long");
    rows.push_back({entry.key(), states.at(entry.key().c_str()).text(longest_state)});
  }
  return rows;
}

void check_currency(const Reader& root) {
  const Reader digits = root.at("currency").at("minor_digits");
  if (digits.integer(0, 9) != money_digits) {
    digits.fail(fmt::format("tapd counts money with {} digits only", money_digits));
  }
}

// Two rows with one identifier contradict each other. A reference to what is not here is no reason
// to refuse: the rest of the snapshot, the emergency stop above all, must not be lost with it.
template<typename Row, typename Id>
void check_once(const Reader& root, const char* name, const std::vector<Row>& rows, Id Row::* id) {
  std::set<Id> seen;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (seen.insert(rows[i].*id).second) continue;
    const Reader entries = root.at(name);
    entries.element(i).fail("its identifier appears twice");
  }
}

void check_identifiers(const Reader& root, const model::Snapshot& all) {
  check_once(root, "beverages", all.beverages, &model::Beverage::id);
  check_once(root, "kegs", all.kegs, &model::Keg::id);
  check_once(root, "taps", all.taps, &model::Tap::id);
  check_once(root, "guests", all.guests, &model::Guest::id);
  check_once(root, "cards", all.cards, &model::Card::uid);
}

model::Snapshot rows_of(const Reader& root) {
  model::Snapshot all;
  all.revision = root.at("revision").integer(0, INT64_MAX);
  check_currency(root);
  all.system_states = system_states(root);
  all.beverages = list<model::Beverage>(root, "beverages", most_beverages, beverage);
  all.kegs = list<model::Keg>(root, "kegs", most_kegs, keg);
  all.taps = list<model::Tap>(root, "taps", most_taps, tap);
  all.guests = list<model::Guest>(root, "guests", most_guests, guest);
  all.cards = list<model::Card>(root, "cards", most_cards, card);
  check_identifiers(root, all);
  return all;
}

/// The identifiers of what is gone; none of them may be among `rows`.
template<typename Row, typename Id>
std::vector<Id> gone_of(const Reader& root, const char* name, std::size_t most,
                        const std::vector<Row>& rows, Id Row::* id, Id (*read)(const Reader&)) {
  const Reader gone = root.at("gone");
  std::set<Id> there;
  for (const Row& row : rows) there.insert(row.*id);
  return list<Id>(gone, name, most, [&](const Reader& entry) {
    Id one = read(entry);
    if (there.contains(one)) entry.fail("it is there and gone");
    return one;
  });
}

template<typename Id>
Id uuid_of(const Reader& entry) {
  return Id{entry.uuid()};
}

model::SnapshotChanges changes_of(const Reader& root, std::int64_t since, model::Snapshot rows) {
  model::SnapshotChanges all;
  all.since = since;
  all.gone.beverages = gone_of(root, "beverages", most_beverages, rows.beverages,
                               &model::Beverage::id, uuid_of<model::BeverageId>);
  all.gone.kegs =
      gone_of(root, "kegs", most_kegs, rows.kegs, &model::Keg::id, uuid_of<model::KegId>);
  all.gone.taps = gone_of(root, "taps", most_taps, rows.taps, &model::Tap::id, tap_id);
  all.gone.guests =
      gone_of(root, "guests", most_guests, rows.guests, &model::Guest::id, uuid_of<model::GuestId>);
  all.gone.cards = gone_of(root, "cards", most_cards, rows.cards, &model::Card::uid, card_uid);
  all.now = std::move(rows);
  return all;
}

}  // namespace

Decoded<SnapshotAnswer> decode_snapshot(std::string_view body, std::optional<std::int64_t> since) {
  return decoded<SnapshotAnswer>("/api/controllers/{id}/snapshot", body, snapshot_answer,
                                 [since](const Reader& root) -> SnapshotAnswer {
                                   model::Snapshot rows = rows_of(root);
                                   const auto from = root.maybe("since");
                                   if (!from) return rows;
                                   if (!since || from->integer(0, INT64_MAX) != *since) {
                                     from->fail("not the revision that was asked for");
                                   }
                                   if (rows.revision < *since)
                                     from->fail("later than the revision");
                                   return changes_of(root, *since, std::move(rows));
                                 });
}

Decoded<model::Snapshot> decode_snapshot(std::string_view body) {
  auto answer = decode_snapshot(body, std::nullopt);
  if (!answer) return tl::make_unexpected(std::move(answer.error()));
  return std::get<model::Snapshot>(std::move(*answer));
}

model::SystemState stop_state(bool on) {
  return {stop_key, on ? "true" : "false"};
}

bool emergency_stop(const model::Snapshot& snapshot) {
  return std::any_of(
      snapshot.system_states.begin(), snapshot.system_states.end(),
      [](const auto& state) { return state.key == stop_key && state.value == "true"; });
}

}  // namespace tapd::sync
