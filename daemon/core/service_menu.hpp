// The menu that a staff card opens at a tap, made for hands that have a reader, three lights and a
// buzzer, and perhaps no light to see by: each touch of the card is the next act and beeps its
// number, the card left lying does it, and the next touch stops it. Used by the tap session, which
// opens valves and bounds them; this only counts touches and time. Pure; it reads no clock.
//
//   1 lift a serving limit   2 bleed   3 clean   4 keg change   5 stop (leave the menu)
//
// The first act opens no valve: a staff card that somebody forgets on the reader pours nothing.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

#include "daemon/core/session_events.hpp"

namespace tapd {

/// How patient the menu is.
struct MenuRules {
  std::chrono::milliseconds hold{3'000};   ///< The card lies for so long: the act is done.
  std::chrono::milliseconds idle{15'000};  ///< Nobody touches for so long: it closes.
  /// Choosing takes no longer; nothing extends it, so a card that flaps cannot keep it open.
  std::chrono::milliseconds longest{120'000};
  /// Away for less is no new touch: a card at the edge of the field flaps.
  std::chrono::milliseconds shortest_lift{400};
  std::chrono::milliseconds answer{3'000};  ///< The audit row takes longer: it closes.
};

class ServiceMenu {
 public:
  /// What a touch or the time has come to.
  enum class Step : std::uint8_t { nothing, chosen, run, stop, close, unanswered };

  /// Opens with the first act. `lies`: the card is on the reader still.
  ServiceMenu(const model::CardUid& card, bool lies, model::SinceBoot now, const MenuRules& rules);

  [[nodiscard]] const model::CardUid& card() const { return card_; }
  [[nodiscard]] ServiceAct act() const { return act_; }
  /// The card that opened it: `chosen`, `stop`, or nothing.
  [[nodiscard]] Step laid_on(model::SinceBoot now);
  void taken_away(model::SinceBoot last_seen);
  /// `run`, `close`, `unanswered`, or nothing.
  [[nodiscard]] Step tick(model::SinceBoot now);
  /// When `tick` changes something; none: only a touch does.
  [[nodiscard]] std::optional<model::SinceBoot> wake_at() const;

  /// The act waits for its row in the audit log.
  [[nodiscard]] bool waits() const { return phase_ == Phase::asked; }
  /// The act's valve is open: from here on a touch stops it.
  void begun() { phase_ = Phase::running; }

 private:
  enum class Phase : std::uint8_t { choosing, asked, running };

  model::CardUid card_;
  MenuRules rules_;
  Phase phase_{Phase::choosing};
  ServiceAct act_{ServiceAct::lift_limits};
  model::SinceBoot opened_at_;
  model::SinceBoot touched_at_;
  model::SinceBoot asked_at_{};
  bool lies_;
  std::optional<model::SinceBoot> last_seen_;
};

/// The work at the valve that an act is; nullopt for those that open none.
[[nodiscard]] std::optional<ServiceKind> work_of(ServiceAct act);
/// The usual bounds of staff's work, where nobody says others.
[[nodiscard]] ServiceBegun usual_work(ServiceKind kind);

}  // namespace tapd
