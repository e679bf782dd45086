#include "sync/engine.hpp"

#include <algorithm>
#include <stdexcept>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "sync/authorize_lane.hpp"
#include "sync/flow_lane.hpp"
#include "sync/lane_context.hpp"
#include "sync/pours_lane.hpp"
#include "sync/register_lane.hpp"
#include "sync/settle_lane.hpp"
#include "sync/snapshot_lane.hpp"

namespace tapd::sync {
namespace {

constexpr std::size_t longest_controller_id = 50;
constexpr std::size_t longest_address = 45;
constexpr std::size_t most_rows = 500;
constexpr std::int32_t most_attempts = 1'000;
// Each costs two requests at a start, and its tap waits for them.
constexpr std::size_t most_locks = 16;
constexpr const char* take_over_work = "reading what the run before left behind";

void require(bool holds, std::string_view what) {
  if (!holds) throw std::invalid_argument{fmt::format("sync: {}", what)};
}

bool is_id_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '_' || c == '.';
}

bool is_header_character(char c) {
  return c > ' ' && c <= '~';
}

EngineOptions checked(EngineOptions options) {
  using std::chrono::milliseconds;
  require(is_controller_id(options.controller_id),
          "[controller] id must be 1 to 50 letters, digits, '-', '_' or '.'");
  require(std::all_of(options.token.begin(), options.token.end(), is_header_character),
          "the token must be printable ASCII without blanks");
  require(options.ip_address.size() <= longest_address, "ip_address is longer than 45 characters");
  require(options.batch_size >= 1 && options.batch_size <= most_rows,
          "batch_size must be 1 to 500");
  require(options.attempt_cap >= 1 && options.attempt_cap <= most_attempts,
          "attempt_cap must be 1 to 1000");
  for (const milliseconds positive :
       {options.authorize_deadline, options.request_deadline, options.snapshot_interval,
        options.register_interval, options.first_backoff, options.first_row_retry}) {
    require(positive > milliseconds{0}, "deadlines and intervals must be longer than nothing");
  }
  require(options.longest_backoff >= options.first_backoff,
          "longest_backoff must not be shorter than first_backoff");
  return options;
}

}  // namespace

bool is_controller_id(std::string_view id) {
  return !id.empty() && id.size() <= longest_controller_id &&
         std::all_of(id.begin(), id.end(), is_id_character);
}

std::string fault_of(const EngineOptions& options) {
  try {
    static_cast<void>(checked(options));
    return {};
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
}

struct Engine::Implementation {
  Implementation(EngineOptions options, Books& books, Random random)
      : context{checked(std::move(options)), books, std::move(random)} {}

  LaneContext context;
  AuthorizeLane authorize{context};
  RegisterLane announce{context};
  PoursLane pours{context};
  SettleLane settle{context};
  FlowLane flow{context};
  SnapshotLane snapshot{context};
  bool taken_over{false};
  std::vector<storage::LeftBehind::Lock> locks_left;  ///< By rows given up before this run.

  // The server may still be at work on what a run before this one sent.
  void take_over(const model::Moment& now) {
    const auto left = context.books.left_behind(most_locks);
    if (!left) {
      context.board.books_trouble(take_over_work, left.error().message);
      return context.be_quiet(now);
    }
    context.board.books_well(take_over_work);
    taken_over = true;
    if (left->sent) {
      context.be_quiet(now);
      context.late_from_before = now.since_boot + LateArrivals::expected_for;
    }
    locks_left = left->locks;
    settle.take_over(left->noted);
    snapshot.take_over(left->had_snapshots);
  }

  // A server with snapshots charges offline pours as they are. As long as that is not sure they are
  // settled one by one, which every server understands.
  void decide_offline_rows(const model::Moment& now) {
    if (!taken_over) return;
    const OfflineRows before = context.offline_rows;
    context.without_snapshots = snapshot.has_none();
    if (snapshot.applied() != 0 && !snapshot.is_missing() && !snapshot.is_in_doubt()) {
      context.offline_rows = OfflineRows::batched;
    } else if (snapshot.was_tried()) {
      context.offline_rows = OfflineRows::settled;
    }
    if (context.offline_rows == before) return;
    if (context.offline_rows == OfflineRows::settled) {
      for (const auto& [card, tap] : std::exchange(locks_left, {})) {
        context.release_given_up(card, tap, now);
      }
    }
    settle.release_what_was_noted(now);
    pours.look();
    settle.look();
  }
};

Engine::Engine(EngineOptions options, Books& books, Random random)
    : self_{std::make_unique<Implementation>(std::move(options), books, std::move(random))} {}
Engine::~Engine() = default;

std::vector<Outgoing> Engine::due(const model::Moment& now) {
  std::vector<Outgoing> outgoing;
  if (!self_->taken_over) self_->take_over(now);
  self_->authorize.due(now, outgoing);
  self_->announce.alternate_version(self_->snapshot.is_missing());
  self_->announce.due(now, outgoing);
  self_->decide_offline_rows(now);
  if (self_->context.batch_was_last) {
    self_->settle.due(now, outgoing);
    self_->pours.due(now, outgoing);
  } else {
    self_->pours.due(now, outgoing);
    self_->settle.due(now, outgoing);
  }
  self_->flow.due(now, outgoing);
  self_->snapshot.due(now, outgoing);
  return outgoing;
}

model::SinceBoot Engine::wake_at() const {
  // While the circuit is open, the queue waits for the probe.
  const bool closed = self_->context.circuit.is_closed();
  const model::SinceBoot pours =
      closed ? std::min({self_->pours.wake_at(), self_->settle.wake_at(), self_->flow.wake_at()})
             : never;
  return std::min({self_->authorize.wake_at(), self_->announce.wake_at(), pours,
                   self_->snapshot.wake_at(), self_->settle.note_at()});
}

void Engine::on_outcome(RequestId id, const HttpOutcome& outcome, const model::Moment& now) {
  if (self_->authorize.on_outcome(id, outcome, now)) return;
  if (self_->announce.on_outcome(id, outcome, now)) return;
  if (self_->pours.on_outcome(id, outcome, now)) return;
  if (self_->settle.on_outcome(id, outcome, now)) return;
  if (self_->flow.on_outcome(id, outcome, now)) return;
  static_cast<void>(self_->snapshot.on_outcome(id, outcome, now));
}

void Engine::ask(const AuthorizeAsk& ask, const model::Moment& now) {
  self_->authorize.ask(ask, now);
}

void Engine::pours_waiting() {
  self_->pours.look();
  self_->settle.look();
}

void Engine::given_up(const model::CardUid& card, model::TapId tap, const model::Moment& now) {
  self_->context.release_given_up(card, tap, now);
}

std::vector<Notice> Engine::take_notices() {
  return self_->context.board.take();
}

}  // namespace tapd::sync
