#include "sync/lane_context.hpp"

#include <utility>

#include <fmt/format.h>

#include "sync/wire.hpp"

namespace tapd::sync {
namespace {

Heard::Kind heard_kind(AnswerKind kind) {
  switch (kind) {
    case AnswerKind::usable:
      return Heard::Kind::usable;
    case AnswerKind::unchanged:
      return Heard::Kind::unchanged;
    case AnswerKind::not_found:
      return Heard::Kind::not_found;
    case AnswerKind::token:
      return Heard::Kind::token;
    case AnswerKind::refused:
      return Heard::Kind::refused;
    case AnswerKind::too_many:
      return Heard::Kind::too_many;
    case AnswerKind::server_error:
      return Heard::Kind::server_error;
    case AnswerKind::unavailable:
      return Heard::Kind::unavailable;
    case AnswerKind::nonsense:
      return Heard::Kind::nonsense;
  }
  return Heard::Kind::nonsense;
}

std::optional<std::chrono::milliseconds> retry_after(const HttpResponse& response) {
  const auto asked = header(response, "retry-after");
  if (!asked) return std::nullopt;
  const auto date = header(response, "date");
  return parse_retry_after(*asked, date ? parse_http_date(*date) : std::nullopt);
}

std::string status_text(const HttpResponse& response) {
  const ErrorBody said = decode_error(response.body);
  if (said.reason.empty() && said.message.empty()) return fmt::format("HTTP {}", response.status);
  return fmt::format("HTTP {}: {}{}{}", response.status, said.reason,
                     said.reason.empty() || said.message.empty() ? "" : ", ", said.message);
}

}  // namespace

LaneContext::LaneContext(EngineOptions engine_options, Books& ledger, Random generator)
    : options{std::move(engine_options)},
      books{ledger},
      random{std::move(generator)},
      circuit{BackoffLimits{options.first_backoff, options.longest_backoff}},
      limits_{options.first_backoff, options.longest_backoff} {}

HttpRequest LaneContext::get(std::string path, std::chrono::milliseconds deadline) const {
  HttpRequest request;
  request.method = HttpRequest::Method::get;
  request.path = std::move(path);
  request.headers = {{"Accept", "application/json"}, {"X-Internal-Token", options.token}};
  request.deadline = deadline;
  return request;
}

HttpRequest LaneContext::post(std::string path, std::string body,
                              std::chrono::milliseconds deadline) const {
  HttpRequest request = get(std::move(path), deadline);
  request.method = HttpRequest::Method::post;
  request.headers.emplace("Content-Type", "application/json");
  request.body = std::move(body);
  return request;
}

Heard LaneContext::hear(const std::string& endpoint, const HttpOutcome& outcome, bool from_probe,
                        const model::Moment& now) {
  if (!outcome) return no_response(outcome.error(), from_probe, now);
  Heard heard;
  heard.kind = heard_kind(kind_of(outcome->status));
  heard.status = outcome->status;
  heard.body = outcome->body;
  count_trouble(endpoint, heard);
  if (heard.kind == Heard::Kind::usable || heard.kind == Heard::Kind::unchanged) return heard;
  heard.why = status_text(*outcome);
  heard.retry_after = retry_after(*outcome);
  const bool busy = heard.kind == Heard::Kind::too_many;
  if (busy || heard.kind == Heard::Kind::unavailable || heard.kind == Heard::Kind::nonsense) {
    const auto cause = busy ? Circuit::Cause::told_to_wait : Circuit::Cause::trouble;
    opened(circuit.fail(cause, from_probe, heard.retry_after, now.since_boot, random), heard.why);
  } else if (circuit.succeed()) {
    board.reachable();
  }
  return heard;
}

// An endpoint that is simply broken is no news. Of pours and authorizations each error counts: they
// are what is weighed.
void LaneContext::count_trouble(const std::string& endpoint, const Heard& heard) {
  if (heard.kind == Heard::Kind::unavailable) ++troubles;
  if (heard.kind != Heard::Kind::server_error) {
    failing_.erase(endpoint);
    return;
  }
  const bool is_news = failing_.insert(endpoint).second;
  if (is_news || endpoint == endpoint::pours || endpoint == endpoint::authorize) ++troubles;
}

Heard LaneContext::no_response(const TransportError& error, bool from_probe,
                               const model::Moment& now) {
  using Kind = TransportError::Kind;
  Heard heard;
  heard.why = error.message;
  ++troubles;
  switch (error.kind) {
    case Kind::cancelled:
      heard.kind = Heard::Kind::cancelled;
      break;
    case Kind::too_large:
      heard.kind = Heard::Kind::nonsense;
      break;
    case Kind::no_link:
      heard.kind = Heard::Kind::no_link;
      break;
    case Kind::timeout:
    case Kind::tls:
    case Kind::other:
      heard.kind = Heard::Kind::no_answer;
      break;
  }
  const bool about_the_link = error.kind != Kind::cancelled && error.kind != Kind::too_large;
  if (!about_the_link && !from_probe) return heard;
  const auto cause =
      error.kind == Kind::no_link ? Circuit::Cause::no_link : Circuit::Cause::trouble;
  opened(circuit.fail(cause, from_probe, std::nullopt, now.since_boot, random), heard.why);
  return heard;
}

void LaneContext::opened(std::optional<std::chrono::milliseconds> delay, const std::string& why) {
  if (delay) board.unreachable(why, *delay);
}

void LaneContext::tell_of(const std::vector<storage::Verdict>& verdicts, const Known& known,
                          const model::Moment& now) {
  using Kind = storage::Verdict::Kind;
  PoursConfirmed confirmed;
  for (const storage::Verdict& verdict : verdicts) {
    const Row row = known(verdict.client_tx_id);
    if (verdict.kind == Kind::confirmed) {
      ++confirmed.count;
      // The boot may be another one: only the walls of both compare.
      const bool timed = !row.empty && row.end.wall_trusted && now.wall_trusted;
      if (timed && now.wall >= row.end.wall) confirmed.after.push_back(now.wall - row.end.wall);
    }
    if (!is_unbilled(verdict)) continue;
    const bool last = row.attempts + 1 >= options.attempt_cap;
    const bool final = verdict.kind != Kind::spend_attempt || last;
    board.tell(PourNotBooked{verdict.client_tx_id, verdict.outcome, verdict.reason, final});
  }
  if (confirmed.count > 0) board.tell(std::move(confirmed));
}

void LaneContext::hear_balance(RequestId request, const model::CardUid& card,
                               const Allowed& allowed, storage::Marker asked,
                               const model::Moment& now) {
  constexpr const char* work = "keeping the balance heard";
  if (balances.is_overtaken(allowed.guest_id, request)) return;
  const auto kept = books.hear_balance(
      {card, allowed.guest_id, allowed.guest_first_name, allowed.balance, asked, now});
  if (!kept) return board.books_trouble(work, kept.error().message);
  board.books_well(work);
  balances.heard(allowed.guest_id, card, request);
}

void LaneContext::made_sense(const std::string& endpoint) {
  board.sense(endpoint);
  board.token_taken(endpoint);
  if (circuit.succeed()) board.reachable();
}

void LaneContext::made_no_sense(const std::string& endpoint, const std::string& why) {
  board.nonsense(endpoint, why);
}

void LaneContext::not_the_server(const std::string& why, bool from_probe,
                                 const model::Moment& now) {
  opened(circuit.fail(Circuit::Cause::trouble, from_probe, std::nullopt, now.since_boot, random),
         why);
}

bool may_come_late(const Heard& heard) {
  using Kind = Heard::Kind;
  switch (heard.kind) {
    case Kind::usable:
    case Kind::unchanged:
    case Kind::too_many:
    case Kind::unavailable:
    case Kind::nonsense:
    case Kind::no_answer:
      return true;
    case Kind::not_found:
    case Kind::token:
    case Kind::refused:
    case Kind::server_error:
    case Kind::no_link:
    case Kind::cancelled:
      return false;
  }
  return true;
}

// A proxy that gave up waiting (502, 504) knows no more than we do.
bool leaves_in_doubt(const Heard& heard) {
  constexpr int not_now = 503;
  return heard.kind == Heard::Kind::no_answer ||
         (heard.kind == Heard::Kind::unavailable && heard.status != not_now);
}

model::Moment later(const model::Moment& now, std::chrono::milliseconds delay) {
  return {now.since_boot + delay, now.wall + delay, now.wall_trusted};
}

}  // namespace tapd::sync
