#include "sync/flow_lane.hpp"

#include "sync/wire.hpp"

namespace tapd::sync {
namespace {

constexpr const char* work = "the queue of flow events";

}  // namespace

void FlowLane::due(const model::Moment& now, std::vector<Outgoing>& outgoing) {
  if (wake_at() > now.since_boot || !context_.circuit.is_closed()) return;
  const auto waiting = context_.books.due_flow_events(1, now);
  if (!waiting) return books_failed(waiting.error(), now);
  context_.board.books_well(work);
  if (waiting->empty()) {
    next_at_ = now.since_boot + queue_poll;
    return;
  }
  const storage::WaitingFlowEvent& oldest = waiting->front();
  row_ = oldest.row;
  attempts_ = oldest.attempts;
  const auto marked =
      context_.books.settle_flow_event({row_, storage::FlowVerdict::Kind::sent}, 1, now, now);
  if (!marked) return books_failed(marked.error(), now);
  in_flight_ = context_.new_id();
  outgoing.push_back(
      {in_flight_, context_.post(endpoint::flow_events, encode_flow_event(oldest.event),
                                 context_.options.request_deadline)});
}

model::SinceBoot FlowLane::wake_at() const {
  // The first answer to the question for a snapshot decides how pours are sent: they go first.
  const bool pours_first =
      context_.pours_in_flight || context_.offline_rows == OfflineRows::undecided;
  return in_flight_ != 0 || pours_first ? never : next_at_;
}

bool FlowLane::on_outcome(RequestId id, const HttpOutcome& outcome, const model::Moment& now) {
  if (id == 0 || id != in_flight_) return false;
  in_flight_ = 0;
  on_answer(context_.hear(endpoint::flow_events, outcome, false, now), now);
  return true;
}

void FlowLane::on_answer(const Heard& heard, const model::Moment& now) {
  using Kind = Heard::Kind;
  switch (heard.kind) {
    case Kind::usable:
      if (const auto answer = decode_flow_event(heard.body); !answer) {
        context_.made_no_sense(endpoint::flow_events, answer.error().why);
        break;
      }
      context_.made_sense(endpoint::flow_events);
      settle(storage::FlowVerdict::Kind::confirmed, "", attempts_, now);
      taken();
      backoff_.succeed();
      return;
    case Kind::refused:
      spend(heard.why, now);
      return;
    case Kind::not_found:
    case Kind::server_error:
      if (doubts_[row_].another_taken) {
        spend(heard.why, now);
        return;
      }
      set_aside(heard, now);
      break;
    case Kind::token:
      context_.board.token_refused(endpoint::flow_events, heard.why);
      break;
    case Kind::unchanged:
    case Kind::nonsense:
      context_.made_no_sense(endpoint::flow_events, heard.why);
      break;
    case Kind::too_many:
    case Kind::unavailable:
    case Kind::no_answer:
    case Kind::no_link:
    case Kind::cancelled:
      break;
  }
  wait(now, heard.retry_after);
}

void FlowLane::spend(const std::string& why, const model::Moment& now) {
  context_.made_no_sense(endpoint::flow_events, why);
  settle(storage::FlowVerdict::Kind::spend_attempt, why, attempts_, now);
  doubts_.erase(row_);
}

// Another has its turn next.
void FlowLane::set_aside(const Heard& heard, const model::Moment& now) {
  context_.made_no_sense(endpoint::flow_events, heard.why);
  settle(storage::FlowVerdict::Kind::set_aside, heard.why, doubts_[row_].failures++, now);
}

void FlowLane::taken() {
  doubts_.erase(row_);
  for (auto& [row, doubt] : doubts_) doubt.another_taken = true;
}

void FlowLane::settle(storage::FlowVerdict::Kind kind, const std::string& why,
                      std::int32_t failures, const model::Moment& now) {
  const auto settled =
      context_.books.settle_flow_event({row_, kind, why}, context_.options.attempt_cap, now,
                                       later(now, context_.row_delay(failures)));
  if (!settled) books_failed(settled.error(), now);
}

void FlowLane::wait(const model::Moment& now, std::optional<std::chrono::milliseconds> told) {
  next_at_ = now.since_boot + backoff_.fail(context_.random, told);
}

void FlowLane::books_failed(const storage::Error& error, const model::Moment& now) {
  context_.board.books_trouble(work, error.message);
  wait(now);
}

}  // namespace tapd::sync
