// The settle lane's other work: locks at the server that no pour followed are released.
#include <algorithm>
#include <utility>

#include "storage/row_words.hpp"
#include "sync/authorize_lane.hpp"
#include "sync/settle_lane.hpp"

namespace tapd::sync {
namespace {

// A row of no volume: it releases the lock and books nothing.
model::Pour release_of(const Grants::Grant& grant, const model::ClientTxId& id) {
  model::Pour row;
  row.begin.client_tx_id = id;
  row.begin.card_uid = grant.card;
  row.begin.tap_id = grant.tap;
  return row;
}

bool contains(const storage::LeftBehind::Locks& locks, const storage::LeftBehind::Lock& lock) {
  return std::find(locks.begin(), locks.end(), lock) != locks.end();
}

constexpr const char* note_work = "noting what was authorized in an outage";

}  // namespace

void SettleLane::release_what_was_noted(const model::Moment& now) {
  for (const auto& [card, tap] : std::exchange(before_, {})) {
    context_.release_given_up(card, tap, now);
  }
}

// An outage is long, and what is noted changes seldom: nobody may be kept busy by it.
model::SinceBoot SettleLane::note_at() const {
  const auto& grants = context_.grants.all();
  const model::SinceBoot earliest = noted_at_ + Grants::until_begun;
  if (grants.empty()) return noted_ == before_ ? never : earliest;
  model::SinceBoot soonest = noted_ == before_ ? never : noted_at_ + note_lasts;
  // Of all that wait the newest are noted.
  const auto newest = grants.end() - std::ptrdiff_t(std::min(grants.size(), most_noted));
  for (auto grant = newest; grant != grants.end(); ++grant) {
    if (contains(noted_, {grant->card, grant->tap})) continue;
    soonest = std::min<model::SinceBoot>(soonest, grant->asked + Grants::unresolved_after);
  }
  return soonest == never ? never : std::max(earliest, soonest);
}

// While the server is away nobody can look what became of an authorization whose answer was lost,
// and only the memory knows of it. Where a pour follows soon, which is nearly always, nothing is
// written.
void SettleLane::note_unresolved(const model::Moment& now) {
  noted_at_ = now.since_boot;
  auto locks = unresolved(now);
  if (locks && *locks == noted_) return;
  const auto kept = locks ? context_.books.note_locks(*locks)
                          : storage::Result<>{tl::make_unexpected(locks.error())};
  if (!kept) return context_.board.books_trouble(note_work, kept.error().message);
  context_.board.books_well(note_work);
  noted_ = *std::move(locks);
}

storage::Result<storage::LeftBehind::Locks> SettleLane::unresolved(const model::Moment& now) {
  storage::LeftBehind::Locks locks = before_;
  const std::vector<Grants::Grant> grants = context_.grants.all();
  for (const Grants::Grant& grant : grants) {
    const storage::LeftBehind::Lock lock{grant.card, grant.tap};
    if (!contains(noted_, lock) && now.since_boot < grant.asked + Grants::unresolved_after) {
      continue;
    }
    const auto standing = context_.books.card_standing(grant.card, grant.tap, grant.asked);
    if (!standing) return tl::make_unexpected(standing.error());
    if (standing->began_since && grant.look_at != Grants::never_looked) {
      context_.grants.forget(grant.card, grant.tap);
    }
    // A row that is still to be sent pays with it.
    if (standing->began_since || standing->unsent_here) continue;
    if (!contains(locks, lock)) locks.push_back(lock);
  }
  if (locks.size() > most_noted) {
    locks.erase(locks.begin(), locks.end() - std::ptrdiff_t{most_noted});
  }
  return locks;
}

// True when the turn was used up.
bool SettleLane::release_abandoned(const model::Moment& now, std::vector<Outgoing>& outgoing) {
  const Grants::Grant* const next = context_.grants.next();
  if (next == nullptr || next->look_at > now.since_boot) return false;
  grant_ = *next;
  const auto standing = context_.books.card_standing(grant_->card, grant_->tap, grant_->asked);
  if (!standing) {
    books_failed(standing_work, standing.error(), now);
    return true;
  }
  context_.board.books_well(standing_work);
  if (standing->began_since) {
    context_.grants.forget(grant_->card, grant_->tap);
    grant_.reset();
    return false;
  }
  // A row that is still to be sent pays with this lock.
  if (standing->in_session || standing->unsent_here) {
    context_.grants.look_later(grant_->card, grant_->tap, now.since_boot + Grants::until_begun);
    grant_.reset();
    return false;
  }
  if (grant_->sure || grant_->release) {
    send_release(outgoing);
  } else {
    ask_for(Step::asking_again, grant_->card, grant_->tap, outgoing);
  }
  return true;
}

void SettleLane::send_release(std::vector<Outgoing>& outgoing) {
  step_ = Step::releasing;
  in_flight_ = context_.new_id();
  context_.pours_in_flight = true;
  context_.batch_was_last = false;
  context_.held = LaneContext::Held{grant_->card, grant_->tap};
  const model::ClientTxId id = context_.grants.release_id(*grant_, context_.random);
  grant_->release = id;
  outgoing.push_back(
      {in_flight_, context_.post(endpoint::pours, encode_pours({release_of(*grant_, id)}).body,
                                 context_.options.request_deadline)});
}

// The authorization of the row at hand pays for nothing: like any that no pour followed.
void SettleLane::release_soon(const model::Moment& now) {
  const model::PourBegin& begin = pour_->begin;
  context_.grants.release_soon(begin.card_uid, begin.tap_id, now.since_boot);
}

void SettleLane::on_asked_again(const Heard& heard, const model::Moment& now) {
  const AuthorizeVerdict verdict = read_leave(context_, heard);
  const auto* const refused = std::get_if<Refused>(&verdict);
  if (refused != nullptr && refused->reason == in_use) {
    // The card is locked elsewhere, so not here.
    context_.grants.forget(grant_->card, grant_->tap);
    return end(now);
  }
  if (std::holds_alternative<NoAnswer>(verdict)) return not_released(heard, now);
  next_step_ = Step::releasing;
}

void SettleLane::on_release_answer(const Heard& heard, const model::Moment& now) {
  const model::ClientTxId id = *grant_->release;
  if (heard.kind == Heard::Kind::usable) {
    const auto answer = decode_pours(heard.body);
    if (answer) {
      context_.made_sense(endpoint::pours);
      return on_release_judged(judge({{id, true}}, answer->results).verdicts.front(), heard, now);
    }
    context_.made_no_sense(endpoint::pours, answer.error().why);
  }
  if (may_come_late(heard)) context_.late.unheard(id, grant_->card, grant_->tap, now);
  not_released(heard, now);
}

void SettleLane::on_release_judged(const storage::Verdict& verdict, const Heard& heard,
                                   const model::Moment& now) {
  if (verdict.kind == storage::Verdict::Kind::spend_attempt) {
    // Before the server looked at the lock.
    Heard refused = heard;
    refused.kind = Heard::Kind::refused;
    refused.why = verdict.outcome;
    return not_released(refused, now);
  }
  // One that ended no lock is not recorded, and may have come before its copy.
  if (verdict.outcome != storage::audit_only) context_.late.recorded(verdict.client_tx_id);
  context_.grants.forget(grant_->card, grant_->tap);
  end(now);
}

void SettleLane::not_released(const Heard& heard, const model::Moment& now) {
  Grants::Grant* const known = context_.grants.find(grant_->card, grant_->tap);
  later_then(heard, now);
  if (known == nullptr) return;
  const bool own_error =
      heard.kind == Heard::Kind::server_error || heard.kind == Heard::Kind::refused;
  const std::uint64_t judged = context_.pours_judged.count;
  const bool alone = std::exchange(known->judged_then, judged) != judged;
  if (own_error || (alone && leaves_in_doubt(heard))) release_failed(*known, heard, now);
}

// The row or the server may be at fault: tried ever more seldom.
void SettleLane::release_failed(Grants::Grant& grant, const Heard& heard,
                                const model::Moment& now) {
  if (++grant.failures >= most_releases) {
    context_.made_no_sense(endpoint::pours, "a lock is not released: " + heard.why);
    context_.grants.forget(model::CardUid{grant.card}, grant.tap);
    return;
  }
  grant.look_at = now.since_boot + doubled(Grants::until_begun, grant.failures - 1,
                                           context_.options.longest_row_retry);
}

}  // namespace tapd::sync
