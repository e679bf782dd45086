#include "drivers/mfrc522.hpp"

#include <fmt/format.h>

#include <array>

namespace tapd::drivers {
namespace {

std::string name_version(std::uint8_t version) {
  switch (version) {
    case 0x00:
      return "MFRC522 (not heard of yet)";
    case 0x88:
      return "MFRC522 clone FM17522 (88)";
    case 0x90:
      return "MFRC522 version 0.0 (90)";
    case 0x91:
      return "MFRC522 version 1.0 (91)";
    case 0x92:
      return "MFRC522 version 2.0 (92)";
    default:
      return fmt::format("MFRC522 of unknown make ({:02X})", version);
  }
}

tl::unexpected<Look> trouble(std::string what) {
  return tl::unexpected<Look>(ReaderTrouble{std::move(what)});
}

tl::unexpected<Look> garbled(std::string what) {
  return tl::unexpected<Look>(Garbled{std::move(what)});
}

}  // namespace

Mfrc522::Mfrc522(SpiBus& bus, Pacing pacing, Mfrc522Settings settings)
    : bus_(bus), chip_(bus, std::move(pacing), settings.gain) {}

Look Mfrc522::look(SinceBoot /*now*/) {
  ++counters_.looks;
  Look found = look_at_field();
  if (std::holds_alternative<Garbled>(found)) ++counters_.garbled;
  if (auto* broken = std::get_if<ReaderTrouble>(&found)) {
    ++counters_.troubles;
    // Trouble is told even when this helps: a supply that dips with every frame must show.
    std::string why_not;
    if (ready_ && initialise(why_not)) {
      broken->what += "; initialised again";
    } else if (!why_not.empty()) {
      broken->what += "; initialising it failed: " + why_not;
    }
  }
  return found;
}

Look Mfrc522::look_at_field() {
  std::string why_not;
  if (!ready_ && !initialise(why_not)) return ReaderTrouble{why_not};
  if (auto healthy = chip_.check_next(); !healthy) return ReaderTrouble{healthy.error()};
  return find_card();
}

bool Mfrc522::initialise(std::string& why_not) {
  const auto done = chip_.initialise();
  ready_ = done.has_value();
  if (ready_) {
    ++counters_.initialisations;
  } else {
    why_not = done.error();
  }
  return ready_;
}

Look Mfrc522::find_card() {
  const std::array<std::uint8_t, 1> wake{iso14443::wupa};
  const auto atqa = chip_.exchange(wake, iso14443::short_frame_bits);
  if (!atqa) return ReaderTrouble{atqa.error()};
  switch (atqa->kind) {
    case AirAnswer::Kind::silence: {
      const auto on = chip_.check_field();
      if (!on) return ReaderTrouble{on.error()};
      return NobodyThere{};
    }
    case AirAnswer::Kind::broken:
      halt();
      return Garbled{"ATQA: " + atqa->what};
    case AirAnswer::Kind::clean:
      if (atqa->bytes.size() != iso14443::atqa_size || atqa->last_bits != 0) {
        halt();
        return Garbled{fmt::format("ATQA: {} bytes, {} bits", atqa->bytes.size(), atqa->last_bits)};
      }
      break;
    // Cards of different kinds; their UIDs will show that they are two.
    case AirAnswer::Kind::collision:
      break;
  }
  const auto uid = read_uid();
  if (!uid) {
    if (!std::holds_alternative<ReaderTrouble>(uid.error())) halt();
    return uid.error();
  }
  halt();
  if (auto why = iso14443::refusal_of(*uid)) return UnusableCard{.uid = *uid, .why = *why};
  return CardSeen{*uid};
}

tl::expected<Uid, Look> Mfrc522::read_uid() {
  iso14443::UidAssembly assembly;
  for (std::size_t round = 0; round < iso14443::level_count; ++round) {
    const std::size_t level = assembly.level();
    const auto answer = ask(iso14443::anticollision_frame(level),
                            fmt::format("anticollision of level {}", level + 1));
    if (!answer) return tl::unexpected(answer.error());
    const auto part = iso14443::read_part(level, *answer);
    if (!part) return garbled(part.error());

    const auto confirmed =
        ask(iso14443::select_frame(level, *part), fmt::format("selection of level {}", level + 1));
    if (!confirmed) return tl::unexpected(confirmed.error());
    const auto sak = iso14443::read_sak(level, *confirmed);
    if (!sak) return garbled(sak.error());

    const auto complete = assembly.add(*part, *sak);
    if (!complete) return garbled(complete.error());
    if (*complete) return assembly.uid();
  }
  return garbled("the UID does not end");
}

// A card that has answered to waking must answer to this as well: silence is not absence here.
tl::expected<Mfrc522::Bytes, Look> Mfrc522::ask(std::span<const std::uint8_t> frame,
                                                const std::string& what) {
  auto answer = chip_.exchange(frame);
  if (!answer) return trouble(answer.error());
  switch (answer->kind) {
    case AirAnswer::Kind::silence:
      return garbled(what + ": no answer");
    case AirAnswer::Kind::broken:
      return garbled(what + ": " + answer->what);
    case AirAnswer::Kind::collision:
      return tl::unexpected<Look>(SeveralCards{});
    case AirAnswer::Kind::clean:
      break;
  }
  if (answer->last_bits != 0) return garbled(what + ": the answer ends within a byte");
  return std::move(answer->bytes);
}

// Cards that are not selected fall back as well: the next look begins afresh with all of them.
void Mfrc522::halt() {
  const auto answer = chip_.exchange(iso14443::halt_frame());
  if (!answer) {
    ready_ = false;
    return;
  }
  if (answer->kind != AirAnswer::Kind::silence) ++counters_.halts_answered;
}

void Mfrc522::cycle_field() {
  if (!ready_) return;
  ready_ = chip_.switch_field(false).has_value() && chip_.switch_field(true).has_value();
}

std::string Mfrc522::describe() const {
  return fmt::format("{} on {}", name_version(chip_.version()), bus_.describe());
}

}  // namespace tapd::drivers
