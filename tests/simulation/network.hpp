// The network between the daemon and the venue server: requests and answers get lost, come late,
// twice, damaged, or from somebody else.
#pragma once

#include <functional>

#include "agenda.hpp"
#include "plan.hpp"
#include "sync/transport.hpp"
#include "venue_model.hpp"

namespace tapd::simulation {

/// What every request meets for a while.
enum class Outage : std::uint8_t { none, no_link, black_hole, unavailable, server_error, web_page };

/// How often each thing happens, per thousand requests.
struct Odds {
  std::uint64_t lost_before{0};  ///< The request never arrives.
  std::uint64_t lost_after{0};   ///< The server did it, the answer is lost.
  std::uint64_t duplicated{0};   ///< It arrives a second time, much later.
  std::uint64_t slow{0};         ///< Answered after up to 20 s.
  std::uint64_t nonsense{0};     ///< Done, but the answer is damaged.
  std::uint64_t web_page{0};     ///< A portal's login page; nothing was done.
  std::uint64_t refused{0};      ///< 429, 500 or 503; nothing was done.
  std::uint64_t late_error{0};   ///< 504 or 500, though it was done.
};
[[nodiscard]] Odds odds_of(const Plan& plan);

class Network {
 public:
  using Deliver = std::function<void(sync::HttpOutcome)>;
  Network(const Plan& plan, Agenda& agenda, VenueModel& venue);

  /// Carries a request; `deliver` is called once, at the latest at the request's deadline.
  void carry(const sync::HttpRequest& request, Deliver deliver);
  /// From now on everything arrives and is answered.
  void heal();
  Outage outage{Outage::none};

 private:
  void meet(const sync::HttpRequest& request, const Deliver& deliver);
  void arrive(const sync::HttpRequest& request, const Deliver& deliver, Time answer_at,
              Time gives_up);
  [[nodiscard]] Time within(std::chrono::milliseconds most);
  [[nodiscard]] bool happens(std::uint64_t odds) { return random_.below(1'000) < odds; }
  [[nodiscard]] sync::HttpResponse damaged(sync::HttpResponse response);

  Agenda& agenda_;
  VenueModel& venue_;
  Planted planted_;
  Random random_;
  Odds odds_;
};

}  // namespace tapd::simulation
