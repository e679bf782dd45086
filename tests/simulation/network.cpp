#include "network.hpp"

#include <nlohmann/json.hpp>

#include "sync/wire.hpp"

namespace tapd::simulation {
namespace {

using namespace std::chrono_literals;
using sync::HttpOutcome;
using sync::HttpRequest;
using sync::HttpResponse;
using sync::TransportError;

HttpOutcome lost(TransportError::Kind kind, const char* message) {
  return tl::unexpected(TransportError{kind, message});
}

HttpResponse web_page() {
  return {200, {{"content-type", "text/html"}}, "<html><body>Please log in</body></html>"};
}

}  // namespace

Odds odds_of(const Plan& plan) {
  Random random = plan.stream(3);
  Odds odds;
  const auto draw = [&](Fault fault, std::uint64_t& to, std::int64_t most) {
    const auto drawn = static_cast<std::uint64_t>(random.between(1, most));
    if (plan.has(fault)) to = drawn;
  };
  draw(Fault::net_loss, odds.lost_before, 300);
  draw(Fault::net_loss, odds.lost_after, 300);
  draw(Fault::net_loss, odds.duplicated, 200);
  draw(Fault::net_slow, odds.slow, 300);
  draw(Fault::net_nonsense, odds.nonsense, 150);
  draw(Fault::net_nonsense, odds.web_page, 150);
  draw(Fault::server_errors, odds.refused, 300);
  draw(Fault::server_errors, odds.late_error, 200);
  return odds;
}

Network::Network(const Plan& plan, Agenda& agenda, VenueModel& venue)
    : agenda_{agenda},
      venue_{venue},
      planted_{plan.planted},
      random_{plan.stream(4)},
      odds_{odds_of(plan)} {}

void Network::heal() {
  odds_ = {};
  outage = Outage::none;
}

void Network::carry(const HttpRequest& request, Deliver deliver) {
  if (outage != Outage::none) return meet(request, deliver);
  const Time deadline = agenda_.now() + request.deadline;
  const bool planted =
      planted_ == Planted::rows_never_arrive && request.path == sync::endpoint::pours;
  if (planted || happens(odds_.lost_before)) {
    agenda_.at(deadline, [deliver = std::move(deliver)] {
      deliver(lost(TransportError::Kind::timeout, "no answer in time"));
    });
    return;
  }
  const Time arrival = agenda_.now() + within(20ms);
  const Time answer_at = arrival + (happens(odds_.slow) ? within(20s) : within(30ms));
  arrive(request, deliver, answer_at, deadline);
  if (happens(odds_.duplicated)) {
    const Time again = answer_at + within(60s);
    arrive(request, nullptr, again, again);
  }
}

void Network::meet(const HttpRequest& request, const Deliver& deliver) {
  const Time soon = agenda_.now() + within(20ms);
  const auto tell = [&](Time when, HttpOutcome outcome) {
    agenda_.at(when, [deliver, outcome = std::move(outcome)] { deliver(outcome); });
  };
  switch (outage) {
    case Outage::none:
    case Outage::no_link:
      return tell(soon, lost(TransportError::Kind::no_link, "connection refused"));
    case Outage::black_hole:
      return tell(agenda_.now() + request.deadline,
                  lost(TransportError::Kind::timeout, "no answer in time"));
    case Outage::unavailable:
      return tell(soon, HttpResponse{503, {}, "Service Unavailable"});
    case Outage::server_error:
      return tell(soon, HttpResponse{500, {}, "Internal Server Error"});
    case Outage::web_page:
      return tell(soon, web_page());
  }
}

// The request reaches the server; without `deliver` nobody hears the answer.
void Network::arrive(const HttpRequest& request, const Deliver& deliver, Time answer_at,
                     Time gives_up) {
  const bool heard = deliver != nullptr;
  const auto tell = [&](HttpResponse response) {
    agenda_.at(std::min(answer_at, gives_up),
               [deliver, response = std::move(response)] { deliver(response); });
  };
  if (heard && answer_at < gives_up && happens(odds_.refused)) {
    constexpr std::array statuses{429, 500, 503};
    return tell({statuses.at(random_.below(statuses.size())), {{"retry-after", "7"}}, ""});
  }
  if (heard && answer_at < gives_up && happens(odds_.web_page)) return tell(web_page());
  const bool answer_lost = happens(odds_.lost_after) || answer_at >= gives_up;
  const bool late_error = happens(odds_.late_error);
  const bool nonsense = happens(odds_.nonsense);
  // What takes long is the work on one day and the way back on another.
  const Time done_at = random_.chance(50) ? agenda_.now() + within(5ms) : answer_at;
  agenda_.at(std::min(done_at, answer_at), [=, this] {
    HttpResponse response = venue_.answer(request);
    if (!heard) return;
    HttpOutcome outcome = std::move(response);
    if (answer_lost) {
      outcome = lost(TransportError::Kind::timeout, "no answer in time");
    } else if (late_error) {
      outcome = HttpResponse{random_.chance(50) ? 504 : 500, {}, "Gateway Timeout"};
    } else if (nonsense) {
      outcome = damaged(*std::move(outcome));
    }
    agenda_.at(answer_lost ? gives_up : answer_at, [deliver, outcome] { deliver(outcome); });
  });
}

Time Network::within(std::chrono::milliseconds most) {
  return std::chrono::microseconds{random_.between(0, most.count() * 1'000)};
}

// Cuts, spoils or replaces the body so that it is no answer any more. (A flipped digit that leaves
// it one is for the checks of TCP and TLS to find.)
HttpResponse Network::damaged(HttpResponse response) {
  std::string& body = response.body;
  if (body.empty()) {
    body = "{";
  } else if (random_.chance(50)) {
    body.resize(random_.below(body.size()));
  } else {
    body = R"([1, 2, {"results": 7}])";
  }
  if (nlohmann::json::accept(body) && body.front() == '{') body.resize(body.size() / 2);
  return response;
}

}  // namespace tapd::simulation
