// Writes into a ledger what a venue's server would have told: one tap with a keg on it, and guests
// with cards and balances. The rig's machine has no server, so tapd sells from this cache. Run by a
// job while no tapd has the file open.
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>

#include <fmt/format.h>

#include "drivers/clock.hpp"
#include "storage/ledger.hpp"

namespace {

namespace model = tapd::model;

constexpr std::string_view usage =
    "usage: seed_ledger FILE CENTS_PER_LITRE UID=BALANCE_CENTS...\n"
    "Tap 1 gets a full keg; each card a guest of its own.";
constexpr std::int64_t keg_millilitres = 50'000;

std::int64_t parse_cents(std::string_view word) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
  if (error != std::errc{} || end != word.data() + word.size()) {
    throw std::invalid_argument(fmt::format("not an amount in cents: '{}'", word));
  }
  return number;
}

void add_guest(model::Snapshot& snapshot, std::string_view uid_and_balance) {
  const auto sign = uid_and_balance.find('=');
  if (sign == std::string_view::npos) throw std::invalid_argument(std::string{usage});
  const auto uid = model::CardUid::parse(uid_and_balance.substr(0, sign));
  if (!uid) throw std::invalid_argument(uid.error());
  const model::GuestId id{fmt::format("guest-{}", snapshot.guests.size() + 1)};
  const model::Money balance{parse_cents(uid_and_balance.substr(sign + 1))};
  snapshot.guests.push_back({.id = id, .first_name = id.text(), .balance = balance});
  snapshot.cards.push_back({.uid = *uid, .guest_id = id});
}

model::Snapshot one_tap_bar(std::int64_t cents_per_litre) {
  const model::BeverageId beer{"beer"};
  const model::KegId keg{"keg-1"};
  const auto full = model::Volume::millilitres(keg_millilitres);
  model::Snapshot snapshot;
  snapshot.revision = 1;
  snapshot.beverages.push_back({.id = beer,
                                .name = "Rig Pils",
                                .brewery = "Rig",
                                .style = "Pils",
                                .price = model::LitrePrice{cents_per_litre}});
  snapshot.kegs.push_back(
      {.id = keg, .beverage_id = beer, .initial_volume = full, .current_volume = full});
  snapshot.taps.push_back({.id = model::TapId{1}, .keg_id = keg, .display_name = "Tap 1"});
  return snapshot;
}

template<typename Value>
Value or_throw(tapd::storage::Result<Value> result) {
  if (!result) throw std::runtime_error(result.error().message);
  if constexpr (!std::is_void_v<Value>) return *result;
}

void seed(const std::string& file, const model::Snapshot& snapshot) {
  const model::BootId boot{tapd::drivers::boot_id()};
  const auto clock = tapd::drivers::SystemClock{}.read();
  const model::Moment now{
      .since_boot = clock.since_boot, .wall = clock.wall, .wall_trusted = clock.wall_trusted};
  tapd::storage::Ledger ledger{{.file = file, .vfs = {}, .boot = boot}};
  or_throw(ledger.apply_snapshot(snapshot, or_throw(ledger.ask_marker()), now, boot));
}

}  // namespace

int main(int argc, char** argv) {
  try {
    if (argc < 4) throw std::invalid_argument(std::string{usage});
    auto snapshot = one_tap_bar(parse_cents(argv[2]));
    for (int i = 3; i < argc; ++i) add_guest(snapshot, argv[i]);
    seed(argv[1], snapshot);
  } catch (const std::exception& error) {
    fmt::print(stderr, "seed_ledger: {}\n", error.what());
    return 1;
  }
  return 0;
}
