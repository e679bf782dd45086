#include "sync/authorize_lane.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "sync/wire.hpp"

namespace tapd::sync {
namespace {

constexpr const char* card_work = "keeping the card's status";
constexpr const char* marker_work = "marking the request";

AuthorizeVerdict leave_in_body(LaneContext& context, const Heard& heard) {
  auto answer = decode_authorize(heard.body);
  if (!answer) {
    context.made_no_sense(endpoint::authorize, answer.error().why);
    return NoAnswer{"the server's answer makes no sense: " + answer.error().why};
  }
  context.made_sense(endpoint::authorize);
  context.succeeded(context.leaves_answered);
  return std::visit([](auto& said) -> AuthorizeVerdict { return std::move(said); }, *answer);
}

}  // namespace

AuthorizeVerdict read_leave(LaneContext& context, const Heard& heard) {
  using Kind = Heard::Kind;
  switch (heard.kind) {
    case Kind::usable:
      return leave_in_body(context, heard);
    case Kind::token:
    case Kind::refused: {
      const ErrorBody said = decode_error(heard.body);
      if (!said.reason.empty()) {
        context.made_sense(endpoint::authorize);
        context.succeeded(context.leaves_answered);
        return Refused{said.reason, said.message};
      }
      if (heard.kind == Kind::token) {
        context.board.token_refused(endpoint::authorize, heard.why);
        return NoAnswer{heard.why};
      }
      // A conflict without a reason is still a no to this card at this tap.
      if (heard.status == 409) return Refused{"conflict", said.message};
      [[fallthrough]];
    }
    case Kind::unchanged:
    case Kind::not_found:
    case Kind::server_error:
    case Kind::nonsense:
      context.made_no_sense(endpoint::authorize, heard.why);
      return NoAnswer{heard.why};
    case Kind::too_many:
    case Kind::unavailable:
    case Kind::no_answer:
    case Kind::no_link:
    case Kind::cancelled:
      return NoAnswer{heard.why};
  }
  return NoAnswer{heard.why};
}

void AuthorizeLane::ask(const AuthorizeAsk& ask, const model::Moment& now) {
  Asked asked;
  asked.ask = ask;
  asked.deadline = now.since_boot + context_.options.authorize_deadline;
  if (context_.circuit.is_hopeless()) {
    context_.circuit.hurry(now.since_boot);
    answer(asked, NoAnswer{"the server is not there"});
  } else if (asked_.size() >= most_asks) {
    answer(asked, NoAnswer{"too many authorizations at once"});
  } else {
    asked_.push_back(std::move(asked));
  }
}

void AuthorizeLane::due(const model::Moment& now, std::vector<Outgoing>& outgoing) {
  expire(now);
  for (Asked& asked : asked_) {
    if (asked.request != 0 || asked.answered) continue;
    if (is_kept_back(asked, now)) {
      // What it waits for is sent to a server that is known to be there only.
      context_.circuit.hurry(now.since_boot);
      continue;
    }
    if (auto request = send(asked, now)) outgoing.push_back(std::move(*request));
  }
  std::erase_if(asked_, [](const Asked& each) { return each.answered && each.request == 0; });
}

bool AuthorizeLane::is_kept_back(Asked& asked, const model::Moment& now) {
  if (context_.holds(asked.ask.card, asked.ask.tap)) return true;
  const bool was_behind = std::exchange(asked.behind_row, is_behind_row(asked, now));
  if (asked.behind_row && !was_behind) hurry(asked.ask.card, now);
  return asked.behind_row;
}

// Where each pour is paid for by an authorization of its own, a second one for the card would only
// be the first, and of two pours one would be free; and what was sent without an answer may come
// to the server yet, and take the lock of the pour that begins now. The row goes first; if that
// takes longer than the guest can wait, the cache decides. A server with snapshots would refuse the
// card for a lock at another tap that only our own row ends.
bool AuthorizeLane::is_behind_row(const Asked& asked, const model::Moment& now) {
  const auto standing = context_.books.card_standing(asked.ask.card, asked.ask.tap, {});
  if (!standing) return false;
  if (context_.offline_rows != OfflineRows::batched) {
    const bool from_before = now.since_boot < context_.late_from_before && standing->in_doubt;
    return standing->unsent || from_before || context_.late.of_card(asked.ask.card, now);
  }
  return standing->unsent && !standing->unsent_here &&
         now.since_boot - standing->unsent_began < longest_lock;
}

void AuthorizeLane::hurry(const model::CardUid& card, const model::Moment& now) {
  std::erase_if(hurried_at_,
                [&now](const auto& each) { return now.since_boot - each.second >= hurry_again; });
  if (!hurried_at_.emplace(card, now.since_boot).second) return;
  context_.hurried.insert(card);
  if (context_.offline_rows == OfflineRows::settled) context_.hurried_to_settle.insert(card);
}

void AuthorizeLane::expire(const model::Moment& now) {
  for (Asked& asked : asked_) {
    if (asked.answered || now.since_boot < asked.deadline) continue;
    answer(asked, NoAnswer{fmt::format("no answer within {} ms",
                                       context_.options.authorize_deadline.count())});
  }
}

std::optional<Outgoing> AuthorizeLane::send(Asked& asked, const model::Moment& now) {
  const auto marker = context_.books.ask_marker();
  if (!marker) {
    context_.board.books_trouble(marker_work, marker.error().message);
    answer(asked, NoAnswer{"the ledger does not answer"});
    return std::nullopt;
  }
  context_.board.books_well(marker_work);
  asked.marker = *marker;
  asked.request = context_.new_id();
  context_.grants.asked(asked.ask.card, asked.ask.tap, now.since_boot, asked.request);
  // Longer than the guest waits: an answer that comes late still brings a balance.
  const auto deadline =
      std::max(context_.options.authorize_deadline, context_.options.request_deadline);
  return Outgoing{asked.request,
                  context_.post(endpoint::authorize,
                                encode_authorize(asked.ask.card, asked.ask.tap), deadline)};
}

model::SinceBoot AuthorizeLane::wake_at() const {
  model::SinceBoot soonest = never;
  for (const Asked& asked : asked_) {
    if (asked.answered) continue;
    const bool to_send =
        asked.request == 0 && !asked.behind_row && !context_.holds(asked.ask.card, asked.ask.tap);
    soonest = std::min(soonest, to_send ? model::SinceBoot{} : asked.deadline);
  }
  return soonest;
}

bool AuthorizeLane::on_outcome(RequestId id, const HttpOutcome& outcome, const model::Moment& now) {
  const auto found = std::find_if(asked_.begin(), asked_.end(),
                                  [id](const Asked& each) { return each.request == id; });
  if (id == 0 || found == asked_.end()) return false;
  Asked asked = std::move(*found);
  asked_.erase(found);
  const Heard heard = context_.hear(endpoint::authorize, outcome, false, now);
  AuthorizeVerdict verdict = read_leave(context_, heard);
  watch_grant(asked, heard, verdict, now);
  remember(asked, verdict, now);
  // The guest may be pouring on the cached balance by now: a no is told even so, also when this
  // thread was busy until after the deadline.
  const bool no = std::holds_alternative<Refused>(verdict);
  if (!no && !asked.answered && now.since_boot >= asked.deadline) {
    verdict = NoAnswer{"the answer came too late"};
  }
  if (no || !asked.answered) {
    answer(asked, std::move(verdict));
  }
  return true;
}

void AuthorizeLane::answer(Asked& asked, AuthorizeVerdict verdict) {
  asked.answered = true;
  context_.board.tell(
      AuthorizeAnswered{asked.ask.ticket, asked.ask.card, asked.ask.tap, std::move(verdict)});
}

// Unless the server surely made no lock, what became of it is looked at later.
void AuthorizeLane::watch_grant(const Asked& asked, const Heard& heard,
                                const AuthorizeVerdict& verdict, const model::Moment& now) {
  const bool no_lock = std::holds_alternative<Refused>(verdict) ||
                       heard.kind == Heard::Kind::no_link || heard.kind == Heard::Kind::token ||
                       heard.kind == Heard::Kind::cancelled;
  const model::SinceBoot look_at = now.since_boot + Grants::until_begun;
  if (no_lock) {
    context_.grants.refused(asked.ask.card, asked.ask.tap, asked.request, look_at);
  } else if (std::holds_alternative<Allowed>(verdict)) {
    context_.grants.heard(asked.ask.card, asked.ask.tap, look_at);
  } else {
    context_.grants.look_later(asked.ask.card, asked.ask.tap, look_at);
  }
}

void AuthorizeLane::remember(const Asked& asked, const AuthorizeVerdict& verdict,
                             const model::Moment& now) {
  if (const auto* const allowed = std::get_if<Allowed>(&verdict)) {
    context_.hear_balance(asked.request, asked.ask.card, *allowed, asked.marker, now);
    return;
  }
  const auto* const refused = std::get_if<Refused>(&verdict);
  if (refused == nullptr || refused->reason != "lost_card") return;
  const auto kept = context_.books.hear_card_status(asked.ask.card, model::CardStatus::lost, now);
  if (kept) {
    context_.board.books_well(card_work);
  } else {
    context_.board.books_trouble(card_work, kept.error().message);
  }
}

}  // namespace tapd::sync
