#include "tests/sync/play.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "sync/wire.hpp"

namespace tapd::sync::test {
namespace {

using std::chrono::milliseconds;
using namespace std::chrono_literals;

constexpr int most_pumps_at_once = 400;

HttpOutcome lost(TransportError::Kind kind, const char* message) {
  return tl::make_unexpected(TransportError{kind, message});
}

HttpResponse web_page() {
  return {200, {{"content-type", "text/html"}}, "<html><body>Welcome, please log in</body></html>"};
}

// Cuts, flips or replaces something in the body so that it is no answer any more. (A flipped digit
// that leaves it one is for TCP's checksum and TLS to find, not for a decoder.)
HttpResponse damaged(HttpResponse response, Dice& dice) {
  std::string& body = response.body;
  if (body.empty()) {
    body.push_back('{');
  } else if (dice.chance(300)) {
    body.resize(dice.below(body.size()));
  } else if (dice.chance(500)) {
    body[dice.below(body.size())] = static_cast<char>(dice.below(256));
  } else {
    body = std::string{"[1, 2, {\"results\": 7}]"};
  }
  const bool still_an_answer = nlohmann::json::accept(body) && body.front() == '{';
  if (still_an_answer) body.resize(body.size() / 2);
  return response;
}

bool has_volume(const HttpRequest& request) {
  const auto rows = nlohmann::json::parse(request.body).at("pours");
  return std::any_of(rows.begin(), rows.end(),
                     [](const auto& row) { return row.at("volume_ml") != 0; });
}

// The server may still be at work on it.
bool leaves_in_doubt(const HttpOutcome& outcome) {
  if (outcome) return outcome->status == 504;
  using Kind = TransportError::Kind;
  return outcome.error().kind == Kind::timeout || outcome.error().kind == Kind::other;
}

}  // namespace

Play::Play(std::uint64_t seed, TestBooks& books, Venue& venue, EngineOptions options)
    : books_{books},
      venue_{venue},
      options_{std::move(options)},
      dice_{seed},
      engine_{std::make_unique<Engine>(options_, books_, random_from(seed + 1))} {}

milliseconds Play::now() const {
  return std::chrono::duration_cast<milliseconds>(now_);
}

void Play::at_time(milliseconds when, std::function<void()> what) {
  events_.emplace(Key{std::max<model::SinceBoot>(when, now_), ++sequence_}, std::move(what));
}

void Play::pour_at(milliseconds when, model::Pour pour) {
  pour.begin.start = at(std::max(when - pour.duration, milliseconds{}));
  pour.end = at(when);
  at_time(when, [this, pour] {
    books_.begin(pour);
    ended(pour);
  });
}

void Play::ended(const model::Pour& pour) {
  books_.end(pour);
  poured_[pour.begin.guest_id.text()].push_back(pour);
  engine_->pours_waiting();
}

void Play::ask_at(milliseconds when, std::uint64_t guest) {
  at_time(when, [this, guest] {
    const std::uint64_t ticket = ++ticket_;
    asks_[ticket] = now_ + options_.authorize_deadline;
    engine_->ask({ticket, card(guest), model::TapId{1}}, at(now()));
  });
}

void Play::visit_at(milliseconds when, Visit visit) {
  at_time(when, [this, visit = std::move(visit)] {
    const std::uint64_t ticket = ++ticket_;
    asks_[ticket] = now_ + options_.authorize_deadline;
    visits_.emplace(ticket, visit);
    engine_->ask({ticket, card(visit.guest), visit.pour.begin.tap_id}, at(now()));
  });
}

// The row of the begun pour needs a moment to reach the disk.
void Play::begin_visit(const AuthorizeAnswered& answered) {
  const auto found = visits_.find(answered.ticket);
  if (found == visits_.end()) return;
  Visit visit = std::move(found->second);
  visits_.erase(found);
  if (std::holds_alternative<Refused>(answered.verdict)) return visit.then(false);
  const bool by_server = std::holds_alternative<Allowed>(answered.verdict);
  model::Pour& pour = visit.pour;
  pour.begin.authorized_by = by_server ? model::AuthorizedBy::server : model::AuthorizedBy::cache;
  at_time(now() + std::chrono::duration_cast<milliseconds>(within(milliseconds{200})),
          [this, visit = std::move(visit)]() mutable {
            visit.pour.begin.start = at(now());
            books_.begin(visit.pour);
            const milliseconds end = now() + visit.length;
            at_time(end, [this, visit = std::move(visit)]() mutable {
              visit.pour.end = at(now());
              ended(visit.pour);
              visit.then(true);
            });
          });
}

void Play::restart_at(milliseconds when) {
  at_time(when, [this] {
    ++life_;
    const bool books = std::any_of(in_flight_.begin(), in_flight_.end(),
                                   [](const auto& each) { return each.second.books; });
    if (books) be_quiet();
    in_flight_.clear();
    asks_.clear();
    for (auto& [ticket, visit] : std::exchange(visits_, {})) visit.then(false);
    engine_ = std::make_unique<Engine>(options_, books_, random_from(dice_.next()));
  });
}

void Play::run_until(milliseconds when) {
  pump();
  while (breach_.empty()) {
    const model::SinceBoot wake = std::max(engine_->wake_at(), now_);
    const bool event_first = !events_.empty() && events_.begin()->first.first <= wake;
    const model::SinceBoot next = event_first ? events_.begin()->first.first : wake;
    if (next > when) break;
    now_ = next;
    if (event_first) {
      const auto event = events_.extract(events_.begin());
      event.mapped()();
      check_balances();
    }
    pump();
  }
  now_ = std::max<model::SinceBoot>(now_, when);
}

int Play::started(const std::string& path) const {
  const auto found = started_.find(path);
  return found == started_.end() ? 0 : found->second;
}

void Play::pump() {
  pumps_at_once_ = pumped_at_ == now_ ? pumps_at_once_ + 1 : 0;
  pumped_at_ = now_;
  if (pumps_at_once_ > most_pumps_at_once) breached("the engine spins");
  for (const Outgoing& outgoing : engine_->due(at(now()))) carry(outgoing);
  for (Notice& notice : engine_->take_notices()) take(std::move(notice));
  check_asks();
}

void Play::carry(const Outgoing& outgoing) {
  ++started_[outgoing.request.path];
  const bool pours = outgoing.request.path == endpoint::pours;
  for (const auto& [id, carried] : in_flight_) {
    if (pours && carried.path == endpoint::pours) breached("two requests with pours in flight");
  }
  if (pours && now_ < quiet_until_) breached("pours are sent while the server may be at work");
  in_flight_[outgoing.id] = {outgoing.request.path, pours && has_volume(outgoing.request)};
  if (const Outage* const now_out = outage(outgoing.request.path)) {
    meet(*now_out, outgoing);
    return;
  }
  const HttpRequest& request = outgoing.request;
  const model::SinceBoot deadline = now_ + request.deadline;
  if (dice_.chance(faults.lost_before)) {
    deliver(outgoing.id, lost(TransportError::Kind::timeout, "no answer in time"), deadline);
    return;
  }
  const model::SinceBoot arrival = now_ + within(20ms);
  const bool slow = dice_.chance(faults.slow);
  const model::SinceBoot answer_at = arrival + (slow ? within(20s) : within(30ms));
  if (answer_at > deadline) {
    deliver(outgoing.id, lost(TransportError::Kind::timeout, "no answer in time"), deadline);
    arrive(request, 0, arrival);
  } else {
    arrive(request, outgoing.id, answer_at);
  }
  if (dice_.chance(faults.duplicated)) repeat(outgoing, answer_at + within(60s));
}

// The existing server's balance updates do not bear two requests at once.
void Play::be_quiet() {
  quiet_until_ = now_ + options_.settle_wait;
}

void Play::meet(const Outage& met, const Outgoing& outgoing) {
  using Kind = Outage::Kind;
  const model::SinceBoot soon = now_ + within(20ms);
  switch (met.kind) {
    case Kind::no_link:
      deliver(outgoing.id, lost(TransportError::Kind::no_link, "connection refused"), soon);
      return;
    case Kind::black_hole:
      deliver(outgoing.id, lost(TransportError::Kind::timeout, "no answer in time"),
              now_ + outgoing.request.deadline);
      return;
    case Kind::unavailable:
      deliver(outgoing.id, HttpResponse{503, {}, "Service Unavailable"}, soon);
      return;
    case Kind::server_error:
      deliver(outgoing.id, HttpResponse{500, {}, "Internal Server Error"}, soon);
      return;
    case Kind::web_page:
      deliver(outgoing.id, web_page(), soon);
      return;
    case Kind::fixed:
      deliver(outgoing.id, met.fixed, soon);
      return;
    case Kind::overdue:
      deliver(outgoing.id, met.fixed, soon);
      at_time(now() + met.overdue,
              [this, late = outgoing.request] { static_cast<void>(venue_.answer(late)); });
      return;
    case Kind::token:
      deliver(outgoing.id, HttpResponse{401, {}, R"({"detail": "Invalid token"})"}, soon);
      return;
  }
}

// Somebody on the way sends it once more. Nobody does so with what was answered; where that
// matters, with a row that the server did not record and that would take a lock, it stays out.
void Play::repeat(const Outgoing& outgoing, model::SinceBoot latest) {
  const auto way = std::chrono::duration_cast<milliseconds>(latest - now_);
  const auto when = std::chrono::duration_cast<milliseconds>(dice_.chance(500) ? within(way) : way);
  at_time(now() + when, [=, this, life = life_] {
    const HttpRequest& request = outgoing.request;
    // The release of a lock that the server did not record, repeated by a proxy after a restart
    // that forgot it, takes the lock of a later pour: a known limit, see docs/wire.md.
    const bool is_release = request.path == endpoint::pours && !has_volume(request);
    if (is_release && life != life_) return;
    const bool answered = answered_.contains({life, outgoing.id});
    if (answered && venue_.demands_leave && !venue_.has_recorded(request)) return;
    static_cast<void>(venue_.answer(request));
  });
}

// The request reaches the server; id 0: nobody hears the answer.
void Play::arrive(const HttpRequest& request, RequestId id, model::SinceBoot answer_at) {
  if (id != 0 && dice_.chance(faults.unavailable)) {
    deliver(id, HttpResponse{503, {}, ""}, answer_at);
    return;
  }
  if (id != 0 && dice_.chance(faults.throttled)) {
    deliver(id, HttpResponse{429, {{"retry-after", "7"}}, ""}, answer_at);
    return;
  }
  if (id != 0 && dice_.chance(faults.web_page)) {
    deliver(id, web_page(), answer_at);
    return;
  }
  // What takes long is the work on one day and the way back on another.
  const auto way = std::chrono::duration_cast<milliseconds>(answer_at - now_);
  const model::SinceBoot done_at = dice_.chance(500) ? now_ + within(way) : answer_at - within(5ms);
  const bool answer_lost = dice_.chance(faults.lost_after);
  const bool late_error = dice_.chance(faults.late_error);
  const bool garbage = dice_.chance(faults.garbage);
  const model::SinceBoot gives_up = now_ + request.deadline;
  const std::uint64_t life = life_;
  events_.emplace(Key{std::max(done_at, now_), ++sequence_}, [=, this] {
    HttpResponse response = venue_.answer(request);
    if (id == 0) return;
    if (answer_lost) {
      deliver(id, lost(TransportError::Kind::other, "connection reset"),
              std::min(gives_up, answer_at));
    } else if (late_error) {
      deliver(id, HttpResponse{504, {}, "Gateway Timeout"}, answer_at);
    } else {
      if (!garbage) answered_.emplace(life, id);
      deliver(id, garbage ? damaged(std::move(response), dice_) : std::move(response), answer_at);
    }
  });
}

void Play::deliver(RequestId id, HttpOutcome outcome, model::SinceBoot when) {
  events_.emplace(Key{std::max(when, now_), ++sequence_},
                  [this, id, life = life_, outcome = std::move(outcome)] {
                    if (life != life_) return;
                    const auto request = in_flight_.extract(id);
                    if (!request.empty() && request.mapped().books && leaves_in_doubt(outcome))
                      be_quiet();
                    engine_->on_outcome(id, outcome, at(now()));
                  });
}

void Play::take(Notice notice) {
  if (const auto* const answered = std::get_if<AuthorizeAnswered>(&notice)) {
    const auto asked = asks_.find(answered->ticket);
    if (asked == asks_.end()) {
      breached(fmt::format("ask {} was answered twice", answered->ticket));
    } else {
      if (now_ > asked->second) breached(fmt::format("ask {} waited too long", answered->ticket));
      asks_.erase(asked);
    }
    begin_visit(*answered);
  }
  told_.emplace_back(now(), std::move(notice));
}

void Play::check_asks() {
  for (const auto& [ticket, deadline] : asks_) {
    if (now_ > deadline) breached(fmt::format("ask {} is overdue", ticket));
  }
}

// No guest may ever spend here what the server does not have.
void Play::check_balances() {
  for (const std::uint64_t guest : watched_guests) {
    const auto available = books_.available(guest);
    if (!available) continue;
    const std::int64_t left = venue_.balances.at(guest_uuid(guest)) - not_booked(guest);
    if (available->minor_units() > left) {
      breached(
          fmt::format("guest {} may spend {}, but has {}", guest, available->minor_units(), left));
    }
  }
}

// What the guest poured and the server has not charged yet.
std::int64_t Play::not_booked(std::uint64_t guest) const {
  std::int64_t sum = 0;
  const auto poured = poured_.find(guest_uuid(guest));
  if (poured == poured_.end()) return 0;
  for (const model::Pour& pour : poured->second) {
    if (!venue_.booked.contains(pour.begin.client_tx_id.text())) sum += pour.price.minor_units();
  }
  return sum;
}

void Play::breached(std::string what) {
  if (breach_.empty()) breach_ = fmt::format("at {} ms: {}", now().count(), what);
}

const Outage* Play::outage(const std::string& path) const {
  const auto found = std::find_if(outages.begin(), outages.end(), [&](const Outage& each) {
    const bool meant = each.only_path.empty() || each.only_path == path;
    return meant && now_ >= each.from && now_ < each.until;
  });
  return found == outages.end() ? nullptr : &*found;
}

model::SinceBoot Play::within(milliseconds most) {
  return milliseconds{
      static_cast<std::int64_t>(dice_.below(static_cast<std::uint64_t>(most.count()) + 1))};
}

}  // namespace tapd::sync::test
