#include "drivers/sim/card_model.hpp"

#include <algorithm>

#include "drivers/iso14443.hpp"

namespace tapd::drivers::sim {
namespace {

constexpr std::size_t part_bits = 40;
constexpr std::size_t header_bits = 16;  // SEL and NVB.
constexpr std::size_t select_bits = 72;

bool is_short_frame(const Bits& frame, std::uint8_t command) {
  const std::array<std::uint8_t, 1> bytes{command};
  return frame == to_bits(bytes, iso14443::short_frame_bits);
}

// NVB counts SEL and itself: the high nibble whole bytes, the low one bits beyond.
std::optional<std::size_t> known_bits(std::uint8_t nvb) {
  const std::size_t bytes = nvb >> 4U;
  const std::size_t bits = nvb & 0x0FU;
  if (bytes < 2 || bits > 7) return std::nullopt;
  const std::size_t known = (bytes - 2) * 8 + bits;
  if (known >= part_bits) return std::nullopt;
  return known;
}

}  // namespace

Bits to_bits(std::span<const std::uint8_t> bytes, int last_bits) {
  Bits bits;
  bits.reserve(bytes.size() * 8);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const bool last = i + 1 == bytes.size();
    const int count = last && last_bits != 0 ? last_bits : 8;
    for (int bit = 0; bit < count; ++bit) bits.push_back(((bytes[i] >> bit) & 1) != 0);
  }
  return bits;
}

std::vector<std::uint8_t> to_bytes(const Bits& bits) {
  std::vector<std::uint8_t> bytes((bits.size() + 7) / 8);
  for (std::size_t i = 0; i < bits.size(); ++i) {
    if (!bits[i]) continue;
    std::uint8_t& byte = bytes[i / 8];
    byte = static_cast<std::uint8_t>(byte | (1U << (i % 8)));
  }
  return bytes;
}

Superposition superpose(std::span<const Bits> answers) {
  Superposition all;
  for (const Bits& answer : answers) {
    if (answer.empty()) continue;
    const std::size_t shared = std::min(all.bits.size(), answer.size());
    for (std::size_t i = 0; i < shared; ++i) {
      if (all.bits[i] == answer[i]) continue;
      if (!all.collision || i < *all.collision) all.collision = i;
      all.bits[i] = true;
    }
    if (answer.size() > all.bits.size()) {
      all.bits.insert(all.bits.end(), answer.begin() + static_cast<std::ptrdiff_t>(shared),
                      answer.end());
    }
  }
  return all;
}

Card card_with_uid(const Uid& uid) {
  Card card;
  card.uid = uid;
  if (uid.size == 7) card.atqa = {0x44, 0x00};
  if (uid.size == 10) card.atqa = {0x84, 0x00};
  card.sak = uid.size == 4 ? 0x08 : 0x00;
  return card;
}

CardModel::CardModel(Card card) : card_(card) {}

void CardModel::power(bool on) {
  state_ = on ? CardState::idle : CardState::off;
  was_halted_ = false;
  level_ = 0;
}

Bits CardModel::hear(const Bits& frame) {
  switch (state_) {
    case CardState::off:
      return {};
    case CardState::idle:
      if (!is_short_frame(frame, iso14443::reqa) && !is_short_frame(frame, iso14443::wupa)) {
        return {};
      }
      break;
    case CardState::halt:
      if (!is_short_frame(frame, iso14443::wupa)) return {};
      was_halted_ = true;
      break;
    case CardState::ready:
      return hear_ready(frame);
    case CardState::active:
      // Whatever else an application would want is no business of this model: it is an unknown
      // command, and sends the card back. So does a request: a selected card answers none.
      if (is_halt(frame)) {
        state_ = CardState::halt;
      } else {
        fall_back();
      }
      return {};
  }
  state_ = CardState::ready;
  level_ = 0;
  return to_bits(card_.atqa);
}

Bits CardModel::hear_ready(const Bits& frame) {
  const auto bytes = to_bytes(frame);
  const bool for_this_level =
      frame.size() >= header_bits && bytes[0] == iso14443::select_codes.at(level_);
  if (!for_this_level) {
    fall_back();
    return {};
  }
  if (bytes[1] == iso14443::nvb_know_all) return hear_select(bytes);
  return hear_anticollision(frame);
}

Bits CardModel::hear_anticollision(const Bits& frame) {
  const auto known = known_bits(to_bytes(frame)[1]);
  const Bits mine = to_bits(part(level_));
  const bool meant = known && frame.size() == header_bits + *known &&
                     std::equal(frame.begin() + header_bits, frame.end(), mine.begin());
  if (!meant) {
    fall_back();
    return {};
  }
  return {mine.begin() + static_cast<std::ptrdiff_t>(*known), mine.end()};
}

Bits CardModel::hear_select(std::span<const std::uint8_t> frame) {
  const Part mine = part(level_);
  const bool meant = frame.size() * 8 == select_bits &&
                     std::equal(mine.begin(), mine.end(), frame.begin() + 2) &&
                     iso14443::crc_a(frame.first(7)) == std::array{frame[7], frame[8]};
  if (!meant) {
    fall_back();
    return {};
  }
  const bool last = level_ + 1 == levels();
  const std::array<std::uint8_t, 1> sak{last ? card_.sak : iso14443::sak_more_to_come};
  if (last) {
    state_ = CardState::active;
  } else {
    ++level_;
  }
  auto crc = iso14443::crc_a(sak);
  if (card_.wrong_crc) crc[0] = static_cast<std::uint8_t>(crc[0] ^ 0x10U);
  const std::array<std::uint8_t, 3> answer{sak[0], crc[0], crc[1]};
  return to_bits(answer);
}

bool CardModel::is_halt(const Bits& frame) const {
  return frame == to_bits(iso14443::halt_frame());
}

void CardModel::fall_back() {
  state_ = was_halted_ ? CardState::halt : CardState::idle;
  level_ = 0;
}

std::size_t CardModel::levels() const {
  return card_.uid.size <= 4 ? 1 : card_.uid.size <= 7 ? 2 : 3;
}

CardModel::Part CardModel::part(std::size_t level) const {
  const bool last = level + 1 == levels();
  Part part{};
  auto from = card_.uid.bytes.begin() + static_cast<std::ptrdiff_t>(level * 3);
  if (last) {
    std::copy_n(from, 4, part.begin());
  } else {
    part[0] = iso14443::cascade_tag;
    std::copy_n(from, 3, part.begin() + 1);
  }
  part[4] = iso14443::bcc(std::span{part}.first<4>());
  if (card_.wrong_bcc) part[4] = static_cast<std::uint8_t>(part[4] ^ 0x01U);
  return part;
}

}  // namespace tapd::drivers::sim
