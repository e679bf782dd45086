#include "drivers/type_a_field.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace tapd::drivers {
namespace {

constexpr std::size_t byte_bits = 8;
/// Questions in one way down the tree. Two cards take one more than one card does; the bound is for
/// an air that collides all the time.
constexpr int rounds_max = 32;

tl::unexpected<Look> trouble(std::string what) {
  return tl::unexpected<Look>(ReaderTrouble{std::move(what)});
}

tl::unexpected<Look> garbled(std::string what) {
  return tl::unexpected<Look>(Garbled{std::move(what)});
}

bool is_trouble(const Look& look) {
  return std::holds_alternative<ReaderTrouble>(look);
}

/// A card that has answered to waking must answer to the rest as well: silence is not absence here.
Look refuse(const AirAnswer& answer, const std::string& what) {
  switch (answer.kind) {
    case AirAnswer::Kind::silence:
      return Garbled{what + ": no answer"};
    case AirAnswer::Kind::broken:
      return Garbled{what + ": " + answer.what};
    case AirAnswer::Kind::collision:
      return SeveralCards{};
    case AirAnswer::Kind::clean:
      break;
  }
  return Garbled{what + ": the answer ends within a byte"};
}

bool is_whole(const AirAnswer& answer) {
  return answer.kind == AirAnswer::Kind::clean && answer.last_bits == 0;
}

}  // namespace

// Gone in this moment, or another card lies there, which has fallen asleep again at the name.
Look TypeAField::ask_by_name(const Uid& uid) {
  if (const auto awake = wake(); !awake) return awake.error();
  const auto there = answers_to(uid);
  if (there && *there) {
    halt();
    return CardSeen{uid};
  }
  if (!there) {
    if (!is_trouble(there.error())) halt();
    return there.error();
  }
  Look found = find_card();
  if (std::holds_alternative<NobodyThere>(found)) {
    return Garbled{"a card woke up and then kept silent"};
  }
  return found;
}

Look TypeAField::find_card() {
  const auto atqa = wake();
  if (!atqa) return atqa.error();
  Walk walk;
  const auto uid = read_uid(walk);
  if (!uid && is_trouble(uid.error())) return uid.error();
  halt();
  if (walk.collisions > 0) return name_several(uid);
  if (!uid) return uid.error();
  compare(*atqa, *uid);
  if (auto why = iso14443::refusal_of(*uid)) return UnusableCard{.uid = *uid, .why = *why};
  return CardSeen{*uid};
}

// The other way at the first collision leads to another card, or to nobody when it was a
// disturbance; one that cannot be named is there all the same.
Look TypeAField::name_several(const tl::expected<Uid, Look>& first) {
  SeveralCards several;
  if (first) several.one = *first;
  if (const auto awake = wake(); !awake) {
    if (is_trouble(awake.error())) return awake.error();
    return several;
  }
  Walk other{.first_choice = false};
  const auto second = read_uid(other);
  if (!second && is_trouble(second.error())) return second.error();
  halt();
  if (second && (!first || *first != *second)) several.other = *second;
  return several;
}

// An error is what the look has found.
tl::expected<std::optional<TypeAField::Atqa>, Look> TypeAField::wake() {
  const std::array<std::uint8_t, 1> request{iso14443::wupa};
  const auto answer = chip_.exchange(request, iso14443::short_frame_bits);
  if (!answer) return trouble(answer.error());
  switch (answer->kind) {
    case AirAnswer::Kind::silence:
      if (auto on = chip_.check_field(); !on) return trouble(on.error());
      return tl::unexpected<Look>(NobodyThere{});
    case AirAnswer::Kind::broken:
      halt();
      return garbled("ATQA: " + answer->what);
    case AirAnswer::Kind::clean:
      if (answer->bytes.size() == iso14443::atqa_size && answer->last_bits == 0) {
        return Atqa{answer->bytes[0], answer->bytes[1]};
      }
      halt();
      return garbled(
          fmt::format("ATQA: {} bytes, {} bits", answer->bytes.size(), answer->last_bits));
    // Cards of different kinds; their UIDs will show that they are two.
    case AirAnswer::Kind::collision:
      break;
  }
  return std::nullopt;
}

// Selecting with the whole UID: only the card with exactly this one answers. Silence to the first
// part is the answer "not here"; a card that answered to it and not to the next is garbled.
tl::expected<bool, Look> TypeAField::answers_to(const Uid& uid) {
  iso14443::UidAssembly assembly;
  for (const iso14443::Part& part : iso14443::parts_of(uid)) {
    const std::size_t level = assembly.level();
    const auto answer = chip_.exchange(iso14443::select_frame(level, part));
    if (!answer) return trouble(answer.error());
    if (answer->kind == AirAnswer::Kind::silence && level == 0) return false;
    if (!is_whole(*answer)) {
      return garbled(fmt::format("selection of level {} by name: {}", level + 1,
                                 answer->what.empty() ? "no proper answer" : answer->what));
    }
    const auto sak = iso14443::read_sak(level, answer->bytes);
    if (!sak) return garbled(sak.error());
    const auto complete = assembly.add(part, *sak);
    if (!complete) return garbled(complete.error());
    if (*complete) break;
  }
  if (assembly.uid() == uid) return true;
  return garbled("the card's UID has another length than a moment ago");
}

tl::expected<Uid, Look> TypeAField::read_uid(Walk& walk) {
  iso14443::UidAssembly assembly;
  for (std::size_t round = 0; round < iso14443::level_count; ++round) {
    const std::size_t level = assembly.level();
    const auto part = read_part(level, walk);
    if (!part) return tl::unexpected(part.error());
    const auto sak = select(level, *part);
    if (!sak) return tl::unexpected(sak.error());
    const auto complete = assembly.add(*part, *sak);
    if (!complete) return garbled(complete.error());
    if (*complete) return assembly.uid();
  }
  return garbled("the UID does not end");
}

// With each collision one bit more is settled and those cards fall silent that have it otherwise.
tl::expected<iso14443::Part, Look> TypeAField::read_part(std::size_t level, Walk& walk) {
  iso14443::KnownBits known;
  const std::string what = fmt::format("anticollision of level {}", level + 1);
  for (; walk.rounds < rounds_max; ++walk.rounds) {
    const auto rest = static_cast<int>(known.count % byte_bits);
    const auto answer = chip_.exchange(iso14443::anticollision_frame(level, known), rest, rest);
    if (!answer) return trouble(answer.error());
    if (is_whole(*answer)) {
      auto part = iso14443::read_part(level, answer->bytes, known);
      if (!part) return garbled(part.error());
      return *part;
    }
    if (answer->kind != AirAnswer::Kind::collision) return tl::unexpected(refuse(*answer, what));
    // A place that cannot be right leaves the first bit that is not known: it settles one as well.
    const std::size_t told =
        known.count / byte_bits * byte_bits + answer->collision.value_or(known.count % byte_bits);
    const std::size_t place = std::max(told, known.count);
    ++walk.collisions;
    if (place >= iso14443::uid_bits_of_part) break;
    known = iso14443::branch(known, answer->bytes, place, walk.collisions > 1 || walk.first_choice);
  }
  return tl::unexpected<Look>(SeveralCards{});
}

tl::expected<std::uint8_t, Look> TypeAField::select(std::size_t level, const iso14443::Part& part) {
  const auto answer = chip_.exchange(iso14443::select_frame(level, part));
  if (!answer) return trouble(answer.error());
  if (!is_whole(*answer)) {
    return tl::unexpected(refuse(*answer, fmt::format("selection of level {}", level + 1)));
  }
  const auto sak = iso14443::read_sak(level, answer->bytes);
  if (!sak) return garbled(sak.error());
  return *sak;
}

// Copies of cards get this wrong, so it is worth a line and no refusal.
void TypeAField::compare(const std::optional<Atqa>& atqa, const Uid& uid) {
  if (!atqa || iso14443::uid_size_told(*atqa) == uid.size || contradicted_ == uid) return;
  contradicted_ = uid;
  contradiction_ = fmt::format(
      "read a card with a UID of {} bytes whose answer to waking ({:02X} {:02X}) tells another "
      "size: likely a copy",
      uid.size, (*atqa)[0], (*atqa)[1]);
}

// Cards that are not selected fall back as well: the next look begins afresh with all of them.
void TypeAField::halt() {
  const auto answer = chip_.exchange(iso14443::halt_frame());
  if (!answer) {
    trouble_ = answer.error();
  } else if (answer->kind != AirAnswer::Kind::silence) {
    ++halts_answered_;
  }
}

std::optional<std::string> TypeAField::take_trouble() {
  return std::exchange(trouble_, std::nullopt);
}

std::optional<std::string> TypeAField::take_contradiction() {
  return std::exchange(contradiction_, std::nullopt);
}

}  // namespace tapd::drivers
