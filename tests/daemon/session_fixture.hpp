// A tap session with a clock of its own, for tests: each call is one event at a moment that the
// test chooses, and the actions it answered are kept for a look.
#pragma once

#include <algorithm>
#include <string>
#include <variant>

#include "daemon/core/tap_session.hpp"

namespace tapd::test {

inline model::CardUid card(const char* hex) {
  return *model::CardUid::parse(hex);
}
inline const model::CardUid ann = card("04ab7815cd6b80");
inline const model::CardUid bob = card("04112233445566");

/// 500 pulses per litre: an edge is exactly one millilitre.
inline constexpr Calibration one_ml_per_edge = Calibration::constant(2'000'000, 7);

inline Grant grant(std::int64_t limit_ml, std::int64_t litre_price = 1'000) {
  Grant grant;
  grant.guest_id = model::GuestId{"guest"};
  grant.price = model::LitrePrice{litre_price};
  grant.limit = model::Volume::millilitres(limit_ml);
  grant.hold = model::price_of(grant.limit, grant.price);
  return grant;
}

inline model::ClientTxId some_id() {
  return model::ClientTxId::from_random({1, 2, 3, 4});
}

class SessionFixture {
 public:
  /// `close_time`: learnt before; nothing: the tap has never poured.
  explicit SessionFixture(
      SessionRules rules = {},
      std::optional<std::chrono::microseconds> close_time = std::chrono::microseconds{0},
      const Calibration& calibration = one_ml_per_edge)
      : session{model::TapId{1}, rules, calibration,
                TailEstimate{rules.longest_close_time, close_time}} {}

  const Actions& give(const Event& event) {
    last = session.on(event, now);
    all.insert(all.end(), last.begin(), last.end());
    return last;
  }
  /// Lets time pass and ticks once at its end.
  const Actions& pass(std::chrono::milliseconds time) {
    now.since_boot += time;
    now.wall += time;
    return give(Tick{});
  }
  template<typename Kind>
  [[nodiscard]] bool did() const {
    return std::any_of(last.begin(), last.end(),
                       [](const Action& action) { return std::holds_alternative<Kind>(action); });
  }
  template<typename Kind>
  [[nodiscard]] const Kind* newest() const {
    const auto found = std::find_if(all.rbegin(), all.rend(), [](const Action& action) {
      return std::holds_alternative<Kind>(action);
    });
    return found == all.rend() ? nullptr : &std::get<Kind>(*found);
  }

  // The steps of a usual pour.
  void start() { give(Started{}); }
  void lay_on(const model::CardUid& uid = ann) { give(CardPresent{uid}); }
  void take_away() { give(CardGone{now.since_boot}); }
  void allow(std::int64_t limit_ml = 300) {
    give(Granted{.grant = grant(limit_ml), .client_tx_id = some_id()});
  }
  void to_ready(std::int64_t limit_ml = 300) {
    start();
    lay_on();
    allow(limit_ml);
    give(BeginWritten{});
  }
  void flow(std::int64_t edges) { give(Flow{.edges = edges}); }
  /// Pulses at a steady pace for a while, an edge at a time.
  void flow_for(std::chrono::milliseconds time, std::chrono::microseconds edge_every) {
    const auto end = now.since_boot + time;
    while (now.since_boot + edge_every <= end) {
      now.since_boot += edge_every;
      flow(1);
    }
    now.since_boot = end;
  }

  TapSession session;
  model::Moment now{.since_boot = std::chrono::seconds{100},
                    .wall = model::WallTime{std::chrono::seconds{1'700'000'000}},
                    .wall_trusted = true};
  Actions last;
  Actions all;
};

}  // namespace tapd::test
