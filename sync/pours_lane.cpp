#include "sync/pours_lane.hpp"

#include <algorithm>
#include <functional>
#include <iterator>
#include <map>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "sync/wire.hpp"

namespace tapd::sync {
namespace {

constexpr const char* fetch_work = "reading the waiting pours";
constexpr const char* mark_work = "marking pours as sent";
constexpr const char* verdict_work = "keeping the server's verdicts";

Drain::Rows ids_of(const std::vector<model::Pour>& pours) {
  Drain::Rows ids;
  ids.reserve(pours.size());
  for (const model::Pour& pour : pours) ids.push_back(pour.begin.client_tx_id);
  return ids;
}

std::vector<model::Pour> picked(const std::vector<model::Pour>& due, const Drain::Rows& rows) {
  std::map<std::string_view, const model::Pour*> by_id;
  for (const model::Pour& pour : due) by_id.emplace(pour.begin.client_tx_id.text(), &pour);
  std::vector<model::Pour> pours;
  pours.reserve(rows.size());
  for (const model::ClientTxId& row : rows) {
    const auto found = by_id.find(row.text());
    if (found != by_id.end()) pours.push_back(*found->second);
  }
  return pours;
}

}  // namespace

void PoursLane::due(const model::Moment& now, std::vector<Outgoing>& outgoing) {
  if (wake_at() > now.since_boot || !context_.circuit.is_closed()) return;
  const auto due_rows = fetch(now);
  if (!due_rows) {
    books_failed(fetch_work, due_rows.error(), now);
    return;
  }
  context_.board.books_well(fetch_work);
  const Drain::Rows rows = drain_.pick(ids_of(*due_rows));
  if (rows.empty()) {
    look_ = false;
    next_look_ = now.since_boot + queue_poll;
    return;
  }
  fetched_.clear();
  for (const model::Pour& pour : *due_rows) {
    fetched_[pour.begin.client_tx_id] = LaneContext::row_of(pour);
  }
  send(picked(*due_rows, rows), now, outgoing);
}

// Rows of cards that are laid on go first, and before their time: a guest waits behind them.
storage::Result<storage::PourList> PoursLane::fetch(const model::Moment& now) {
  const bool all = context_.offline_rows == OfflineRows::batched;
  const auto which = all ? storage::DueRows::all : storage::DueRows::ready;
  auto due = context_.books.due_pours(drain_.wanted(), now, which);
  if (!due || context_.hurried.empty()) return due;
  const auto end_of_time = later(now, 2 * context_.options.longest_row_retry);
  auto rows = context_.books.due_pours(most_looked_through, end_of_time, which);
  if (!rows) return rows;
  const auto cards = std::exchange(context_.hurried, {});
  const auto hurried = [&](const model::Pour& row) { return cards.contains(row.begin.card_uid); };
  std::erase_if(*rows, std::not_fn(hurried));
  std::remove_copy_if(due->begin(), due->end(), std::back_inserter(*rows), hurried);
  return rows;
}

void PoursLane::send(const std::vector<model::Pour>& pours, const model::Moment& now,
                     std::vector<Outgoing>& outgoing) {
  look_ = true;
  if (const auto marked = context_.books.mark_sent(ids_of(pours), now); !marked) {
    books_failed(mark_work, marked.error(), now);
    return;
  }
  context_.board.books_well(mark_work);
  PourRows encoded = encode_pours(pours);
  if (!encoded.unsendable.empty() && !apply(encoded.unsendable, now)) return;
  if (encoded.rows.empty()) return;
  in_flight_ = context_.new_id();
  sent_at_ = now.since_boot;
  context_.pours_in_flight = true;
  context_.batch_was_last = true;
  drain_.started(std::move(encoded.rows));
  outgoing.push_back({in_flight_, context_.post(endpoint::pours, std::move(encoded.body),
                                                context_.options.request_deadline)});
}

model::SinceBoot PoursLane::wake_at() const {
  if (in_flight_ != 0 || context_.pours_in_flight) return never;
  const model::SinceBoot earliest = std::max(not_before_, context_.pours_quiet_until);
  return look_ || !context_.hurried.empty() ? earliest : std::max(earliest, next_look_);
}

bool PoursLane::on_outcome(RequestId id, const HttpOutcome& outcome, const model::Moment& now) {
  if (id == 0 || id != in_flight_) return false;
  in_flight_ = 0;
  context_.pours_in_flight = false;
  // While other requests fail as well, a row that fails proves nothing against itself.
  if (context_.troubles != troubles_seen_) drain_.accuse_nobody();
  const Heard heard = context_.hear(endpoint::pours, outcome, false, now);
  troubles_seen_ = context_.troubles;
  on_answer(heard, now);
  return true;
}

void PoursLane::on_answer(const Heard& heard, const model::Moment& now) {
  using Kind = Heard::Kind;
  switch (heard.kind) {
    case Kind::usable:
      on_judgement(heard, now);
      return;
    case Kind::refused:
      on_refusal(heard, now);
      return;
    case Kind::server_error:
      context_.made_no_sense(endpoint::pours, heard.why);
      last_error_status_ = heard.status;
      last_error_ = decode_error(heard.body);
      on_failure(heard, Drain::Failure::server_error, now);
      return;
    case Kind::unchanged:
    case Kind::not_found:
    case Kind::nonsense:
      context_.made_no_sense(endpoint::pours, heard.why);
      on_failure(heard, Drain::Failure::no_answer, now);
      return;
    case Kind::unavailable:
    case Kind::no_answer:
      on_failure(heard, Drain::Failure::no_answer, now);
      if (leaves_in_doubt(heard)) context_.be_quiet(now);
      return;
    case Kind::token:
      context_.board.token_refused(endpoint::pours, heard.why);
      break;
    case Kind::too_many:
    case Kind::no_link:
    case Kind::cancelled:
      break;
  }
  drain_.not_looked_at();
  wait(now, heard.retry_after);
}

void PoursLane::on_judgement(const Heard& heard, const model::Moment& now) {
  const auto answer = decode_pours(heard.body);
  if (!answer) {
    context_.made_no_sense(endpoint::pours, answer.error().why);
    on_failure(heard, Drain::Failure::no_answer, now);
    return;
  }
  const Judgement judgement = judge(sent_rows(), answer->results);
  const std::size_t ignored = judgement.strangers + answer->unreadable;
  context_.made_sense(endpoint::pours);
  context_.succeeded(context_.pours_judged);
  if (ignored > 0) {
    context_.made_no_sense(endpoint::pours,
                           fmt::format("{} results are for no row that was asked", ignored));
  }
  std::vector<storage::Verdict> verdicts = judgement.verdicts;
  for (const model::ClientTxId& row : drain_.judged(pace_of(now.since_boot - sent_at_))) {
    verdicts.push_back(culprit_verdict(row, last_error_status_, last_error_));
  }
  if (!apply(verdicts, now)) return;
  backoff_.succeed();
}

void PoursLane::on_refusal(const Heard& heard, const model::Moment& now) {
  constexpr int payload_too_large = 413;
  if (const auto culprit = drain_.refused(heard.status == payload_too_large)) {
    apply({culprit_verdict(*culprit, heard.status, decode_error(heard.body))}, now);
  }
  wait(now, heard.retry_after);
}

void PoursLane::on_failure(const Heard& heard, Drain::Failure failure, const model::Moment& now) {
  drain_.failed(failure);
  wait(now, heard.retry_after);
}

bool PoursLane::apply(const std::vector<storage::Verdict>& verdicts, const model::Moment& now) {
  const auto applied = context_.books.apply_verdicts(verdicts, context_.options.attempt_cap, now,
                                                     later(now, row_delay(verdicts)));
  if (!applied) {
    books_failed(verdict_work, applied.error(), now);
    return false;
  }
  context_.board.books_well(verdict_work);
  context_.tell_of(verdicts, [this](const auto& row) { return known_of(row); }, now);
  release_given_up(verdicts, now);
  return true;
}

void PoursLane::release_given_up(const std::vector<storage::Verdict>& verdicts,
                                 const model::Moment& now) {
  for (const storage::Verdict& verdict : verdicts) {
    const LaneContext::Row row = known_of(verdict.client_tx_id);
    const bool last = row.attempts + 1 >= context_.options.attempt_cap;
    const bool given_up = verdict.kind == storage::Verdict::Kind::spend_attempt && last;
    if (row.by_server && given_up) context_.release_given_up(row.card, row.tap, now);
  }
}

void PoursLane::wait(const model::Moment& now, std::optional<std::chrono::milliseconds> told) {
  not_before_ = now.since_boot + backoff_.fail(context_.random, told);
}

void PoursLane::books_failed(const char* work, const storage::Error& error,
                             const model::Moment& now) {
  context_.board.books_trouble(work, error.message);
  wait(now);
}

Drain::Pace PoursLane::pace_of(model::SinceBoot took) const {
  const model::SinceBoot deadline = context_.options.request_deadline;
  if (took <= deadline / 4) return Drain::Pace::quick;
  return took <= deadline / 2 ? Drain::Pace::fair : Drain::Pace::slow;
}

LaneContext::Row PoursLane::known_of(const model::ClientTxId& row) const {
  const auto found = fetched_.find(row);
  return found == fetched_.end() ? LaneContext::Row{} : found->second;
}

std::vector<SentRow> PoursLane::sent_rows() const {
  std::vector<SentRow> rows;
  for (const model::ClientTxId& row : drain_.in_flight()) {
    rows.push_back({row, known_of(row).empty});
  }
  return rows;
}

// One delay for the verdicts of one answer: that of the row turned down most often.
std::chrono::milliseconds PoursLane::row_delay(
    const std::vector<storage::Verdict>& verdicts) const {
  std::int32_t most = 0;
  for (const storage::Verdict& verdict : verdicts) {
    if (verdict.kind != storage::Verdict::Kind::spend_attempt) continue;
    most = std::max(most, known_of(verdict.client_tx_id).attempts);
  }
  return context_.row_delay(most);
}

}  // namespace tapd::sync
