#include "sync/snapshot_lane.hpp"

#include <algorithm>

#include "sync/wire.hpp"

namespace tapd::sync {
namespace {

constexpr const char* marker_work = "marking the request for a snapshot";
constexpr const char* apply_work = "keeping the snapshot";
constexpr const char* unchanged_work = "keeping that the snapshot still holds";
constexpr const char* state_work = "keeping the emergency stop";
constexpr int unauthorized = 401;
constexpr int longer_for_snapshot = 3;  // It is the one large answer.

}  // namespace

void SnapshotLane::due(const model::Moment& now, std::vector<Outgoing>& outgoing) {
  if (!context_.circuit.is_closed()) return;
  if (in_flight_ == 0 && now.since_boot >= next_at_) ask(now, outgoing);
  if (status_wanted_ && status_in_flight_ == 0 && now.since_boot >= next_status_at_) {
    status_in_flight_ = context_.new_id();
    outgoing.push_back({status_in_flight_,
                        context_.get(endpoint::system_status, context_.options.request_deadline)});
  }
}

void SnapshotLane::ask(const model::Moment& now, std::vector<Outgoing>& outgoing) {
  const auto marker = context_.books.ask_marker();
  if (!marker) {
    books_failed(marker_work, marker.error(), now);
    return;
  }
  context_.board.books_well(marker_work);
  marker_ = *marker;
  HttpRequest request =
      context_.get(path_, longer_for_snapshot * context_.options.request_deadline);
  conditional_ = !etag_.empty() && now.since_boot < full_at_;
  if (conditional_) request.headers.emplace("If-None-Match", etag_);
  in_flight_ = context_.new_id();
  outgoing.push_back({in_flight_, std::move(request)});
}

model::SinceBoot SnapshotLane::wake_at() const {
  if (!context_.circuit.is_closed()) return never;
  const model::SinceBoot snapshot = in_flight_ == 0 ? next_at_ : never;
  const model::SinceBoot status =
      status_wanted_ && status_in_flight_ == 0 ? next_status_at_ : never;
  return std::min(snapshot, status);
}

bool SnapshotLane::on_outcome(RequestId id, const HttpOutcome& outcome, const model::Moment& now) {
  if (id == 0 || (id != in_flight_ && id != status_in_flight_)) return false;
  const Heard heard = context_.hear(outcome, false, now);
  if (id == status_in_flight_) {
    status_in_flight_ = 0;
    on_status(heard, now);
    return true;
  }
  on_snapshot(heard, outcome, now);
  in_flight_ = 0;
  return true;
}

void SnapshotLane::on_snapshot(const Heard& heard, const HttpOutcome& outcome,
                               const model::Moment& now) {
  tried_ = true;
  using Kind = Heard::Kind;
  switch (heard.kind) {
    case Kind::usable:
      on_body(heard, outcome, now);
      return;
    case Kind::not_found:
      on_missing(now);
      return;
    case Kind::unchanged:
      if (!conditional_) break;
      on_unchanged(now);
      return;
    case Kind::token:
      // The existing server answers 401 where it has no such path. Only when the token is refused
      // elsewhere too, it is the token.
      if (heard.status == unauthorized && !context_.board.is_token_refused()) {
        on_missing(now);
        return;
      }
      context_.board.token_refused(path_, heard.why);
      not_now(now, heard);
      return;
    case Kind::refused:
    case Kind::server_error:
    case Kind::nonsense:
      break;
    case Kind::too_many:
    case Kind::unavailable:
    case Kind::no_answer:
    case Kind::no_link:
    case Kind::cancelled:
      not_now(now, heard);
      return;
  }
  context_.made_no_sense(path_, heard.why.empty() ? "304 without being asked" : heard.why);
  not_now(now, heard);
}

void SnapshotLane::on_body(const Heard& heard, const HttpOutcome& outcome,
                           const model::Moment& now) {
  const auto snapshot = decode_snapshot(heard.body);
  if (!snapshot) {
    context_.made_no_sense(path_, snapshot.error().why);
    not_now(now, heard);
    return;
  }
  context_.made_sense(path_);
  if (const auto applied = context_.books.apply_snapshot(*snapshot, marker_, now); !applied) {
    books_failed(apply_work, applied.error(), now);
    return;
  }
  context_.board.books_well(apply_work);
  context_.board.tell(
      SnapshotApplied{snapshot->revision, snapshot->guests.size(), snapshot->cards.size()});
  kept_stop_ = emergency_stop(*snapshot);
  context_.board.emergency_stop(*kept_stop_);
  etag_ = std::string{header(*outcome, "etag").value_or("")};
  applied_ = in_flight_;
  missing_ = false;
  status_wanted_ = false;
  backoff_.succeed();
  next_at_ = now.since_boot + context_.options.snapshot_interval;
  full_at_ = now.since_boot + full_interval;
}

void SnapshotLane::on_unchanged(const model::Moment& now) {
  context_.made_sense(path_);
  if (const auto kept = context_.books.snapshot_unchanged(marker_, now); !kept) {
    books_failed(unchanged_work, kept.error(), now);
    return;
  }
  context_.board.books_well(unchanged_work);
  status_wanted_ = false;
  backoff_.succeed();
  next_at_ = now.since_boot + context_.options.snapshot_interval;
}

void SnapshotLane::on_missing(const model::Moment& now) {
  if (!missing_) context_.board.tell(NoSnapshotHere{});
  missing_ = true;
  status_wanted_ = true;
  etag_.clear();
  next_at_ = now.since_boot + ask_again;
}

void SnapshotLane::on_status(const Heard& heard, const model::Moment& now) {
  next_status_at_ = now.since_boot + context_.options.snapshot_interval;
  // Overtaken by a snapshot, which knows better.
  if (!status_wanted_) return;
  if (heard.kind == Heard::Kind::usable) {
    const auto stopped = decode_system_status(heard.body);
    if (stopped) {
      context_.made_sense(endpoint::system_status);
      status_backoff_.succeed();
      keep_stop(*stopped, now);
      return;
    }
    context_.made_no_sense(endpoint::system_status, stopped.error().why);
  }
  const auto delay = status_backoff_.fail(context_.random, heard.retry_after);
  next_status_at_ = std::max<model::SinceBoot>(next_status_at_, now.since_boot + delay);
}

// The daemon is told even when the ledger cannot keep it: a stop must arrive.
void SnapshotLane::keep_stop(bool on, const model::Moment& now) {
  context_.board.emergency_stop(on);
  if (kept_stop_ == on) return;
  const auto kept = context_.books.hear_system_state(stop_state(on), now);
  if (kept) {
    kept_stop_ = on;
    context_.board.books_well(state_work);
  } else {
    context_.board.books_trouble(state_work, kept.error().message);
  }
}

// Back off, ask in full next time, and meanwhile hear of an emergency stop from the status.
void SnapshotLane::not_now(const model::Moment& now, const Heard& heard) {
  status_wanted_ = true;
  const auto delay = std::max(backoff_.fail(context_.random, heard.retry_after),
                              context_.options.snapshot_interval);
  next_at_ = now.since_boot + delay;
}

void SnapshotLane::books_failed(const char* work, const storage::Error& error,
                                const model::Moment& now) {
  context_.board.books_trouble(work, error.message);
  etag_.clear();
  next_at_ = now.since_boot + backoff_.fail(context_.random);
}

}  // namespace tapd::sync
