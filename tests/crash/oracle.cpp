#include "oracle.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace tapd::crash {
namespace {

using storage::Verdict;

constexpr std::size_t every_pour = 10'000;

// The number is in the first eight bytes but for the bits that make it a UUID.
std::uint64_t number_of(const model::ClientTxId& id) {
  return std::stoull(id.text().substr(0, 8), nullptr, 16);
}

std::string words(const TruePour& pour) {
  return fmt::format("{} ml of guest {} on tap {}, {}", pour.millilitres, pour.guest, pour.tap,
                     model::to_text(pour.status));
}

}  // namespace

model::Moment at(std::int64_t second) {
  const std::chrono::seconds since_boot{second};
  return {since_boot, std::chrono::sys_days{std::chrono::year{2026} / 11 / 21} + since_boot, true};
}

model::ClientTxId pour_id(std::uint64_t number) {
  std::array<std::uint8_t, 16> bytes{};
  for (std::size_t i = 0; i < 4; ++i) {
    bytes.at(i) = static_cast<std::uint8_t>(number >> (8U * (3U - i)));
  }
  return model::ClientTxId::from_random(bytes);
}

model::GuestId guest_id(int number) {
  return model::GuestId{fmt::format("aaaaaaaa-0000-4000-8000-{:012}", number)};
}

model::CardUid card_uid(int number) {
  return model::CardUid::parse(fmt::format("{:014x}", number)).value();
}

std::int64_t price(const TruePour& pour) {
  return model::price_of(model::Volume::millilitres(pour.millilitres), litre_price).minor_units();
}

Sheet Sheet::finished() const {
  Sheet sheet = *this;
  for (auto& [number, pour] : sheet.pours) {
    if (pour.status == model::PourStatus::open) pour.status = model::PourStatus::fresh;
  }
  return sheet;
}

Verdict::Kind Server::judge(std::uint64_t pour, const TruePour& facts, bool refuses) {
  const auto known = judged_.find(pour);
  if (known != judged_.end()) {
    if (!unique_key_ && known->second.kind == Verdict::Kind::confirmed) {
      ++known->second.charges;
      spent_[facts.guest] += price(facts);
    }
    return known->second.kind;
  }
  if (!refuses) spent_[facts.guest] += price(facts);
  const auto kind = refuses ? Verdict::Kind::final_failure : Verdict::Kind::confirmed;
  judged_[pour] = {kind, refuses ? 0 : 1};
  return kind;
}

int Server::charges(std::uint64_t pour) const {
  const auto known = judged_.find(pour);
  return known == judged_.end() ? 0 : known->second.charges;
}

bool Server::refused(std::uint64_t pour) const {
  const auto known = judged_.find(pour);
  return known != judged_.end() && known->second.kind == Verdict::Kind::final_failure;
}

std::int64_t Server::balance(int guest) const {
  const auto spent = spent_.find(guest);
  return opening_balance - (spent == spent_.end() ? 0 : spent->second);
}

model::Snapshot Server::snapshot() const {
  model::Snapshot snapshot;
  snapshot.revision = static_cast<std::int64_t>(judged_.size()) + 1;
  for (int number = 1; number <= guests; ++number) {
    snapshot.guests.push_back({guest_id(number), "Anna", model::Money{balance(number)}, true});
    snapshot.cards.push_back({card_uid(number), guest_id(number), model::CardStatus::active});
  }
  return snapshot;
}

std::int64_t true_balance(const Sheet& sheet, const Server& server, int guest) {
  std::int64_t left = server.balance(guest);
  for (const auto& [number, pour] : sheet.pours) {
    if (pour.guest != guest || server.judged(number)) continue;
    const bool open = pour.status == model::PourStatus::open;
    left -= open ? std::max(pour.hold, price(pour)) : price(pour);
  }
  return left;
}

storage::Result<Sheet> read_sheet(const storage::Ledger& ledger) {
  const auto pours = ledger.newest_pours(every_pour);
  if (!pours) return tl::make_unexpected(pours.error());
  Sheet sheet;
  for (const model::Pour& pour : *pours) {
    const std::string& guest = pour.begin.guest_id.text();
    if (pour.price != model::price_of(pour.volume, litre_price)) {
      return tl::make_unexpected(storage::Error{
          storage::Error::Kind::refused,
          "the price of pour " + pour.begin.client_tx_id.text() + " is not that of its volume"});
    }
    sheet.pours[number_of(pour.begin.client_tx_id)] = {
        .guest = std::stoi(guest.substr(guest.size() - 4)),
        .tap = pour.begin.tap_id.number(),
        .hold = pour.begin.hold.minor_units(),
        .millilitres = pour.volume.in_millilitres(),
        .status = pour.status};
  }
  return sheet;
}

std::optional<std::string> difference(const Sheet& expected, const Sheet& found) {
  for (const auto& [number, pour] : expected.pours) {
    const auto there = found.pours.find(number);
    if (there == found.pours.end()) {
      return fmt::format("pour {} is lost ({})", number, words(pour));
    }
    if (there->second != pour) {
      return fmt::format("pour {} is {} and not {}", number, words(there->second), words(pour));
    }
  }
  for (const auto& [number, pour] : found.pours) {
    if (!expected.pours.contains(number)) {
      return fmt::format("pour {} was never begun ({})", number, words(pour));
    }
  }
  return std::nullopt;
}

}  // namespace tapd::crash
