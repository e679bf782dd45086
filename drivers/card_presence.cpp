#include "drivers/card_presence.hpp"

#include <fmt/format.h>

namespace tapd::drivers {
namespace {

template<typename... Parts>
struct Overloaded : Parts... {
  using Parts::operator()...;
};

// Two bytes of a UID tell which card is meant, and are of no use to who finds them in the journal.
std::string end_of(const Uid& uid) {
  return fmt::format("..{:02x}{:02x}", uid.bytes.at(uid.size - 2U), uid.bytes.at(uid.size - 1U));
}

std::string one_please(const SeveralCards& cards) {
  if (!cards.one || !cards.other) return "several cards: one, please";
  return fmt::format("several cards ({} and {}): one, please", end_of(*cards.one),
                     end_of(*cards.other));
}

}  // namespace

CardPresence::CardPresence(PresenceRules rules) : rules_(rules) {}

std::optional<Uid> CardPresence::present() const {
  if (!held_) return std::nullopt;
  return held_->uid;
}

void CardPresence::nobody_looked(std::chrono::nanoseconds time) {
  if (time < rules_.longest_unreadable) return;
  field_ = Field::doubtful;
  forget_candidate();
}

std::vector<PresenceEvent> CardPresence::on(const Look& look, SinceBoot now) {
  Events events;
  if (!std::holds_alternative<ReaderTrouble>(look)) reader_works(events);
  // First of all: nobody can say whose beer flowed while no clean answer came.
  if (held_ && now - held_->last_seen >= rules_.longest_unreadable) {
    release(events);
    field_ = Field::doubtful;
  }

  const bool refusable =
      std::holds_alternative<SeveralCards>(look) || std::holds_alternative<UnusableCard>(look);
  if (!refusable) refusals_ = 0;
  if (!std::holds_alternative<Garbled>(look)) unreadable_looks_ = 0;
  if (!std::holds_alternative<CardSeen>(look)) forget_candidate();
  if (!std::holds_alternative<NobodyThere>(look)) {
    break_silence();
    // Whoever answers the first look, or hides behind it, may miss the second.
    if (field_ == Field::not_looked_at) field_ = Field::doubtful;
  }

  std::visit(Overloaded{[&](const NobodyThere&) { silence(now, events); },
                        [&](const CardSeen& card) { seen(card.uid, now, events); },
                        [&](const Garbled& answer) { unreadable(answer.what, events); },
                        [&](const SeveralCards& cards) { refuse(one_please(cards), events); },
                        [&](const UnusableCard& card) {
                          release(events);
                          refuse(card.why, events);
                        },
                        [&](const ReaderTrouble& reader) { trouble(reader.what, now, events); }},
             look);
  return events;
}

void CardPresence::seen(const Uid& uid, SinceBoot now, Events& events) {
  if (held_ && held_->uid == uid) {
    held_->last_seen = now;
    return;
  }
  // Every check byte was right, so one look is enough to end the first presence; the second must
  // still prove itself before it begins.
  release(events);
  candidate_looks_ = candidate_ == uid ? candidate_looks_ + 1 : 1;
  candidate_ = uid;
  if (candidate_looks_ < rules_.looks_to_arrive) return;
  held_ = Held{.uid = uid, .last_seen = now};
  forget_candidate();
  refusal_told_ = false;
  events.emplace_back(CardArrived{.uid = uid, .lay_there = field_ != Field::was_clear});
}

void CardPresence::silence(SinceBoot now, Events& events) {
  if (field_ == Field::not_looked_at) field_ = Field::was_clear;  // the first look of all
  if (!silent_since_) silent_since_ = now;
  if (silences_ < rules_.silences_to_leave) ++silences_;
  const bool clear =
      silences_ >= rules_.silences_to_leave && now - *silent_since_ >= rules_.silence_to_leave;
  if (!clear) return;
  field_ = Field::was_clear;
  release(events);
  refusal_told_ = false;
}

// While a card is held, several cards at once are only unreadable: the held one is among them until
// the backstop says otherwise.
void CardPresence::refuse(const std::string& why, Events& events) {
  if (refusals_ < rules_.looks_to_arrive) ++refusals_;
  if (held_ || refusal_told_ || refusals_ < rules_.looks_to_arrive) return;
  refusal_told_ = true;
  events.emplace_back(CardRefused{.why = why});
}

// Some broken answers are usual while a card is being laid on; a card that gives nothing else for
// half a second is worth a word to the guest and to staff.
void CardPresence::unreadable(const std::string& what, Events& events) {
  if (unreadable_looks_ < rules_.looks_to_call_unreadable) ++unreadable_looks_;
  if (held_ || refusal_told_ || unreadable_looks_ < rules_.looks_to_call_unreadable) return;
  refusal_told_ = true;
  events.emplace_back(CardRefused{.why = "a card lies there that cannot be read (" + what +
                                         "): lay it flat, or take another card"});
}

void CardPresence::trouble(const std::string& what, SinceBoot now, Events& events) {
  if (failed_) return;
  if (!trouble_since_) trouble_since_ = now;
  if (troubles_ < rules_.troubles_to_fault) ++troubles_;
  const bool lasts =
      troubles_ >= rules_.troubles_to_fault && now - *trouble_since_ >= rules_.trouble_to_fault;
  if (!lasts) return;
  failed_ = true;
  field_ = Field::doubtful;
  release(events);
  events.emplace_back(ReaderFailed{.what = what});
}

void CardPresence::reader_works(Events& events) {
  troubles_ = 0;
  trouble_since_.reset();
  if (!failed_) return;
  failed_ = false;
  events.emplace_back(ReaderBack{});
}

void CardPresence::release(Events& events) {
  unreadable_looks_ = 0;
  if (!held_) return;
  events.emplace_back(CardLeft{.uid = held_->uid, .last_seen = held_->last_seen});
  held_.reset();
}

void CardPresence::forget_candidate() {
  candidate_.reset();
  candidate_looks_ = 0;
}

void CardPresence::break_silence() {
  silences_ = 0;
  silent_since_.reset();
}

}  // namespace tapd::drivers
