#include "drivers/mfrc522.hpp"

#include <fmt/format.h>

#include <array>
#include <utility>

namespace tapd::drivers {
namespace {

std::string name_version(std::uint8_t version) {
  switch (version) {
    case 0x00:
      return "MFRC522 (not heard of yet)";
    case 0x12:
      return "MFRC522 counterfeit (12)";
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

std::string name_remedy(ReaderRemedy remedy) {
  switch (remedy) {
    case ReaderRemedy::initialise:
      return "initialising it again";
    case ReaderRemedy::soft_reset:
      return "a soft reset";
    case ReaderRemedy::reset_line:
      return "a reset by its line";
    case ReaderRemedy::reopen:
      return "opening its device again";
  }
  return "";
}

tl::unexpected<Look> trouble(std::string what) {
  return tl::unexpected<Look>(ReaderTrouble{std::move(what)});
}

tl::unexpected<Look> garbled(std::string what) {
  return tl::unexpected<Look>(Garbled{std::move(what)});
}

RecoveryRules with_line(RecoveryRules rules, bool wired) {
  rules.has_reset_line = wired;
  return rules;
}

}  // namespace

Mfrc522::Mfrc522(SpiBus& bus, Pacing pacing, Mfrc522Settings settings, OutputLine* line)
    : bus_(bus),
      pacing_(std::move(pacing)),
      chip_(bus, pacing_, settings.gain, line),
      recovery_(with_line(settings.recovery, line != nullptr)),
      looks_per_full_look_(settings.looks_per_full_look) {}

Look Mfrc522::look(SinceBoot now) {
  ++health_.looks;
  Look found = look_if_ready(now);
  if (std::holds_alternative<Garbled>(found)) ++health_.garbled;
  if (std::holds_alternative<ReaderTrouble>(found)) ++health_.troubles;
  if (const auto* card = std::get_if<CardSeen>(&found)) {
    known_ = card->uid;
  } else {
    known_.reset();
    looks_by_name_ = 0;
  }
  return found;
}

// One remedy in a look: the thread has its time back between two of them.
Look Mfrc522::look_if_ready(SinceBoot now) {
  if (!ready_) {
    const auto remedy = recovery_.next(now);
    if (!remedy) return ReaderTrouble{recovery_.trouble()};
    if (auto done = apply(*remedy); !done) {
      fail(done.error());
      return ReaderTrouble{done.error()};
    }
  }
  Look found = look_at_field();
  if (auto* broken = std::get_if<ReaderTrouble>(&found)) {
    // Trouble is told even when the remedy helps: a supply that dips with every frame must show.
    broken->what = remedy_trouble(broken->what);
  } else if (ready_) {
    recovery_.worked(pacing_.now());
  }
  return found;
}

std::string Mfrc522::remedy_trouble(const std::string& what) {
  fail(what);
  if (recovery_.out_of_service()) return what;
  const auto remedy = recovery_.next(pacing_.now());
  if (!remedy) return what;
  if (auto done = apply(*remedy); !done) {
    fail(done.error());
    return fmt::format("{}; {} failed: {}", what, name_remedy(*remedy), done.error());
  }
  return fmt::format("{}; {} was done", what, name_remedy(*remedy));
}

Mfrc522Chip::Status Mfrc522::apply(ReaderRemedy remedy) {
  const auto apply_to_chip = [&]() -> Mfrc522Chip::Status {
    switch (remedy) {
      case ReaderRemedy::initialise:
        return chip_.initialise();
      case ReaderRemedy::soft_reset:
        return chip_.soft_reset();
      case ReaderRemedy::reset_line:
        return chip_.hard_reset();
      case ReaderRemedy::reopen:
        return chip_.reopen();
    }
    return {};
  };
  auto done = apply_to_chip();
  ready_ = done.has_value();
  if (ready_ && std::exchange(named_version_, chip_.version()) != chip_.version()) {
    notes_.push_back({.serious = false, .text = "is an " + describe()});
  }
  return done;
}

void Mfrc522::fail(const std::string& what) {
  ready_ = false;
  recovery_.failed(what, pacing_.now());
  // No more than a try: the chip may not even hear it.
  if (recovery_.out_of_service()) static_cast<void>(chip_.switch_field(false));
}

Look Mfrc522::look_at_field() {
  if (auto healthy = chip_.check_next(); !healthy) return ReaderTrouble{healthy.error()};
  if (known_ && ++looks_by_name_ < looks_per_full_look_) return ask_by_name(*known_);
  looks_by_name_ = 0;
  return find_card();
}

Look Mfrc522::ask_by_name(const Uid& uid) {
  if (auto awake = wake(); !awake) return awake.error();
  const auto there = answers_to(uid);
  if (there && *there) {
    halt();
    return CardSeen{uid};
  }
  if (!there) {
    if (!std::holds_alternative<ReaderTrouble>(there.error())) halt();
    return there.error();
  }
  // Gone in this moment, or another card lies there: it has fallen asleep again at the name.
  Look found = find_card();
  if (std::holds_alternative<NobodyThere>(found)) {
    return Garbled{"a card woke up and then kept silent"};
  }
  return found;
}

// An error is what the look has found.
tl::expected<void, Look> Mfrc522::wake() {
  const std::array<std::uint8_t, 1> request{iso14443::wupa};
  const auto atqa = chip_.exchange(request, iso14443::short_frame_bits);
  if (!atqa) return trouble(atqa.error());
  switch (atqa->kind) {
    case AirAnswer::Kind::silence:
      if (auto on = chip_.check_field(); !on) return trouble(on.error());
      return tl::unexpected<Look>(NobodyThere{});
    case AirAnswer::Kind::broken:
      halt();
      return garbled("ATQA: " + atqa->what);
    case AirAnswer::Kind::clean:
      if (atqa->bytes.size() == iso14443::atqa_size && atqa->last_bits == 0) return {};
      halt();
      return garbled(fmt::format("ATQA: {} bytes, {} bits", atqa->bytes.size(), atqa->last_bits));
    // Cards of different kinds; their UIDs will show that they are two.
    case AirAnswer::Kind::collision:
      break;
  }
  return {};
}

Look Mfrc522::find_card() {
  if (auto awake = wake(); !awake) return awake.error();
  const auto uid = read_uid();
  if (!uid) {
    if (!std::holds_alternative<ReaderTrouble>(uid.error())) halt();
    return uid.error();
  }
  halt();
  if (auto why = iso14443::refusal_of(*uid)) return UnusableCard{.uid = *uid, .why = *why};
  return CardSeen{*uid};
}

// Selecting with the whole UID: only the card with exactly this one answers. Silence to the first
// part is the answer "not here"; a card that answered to it and not to the next is garbled.
tl::expected<bool, Look> Mfrc522::answers_to(const Uid& uid) {
  iso14443::UidAssembly assembly;
  for (const iso14443::Part& part : iso14443::parts_of(uid)) {
    const std::size_t level = assembly.level();
    const auto answer = chip_.exchange(iso14443::select_frame(level, part));
    if (!answer) return trouble(answer.error());
    if (answer->kind == AirAnswer::Kind::silence && level == 0) return false;
    if (answer->kind != AirAnswer::Kind::clean || answer->last_bits != 0) {
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

tl::expected<Uid, Look> Mfrc522::read_uid() {
  iso14443::UidAssembly assembly;
  for (std::size_t round = 0; round < iso14443::level_count; ++round) {
    const std::size_t level = assembly.level();
    const auto answer = ask(iso14443::anticollision_frame(level),
                            fmt::format("anticollision of level {}", level + 1));
    if (!answer) return tl::unexpected(answer.error());
    const auto part = iso14443::read_part(level, *answer);
    if (!part) return garbled(part.error());
    const auto sak = select(level, *part);
    if (!sak) return tl::unexpected(sak.error());
    const auto complete = assembly.add(*part, *sak);
    if (!complete) return garbled(complete.error());
    if (*complete) return assembly.uid();
  }
  return garbled("the UID does not end");
}

tl::expected<std::uint8_t, Look> Mfrc522::select(std::size_t level, const iso14443::Part& part) {
  const auto confirmed =
      ask(iso14443::select_frame(level, part), fmt::format("selection of level {}", level + 1));
  if (!confirmed) return tl::unexpected(confirmed.error());
  const auto sak = iso14443::read_sak(level, *confirmed);
  if (!sak) return garbled(sak.error());
  return *sak;
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
  if (!answer) return fail(answer.error());
  if (answer->kind != AirAnswer::Kind::silence) ++halts_answered_;
}

void Mfrc522::cycle_field() {
  if (!ready_) return;
  const auto cycled =
      chip_.switch_field(false).and_then([this] { return chip_.switch_field(true); });
  if (!cycled) fail(cycled.error());
}

std::string Mfrc522::describe() const {
  return fmt::format("{} on {}", name_version(chip_.version()), bus_.describe());
}

ReaderHealth Mfrc522::health() const {
  ReaderHealth health = health_;
  recovery_.report(health);
  return health;
}

std::vector<ReaderNote> Mfrc522::take_notes() {
  std::vector<ReaderNote> notes = std::exchange(notes_, {});
  for (ReaderNote& note : recovery_.take_notes()) notes.push_back(std::move(note));
  return notes;
}

}  // namespace tapd::drivers
