#include "sync/settle_lane.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "sync/authorize_lane.hpp"

namespace tapd::sync {
namespace {

constexpr const char* fetch_work = "reading the offline pours";
constexpr const char* mark_work = "marking an offline pour as sent";
constexpr const char* verdict_work = "keeping the verdict on an offline pour";

}  // namespace

void SettleLane::due(const model::Moment& now, std::vector<Outgoing>& outgoing) {
  if (note_at() <= now.since_boot) note_unresolved(now);
  if (in_flight_ != 0) return;
  // What was uncertain has had its time, however long this lane waits for its next try.
  if (next_step_ == Step::none && now.since_boot >= context_.pours_quiet_until) {
    context_.held.reset();
  }
  if (!context_.circuit.is_closed()) {
    // What was authorized is too old by the time the server is back: settled anew then.
    if (next_step_ != Step::none) end(now);
    return;
  }
  switch (std::exchange(next_step_, Step::none)) {
    case Step::sending_row:
      return send_row(now, outgoing);
    case Step::releasing:
      return send_release(outgoing);
    case Step::none:
    case Step::asking:
    case Step::asking_again:
      break;
  }
  if (wake_at() > now.since_boot) return;
  if (!release_abandoned(now, outgoing)) settle_next(now, outgoing);
}

model::SinceBoot SettleLane::wake_at() const {
  if (in_flight_ != 0) return never;
  if (next_step_ != Step::none) return {};
  if (context_.pours_in_flight) return never;
  const Grants::Grant* const grant = context_.grants.next();
  model::SinceBoot soonest = grant == nullptr ? never : grant->look_at;
  soonest = std::min(soonest, rows_look_at());
  if (context_.held) soonest = std::min(soonest, context_.pours_quiet_until);
  return std::max({soonest, not_before_, context_.pours_quiet_until});
}

model::SinceBoot SettleLane::rows_look_at() const {
  if (context_.offline_rows != OfflineRows::settled) return never;
  return context_.hurried_to_settle.empty() ? next_look_ : model::SinceBoot{};
}

void SettleLane::settle_next(const model::Moment& now, std::vector<Outgoing>& outgoing) {
  if (now.since_boot < rows_look_at()) return;
  pour_ = choose(now);
  if (pour_) ask(now, outgoing);
}

// The oldest row whose card and tap are free. A row that failed lately lets the others go first.
// Behind many rows of cards in use it is looked for further on.
std::optional<model::Pour> SettleLane::choose(const model::Moment& now) {
  next_look_ = now.since_boot + look_again;
  doubts_.weigh(records());
  bool failed = false;
  if (auto hurried = choose_hurried(now, failed); hurried || failed) return hurried;
  for (std::size_t most = few_considered; most <= most_considered; most *= 4) {
    const auto rows = context_.books.due_pours(most, now, storage::DueRows::to_settle);
    if (!rows) {
      books_failed(fetch_work, rows.error(), now);
      return std::nullopt;
    }
    context_.board.books_well(fetch_work);
    std::optional<model::Pour> chosen = first_free(*rows, now, failed);
    if (chosen || failed) return chosen;
    if (rows->size() < most) break;
  }
  passed_over_.clear();
  return std::nullopt;
}

// A guest waits at a tap behind a row.
std::optional<model::Pour> SettleLane::choose_hurried(const model::Moment& now, bool& failed) {
  const auto cards = std::exchange(context_.hurried_to_settle, {});
  if (cards.empty()) return std::nullopt;
  auto rows = context_.books.due_pours(most_considered, now, storage::DueRows::to_settle);
  if (!rows) {
    failed = true;
    books_failed(fetch_work, rows.error(), now);
    return std::nullopt;
  }
  std::erase_if(*rows, [&](const auto& row) { return !cards.contains(row.begin.card_uid); });
  for (const model::Pour& row : *rows) passed_over_.erase(row.begin.client_tx_id);
  return first_free(*rows, now, failed);
}

std::optional<model::Pour> SettleLane::first_free(const std::vector<model::Pour>& rows,
                                                  const model::Moment& now, bool& failed) {
  std::set<model::CardUid> seen;  // Of one card the oldest goes first that does not wait.
  for (const model::Pour& row : rows) {
    const model::PourBegin& begin = row.begin;
    if (doubts_.waits(begin.client_tx_id, now, records())) continue;
    if (!seen.insert(begin.card_uid).second) continue;
    if (passed_over_.contains(begin.client_tx_id)) continue;
    if (context_.late.but_for(begin.client_tx_id, begin.card_uid, begin.tap_id, now)) continue;
    if (context_.grants.concern(begin.card_uid, begin.tap_id)) continue;
    const auto standing = context_.books.card_standing(begin.card_uid, begin.tap_id, {});
    if (!standing) {
      books_failed(standing_work, standing.error(), now);
      failed = true;
      return std::nullopt;
    }
    if (!standing->in_session && !standing->unsent) return row;
  }
  return std::nullopt;
}

void SettleLane::ask(const model::Moment& now, std::vector<Outgoing>& outgoing) {
  const model::PourBegin& begin = pour_->begin;
  const auto marked = context_.books.mark_sent({begin.client_tx_id}, now);
  if (!marked) return books_failed(mark_work, marked.error(), now);
  const auto marker = context_.books.ask_marker();
  if (!marker) return books_failed(mark_work, marker.error(), now);
  context_.board.books_well(mark_work);
  PourRows checked = encode_pours({*pour_});
  if (!checked.unsendable.empty()) return judge_row(checked.unsendable.front(), now);
  marker_ = *marker;
  ask_for(Step::asking, begin.card_uid, begin.tap_id, outgoing);
}

void SettleLane::ask_for(Step step, const model::CardUid& card, model::TapId tap,
                         std::vector<Outgoing>& outgoing) {
  step_ = step;
  in_flight_ = context_.new_id();
  context_.pours_in_flight = true;
  context_.batch_was_last = false;
  context_.held = LaneContext::Held{card, tap};
  outgoing.push_back({in_flight_, context_.post(endpoint::authorize, encode_authorize(card, tap),
                                                context_.options.request_deadline)});
}

// Staff may have parked the row while the authorization was asked for, and booked it by hand: sent
// all the same, it would be paid twice. The ledger refuses a row that does not wait any more.
void SettleLane::send_row(const model::Moment& now, std::vector<Outgoing>& outgoing) {
  const auto waits = context_.books.mark_sent({pour_->begin.client_tx_id}, now);
  if (!waits && waits.error().kind != storage::Error::Kind::refused) {
    return books_failed(mark_work, waits.error(), now);
  }
  if (!waits) {
    release_soon(now);
    return end(now);
  }
  step_ = Step::sending_row;
  in_flight_ = context_.new_id();
  outgoing.push_back({in_flight_, context_.post(endpoint::pours, encode_pours({*pour_}).body,
                                                context_.options.request_deadline)});
}

bool SettleLane::on_outcome(RequestId id, const HttpOutcome& outcome, const model::Moment& now) {
  if (id == 0 || id != in_flight_) return false;
  in_flight_ = 0;
  const bool asks = step_ == Step::asking || step_ == Step::asking_again;
  const Heard heard =
      context_.hear(asks ? endpoint::authorize : endpoint::pours, outcome, false, now);
  switch (std::exchange(step_, Step::none)) {
    case Step::asking:
      on_leave(id, heard, now);
      break;
    case Step::sending_row:
      on_row_answer(heard, now);
      break;
    case Step::asking_again:
      on_asked_again(heard, now);
      break;
    case Step::releasing:
      on_release_answer(heard, now);
      break;
    case Step::none:
      break;
  }
  return true;
}

void SettleLane::on_leave(RequestId id, const Heard& heard, const model::Moment& now) {
  const AuthorizeVerdict verdict = read_leave(context_, heard);
  if (const auto* const allowed = std::get_if<Allowed>(&verdict)) {
    context_.hear_balance(id, pour_->begin.card_uid, *allowed, marker_, now);
    return on_allowed(*allowed, now);
  }
  if (const auto* const refused = std::get_if<Refused>(&verdict)) {
    // It will not be charged, but staff shall know of it; and what was sent before may be booked.
    if (refused->reason != in_use || pour_->status == model::PourStatus::sent) {
      next_step_ = Step::sending_row;
      return;
    }
    return judge_row({pour_->begin.client_tx_id, storage::Verdict::Kind::spend_attempt, in_use,
                      refused->message},
                     now);
  }
  if (heard.kind == Heard::Kind::server_error) return on_server_error(Step::asking, heard, now);
  if (heard.kind == Heard::Kind::refused) {
    return judge_row(
        culprit_verdict(pour_->begin.client_tx_id, heard.status, decode_error(heard.body)), now);
  }
  later_then(heard, now);
}

void SettleLane::on_allowed(const Allowed& allowed, const model::Moment& now) {
  const model::PourBegin& begin = pour_->begin;
  if (allowed.guest_id != begin.guest_id) {
    release_soon(now);
    context_.grants.heard(begin.card_uid, begin.tap_id, now.since_boot);
    std::string why = "the card belongs to another guest by now; staff decides who pays";
    if (pour_->status == model::PourStatus::sent) {
      why += "; it was sent before: look first whether the venue has booked it";
    }
    return judge_row({begin.client_tx_id, storage::Verdict::Kind::final_failure, "guest_changed",
                      std::move(why)},
                     now);
  }
  // One minor unit past the limit without a tail, and the existing server gives the whole pour
  // away. A server with snapshots compares a row that it knows: to it, it must never change.
  if (context_.without_snapshots && pour_->volume > allowed.most) {
    pour_->tail = std::max(pour_->tail, pour_->volume - allowed.most);
  }
  next_step_ = Step::sending_row;
}

void SettleLane::on_row_answer(const Heard& heard, const model::Moment& now) {
  const model::ClientTxId row = pour_->begin.client_tx_id;
  if (heard.kind == Heard::Kind::usable) {
    const auto answer = decode_pours(heard.body);
    if (answer) {
      context_.made_sense(endpoint::pours);
      context_.succeeded(context_.pours_judged);
      return judge_sent(judge({{row, false}}, answer->results).verdicts.front(), now);
    }
    context_.made_no_sense(endpoint::pours, answer.error().why);
    return unanswered(heard, now);
  }
  if (heard.kind == Heard::Kind::server_error) {
    return on_server_error(Step::sending_row, heard, now);
  }
  if (heard.kind == Heard::Kind::refused) {
    return judge_sent(culprit_verdict(row, heard.status, decode_error(heard.body)), now);
  }
  unanswered(heard, now);
}

// It may come to the server yet. One that is so again and again, while others are judged, may be
// what makes the server hang, and goes ever more seldom.
void SettleLane::unanswered(const Heard& heard, const model::Moment& now) {
  const model::PourBegin& begin = pour_->begin;
  const model::ClientTxId& row = begin.client_tx_id;
  if (may_come_late(heard)) context_.late.unheard(row, begin.card_uid, begin.tap_id, now);
  if (leaves_in_doubt(heard)) {
    const std::int32_t silences = doubts_.silent(row, records());
    if (silences > 1) {
      doubts_.look_later(row, now, context_.row_delay(silences - 2));
      release_soon(now);
    }
  }
  later_then(heard, now);
}

// The server is there; but authorizations or pours may be what it cannot do. Only a row that was
// authorized leaves a lock behind.
void SettleLane::on_server_error(Step step, const Heard& heard, const model::Moment& now) {
  const model::ClientTxId row = pour_->begin.client_tx_id;
  const bool locked = step == Step::sending_row;
  const auto work = locked ? Doubts::Work::booking : Doubts::Work::authorizing;
  const Doubts::Verdict doubt = doubts_.failed(row, work, records());
  if (doubt.at_fault) {
    const auto verdict = culprit_verdict(row, heard.status, decode_error(heard.body));
    return locked ? judge_sent(verdict, now) : judge_row(verdict, now);
  }
  context_.made_no_sense(locked ? endpoint::pours : endpoint::authorize,
                         fmt::format("pour {}: {}", row.short_id(), heard.why));
  doubts_.look_later(row, now, context_.row_delay(doubt.failures));
  // It is not tried again soon, and its card must not be locked for so long.
  if (doubt.failures > 0 && locked) release_soon(now);
  const auto noted =
      context_.books.apply_verdicts({{row, storage::Verdict::Kind::not_judged, "", heard.why}},
                                    context_.options.attempt_cap, now, now);
  if (!noted) return books_failed(verdict_work, noted.error(), now);
  context_.board.books_well(verdict_work);
  later_then(heard, now);
}

Doubts::Records SettleLane::records() const {
  const auto record = [this](const LaneContext::Successes& done) {
    return Doubts::Record{done.count, done.troubles_then, context_.troubles};
  };
  return {record(context_.leaves_answered), record(context_.pours_judged)};
}

// What the row did not use of the authorization that was asked for it is released next.
void SettleLane::judge_sent(const storage::Verdict& verdict, const model::Moment& now) {
  if (leaves_authorization(verdict)) release_soon(now);
  if (verdict.kind != storage::Verdict::Kind::spend_attempt) {
    context_.late.recorded(verdict.client_tx_id);
  }
  judge_row(verdict, now);
}

void SettleLane::judge_row(const storage::Verdict& verdict, const model::Moment& now) {
  const auto applied =
      context_.books.apply_verdicts({verdict}, context_.options.attempt_cap, now,
                                    later(now, context_.row_delay(pour_->attempts)));
  if (!applied) return books_failed(verdict_work, applied.error(), now);
  context_.board.books_well(verdict_work);
  context_.tell_of({verdict}, [this](const auto&) { return LaneContext::row_of(*pour_); }, now);
  doubts_.judged(verdict.client_tx_id);
  passed_over_.erase(verdict.client_tx_id);
  backoff_.succeed();
  next_look_ = {};
  end(now);
}

// No verdict: the row stays `sent` and is settled anew, after the others had a turn.
void SettleLane::later_then(const Heard& heard, const model::Moment& now) {
  if (heard.kind == Heard::Kind::token) {
    context_.board.token_refused(endpoint::pours, heard.why);
  }
  if (pour_) passed_over_.insert(pour_->begin.client_tx_id);
  if (grant_) {
    context_.grants.look_later(grant_->card, grant_->tap, now.since_boot + Grants::until_begun);
  }
  // What others had a verdict since is trouble of this one alone, and slows nobody else down.
  const std::uint64_t judged = context_.pours_judged.count;
  if (std::exchange(judged_, judged) != judged) {
    backoff_.succeed();
  }
  not_before_ = now.since_boot + backoff_.fail(context_.random, heard.retry_after);
  const auto held = context_.held;
  end(now);
  if (leaves_in_doubt(heard)) {
    // The card waits, too.
    context_.held = held;
    context_.be_quiet(now);
  }
}

void SettleLane::end(const model::Moment& /*now*/) {
  step_ = Step::none;
  next_step_ = Step::none;
  pour_.reset();
  grant_.reset();
  context_.held.reset();
  context_.pours_in_flight = false;
}

void SettleLane::books_failed(const char* work, const storage::Error& error,
                              const model::Moment& now) {
  context_.board.books_trouble(work, error.message);
  not_before_ = now.since_boot + backoff_.fail(context_.random);
  end(now);
}

}  // namespace tapd::sync
