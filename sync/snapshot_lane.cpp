#include "sync/snapshot_lane.hpp"

#include <algorithm>
#include <utility>
#include <variant>

#include <fmt/format.h>

#include "sync/wire.hpp"

namespace tapd::sync {
namespace {

constexpr const char* marker_work = "marking the request for a snapshot";
constexpr const char* apply_work = "keeping the snapshot";
constexpr const char* unchanged_work = "keeping that the snapshot still holds";
constexpr const char* state_work = "keeping the emergency stop";
constexpr int unauthorized = 401;
constexpr int longer_for_snapshot = 3;  // It is the one large answer.

void put_state(model::Snapshot& rows, model::SystemState state) {
  std::erase_if(rows.system_states, [&](const auto& each) { return each.key == state.key; });
  rows.system_states.push_back(std::move(state));
}

model::Snapshot& rows_of(SnapshotAnswer& answer) {
  auto* const changes = std::get_if<model::SnapshotChanges>(&answer);
  return changes ? changes->now : std::get<model::Snapshot>(answer);
}

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
  since_.reset();
  if (conditional_) {
    request.headers.emplace("If-None-Match", etag_);
    if (now.since_boot >= whole_until_) since_ = revision_;
  }
  if (since_) request.query = fmt::format("since={}", *since_);
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
  if (id == status_in_flight_) {
    status_in_flight_ = 0;
    on_status(id, context_.hear(endpoint::system_status, outcome, false, now), now);
    return true;
  }
  on_snapshot(context_.hear(path_, outcome, false, now), outcome, now);
  in_flight_ = 0;
  return true;
}

void SnapshotLane::on_snapshot(const Heard& heard, const HttpOutcome& outcome,
                               const model::Moment& now) {
  tried_ = true;
  // A server that takes offence at `since` is asked without it, at once.
  if (since_ && is_about_since(heard)) return ask_for_the_whole(now);
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
      // The existing server answers 401 where it has no such path. When the token is refused
      // elsewhere too, or was good for a snapshot before, it is the token.
      if (heard.status == unauthorized && applied_ == 0 &&
          !context_.board.is_token_refused_beside(path_)) {
        context_.board.token_taken(path_);  // Refused with all the others, once.
        on_missing(now);
        return;
      }
      context_.board.token_refused(path_, heard.why);
      in_doubt_ = true;
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

bool SnapshotLane::is_about_since(const Heard& heard) const {
  using Kind = Heard::Kind;
  return heard.kind == Kind::refused || heard.kind == Kind::not_found ||
         heard.kind == Kind::server_error;
}

void SnapshotLane::ask_for_the_whole(const model::Moment& now) {
  etag_.clear();
  whole_until_ = now.since_boot + whole_only;
  next_at_ = now.since_boot;
}

void SnapshotLane::on_body(const Heard& heard, const HttpOutcome& outcome,
                           const model::Moment& now) {
  auto answer = decode_snapshot(heard.body, since_);
  if (!answer) {
    context_.made_no_sense(path_, answer.error().why);
    if (since_) return ask_for_the_whole(now);
    not_now(now, heard);
    return;
  }
  context_.made_sense(path_);
  const bool stopped = hear_stop(*answer);
  rows_of(*answer).heard_since = context_.balances.since(in_flight_);
  const auto kept = keep(*answer, now);
  if (!kept) {
    // A stop must arrive even so. A ledger that fails lifts none.
    if (stopped) context_.board.emergency_stop(true);
    books_failed(apply_work, kept.error(), now);
    return;
  }
  context_.board.books_well(apply_work);
  context_.balances.snapshot_applied(in_flight_);
  context_.board.tell(*kept);
  context_.board.emergency_stop(*kept_stop_);
  snapshot_stop_ = stopped;
  told_ = in_flight_;
  etag_ = std::string{header(*outcome, "etag").value_or("")};
  revision_ = kept->revision;
  applied_ = in_flight_;
  missing_ = believed_ = in_doubt_ = false;
  missing_since_.reset();
  status_wanted_ = false;
  backoff_.succeed();
  next_at_ = now.since_boot + context_.options.snapshot_interval;
  // Changes are not the whole: what they would miss is mended by the next one.
  if (!kept->since) full_at_ = now.since_boot + context_.options.whole_snapshot_interval;
}

// What the snapshot says of it. One that was asked for before a stop was heard of may have been
// drawn up before it, and does not lift it.
bool SnapshotLane::hear_stop(SnapshotAnswer& answer) {
  model::Snapshot& rows = rows_of(answer);
  const bool stopped = emergency_stop(rows);
  if (stopped) heard_stop();
  if (!stopped && in_flight_ <= stopped_) put_state(rows, stop_state(true));
  return stopped;
}

// No answer that is on its way now lifts it.
void SnapshotLane::heard_stop() {
  stopped_ = context_.newest_id();
}

storage::Result<SnapshotApplied> SnapshotLane::keep(const SnapshotAnswer& answer,
                                                    const model::Moment& now) {
  const auto* const changes = std::get_if<model::SnapshotChanges>(&answer);
  const model::Snapshot& rows = changes ? changes->now : std::get<model::Snapshot>(answer);
  const auto done = changes ? context_.books.apply_changes(*changes, marker_, now)
                            : context_.books.apply_snapshot(rows, marker_, now);
  if (!done) {
    if (changes && done.error().kind == storage::Error::Kind::refused) {
      whole_until_ = now.since_boot + whole_only;
    }
    return tl::make_unexpected(done.error());
  }
  kept_stop_ = emergency_stop(rows);
  SnapshotApplied applied{rows.revision, rows.guests.size(), rows.cards.size(), std::nullopt};
  if (changes) {
    applied.since = changes->since;
    applied.guests += changes->gone.guests.size();
    applied.cards += changes->gone.cards.size();
  }
  return applied;
}

void SnapshotLane::on_unchanged(const model::Moment& now) {
  context_.made_sense(path_);
  if (const auto kept = context_.books.snapshot_unchanged(marker_, now); !kept) {
    books_failed(unchanged_work, kept.error(), now);
    return;
  }
  context_.board.books_well(unchanged_work);
  // What it says of the stop counts again, unless the stop was told of since.
  if (snapshot_stop_ && in_flight_ > stopped_) keep_stop(*snapshot_stop_, now);
  told_ = in_flight_;
  in_doubt_ = false;
  status_wanted_ = false;
  backoff_.succeed();
  next_at_ = now.since_boot + context_.options.snapshot_interval;
}

void SnapshotLane::on_missing(const model::Moment& now) {
  if (!missing_) context_.board.tell(NoSnapshotHere{});
  if (!missing_since_) missing_since_ = now.since_boot;
  missing_ = true;
  status_wanted_ = true;
  etag_.clear();
  const bool had = had_ || applied_ != 0;
  believed_ = !had || now.since_boot - *missing_since_ >= believed_after;
  next_at_ = now.since_boot + (believed_ ? ask_again
                                         : std::max(backoff_.fail(context_.random),
                                                    context_.options.snapshot_interval));
}

void SnapshotLane::on_status(RequestId id, const Heard& heard, const model::Moment& now) {
  next_status_at_ = now.since_boot + context_.options.snapshot_interval;
  // Overtaken by a snapshot, which knows better.
  if (id < told_) return;
  if (heard.kind == Heard::Kind::usable) {
    const auto stopped = decode_system_status(heard.body);
    if (stopped) {
      context_.made_sense(endpoint::system_status);
      status_backoff_.succeed();
      if (*stopped) heard_stop();
      if (*stopped || id > stopped_) keep_stop(*stopped, now);
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

// Back off, and meanwhile hear of an emergency stop from the status. What the ledger holds still
// stands, so that the next question is for the changes again: over a link that has just failed they
// arrive sooner than the whole, and a guest who has paid in waits for them.
void SnapshotLane::not_now(const model::Moment& now, const Heard& heard) {
  status_wanted_ = true;
  missing_since_.reset();
  const auto delay = std::max(backoff_.fail(context_.random, heard.retry_after),
                              context_.options.snapshot_interval);
  next_at_ = now.since_boot + delay;
}

// A ledger that is full fails for days, and the stop is heard of all the same.
void SnapshotLane::books_failed(const char* work, const storage::Error& error,
                                const model::Moment& now) {
  context_.board.books_trouble(work, error.message);
  status_wanted_ = true;
  etag_.clear();
  next_at_ = now.since_boot + backoff_.fail(context_.random);
}

}  // namespace tapd::sync
