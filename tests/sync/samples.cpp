#include "tests/sync/samples.hpp"

#include <array>
#include <memory>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace tapd::sync::test {

std::uint64_t Dice::next() {
  state_ += 0x9E3779B97F4A7C15ULL;
  std::uint64_t mixed = state_;
  mixed = (mixed ^ (mixed >> 30U)) * 0xBF58476D1CE4E5B9ULL;
  mixed = (mixed ^ (mixed >> 27U)) * 0x94D049BB133111EBULL;
  return mixed ^ (mixed >> 31U);
}

Random random_from(std::uint64_t seed) {
  return [dice = std::make_shared<Dice>(seed)](std::uint64_t bound) { return dice->below(bound); };
}

Random always_longest() {
  return [](std::uint64_t bound) { return bound - 1; };
}

model::ClientTxId tx(std::uint64_t number) {
  // Not from the numbers that seed the engines of the tests: those mint ids, too.
  constexpr std::uint64_t pours = 0x706F'7572'0000'0000;
  Dice dice{pours + number};
  std::array<std::uint8_t, 16> bytes{};
  for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(dice.below(256));
  return model::ClientTxId::from_random(bytes);
}

std::string guest_uuid(std::uint64_t number) {
  return fmt::format("00000000-0000-4000-8000-{:012x}", number);
}

model::CardUid card(std::uint64_t number) {
  return model::CardUid::parse(fmt::format("04{:012x}", number)).value();
}

model::Moment at(std::chrono::milliseconds since_boot) {
  constexpr auto boot = std::chrono::sys_days{std::chrono::year{2026} / 11 / 21};
  return {since_boot, model::WallTime{boot} + since_boot, true};
}

model::Pour pour(std::uint64_t number, std::uint64_t guest) {
  using std::chrono::seconds;
  model::Pour row;
  row.begin.client_tx_id = tx(number);
  row.begin.guest_id = model::GuestId{guest_uuid(guest)};
  row.begin.card_uid = card(guest);
  row.begin.tap_id = model::TapId{1};
  row.begin.keg_id = model::KegId{guest_uuid(0xAAAA)};
  row.begin.price = model::LitrePrice{1290};
  row.begin.authorized_by = model::AuthorizedBy::cache;
  row.begin.hold = model::Money{2000};
  row.begin.start = at(seconds{10});
  row.volume = model::Volume::millilitres(400);
  row.tail = model::Volume::millilitres(6);
  row.price = model::price_of(row.volume, row.begin.price);
  row.end = at(seconds{25});
  row.duration = seconds{15};
  row.pulses = 1800;
  return row;
}

nlohmann::json sample_snapshot() {
  return {{"revision", 42},
          {"generated_at", "2026-11-21T10:00:00Z"},
          {"currency", {{"code", "EUR"}, {"minor_digits", 2}}},
          {"system_states", {{"emergency_stop_enabled", "false"}}},
          {"beverages",
           {{{"beverage_id", guest_uuid(200)},
             {"name", "Keller"},
             {"brewery", "Brau"},
             {"style", "Lager"},
             {"abv", "4.70"},
             {"sell_price_per_liter", "12.90"}}}},
          {"kegs",
           {{{"keg_id", guest_uuid(100)},
             {"beverage_id", guest_uuid(200)},
             {"initial_volume_ml", 50'000},
             {"current_volume_ml", 12'345},
             {"status", "in_use"}}}},
          {"taps",
           {{{"tap_id", 1},
             {"keg_id", guest_uuid(100)},
             {"display_name", "Tap 1"},
             {"status", "active"}}}},
          {"guests",
           {{{"guest_id", guest_uuid(1)},
             {"first_name", "Anna"},
             {"balance_cents", 3002},
             {"is_active", true}}}},
          {"cards",
           {{{"card_uid", "04ab7815cd6b80"}, {"guest_id", guest_uuid(1)}, {"status", "active"}}}}};
}

}  // namespace tapd::sync::test
