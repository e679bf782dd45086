#include "drivers/mfrc522.hpp"

#include <fmt/format.h>

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
  const bool remedied = !ready_;
  if (remedied) {
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
    if (remedied) {
      fail(broken->what);
    } else {
      broken->what = remedy_trouble(broken->what);
    }
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
  const bool by_name = known_ && ++looks_by_name_ < looks_per_full_look_;
  if (!by_name) looks_by_name_ = 0;
  Look found = by_name ? cards_.ask_by_name(*known_) : cards_.find_card();
  if (const auto trouble = cards_.take_trouble()) fail(*trouble);
  if (auto odd = cards_.take_contradiction()) {
    notes_.push_back({.serious = false, .text = std::move(*odd)});
  }
  return found;
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
