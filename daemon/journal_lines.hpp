// The words of the journal, in one place: what happened at which tap, in the language of the bar.
// Pure.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "daemon/core/calibration.hpp"
#include "daemon/core/session_events.hpp"
#include "daemon/journal.hpp"
#include "storage/model/records.hpp"
#include "sync/engine.hpp"

namespace tapd {

/// Who and what a tap's line is about.
struct TapContext {
  model::TapId tap;
  model::CardUid card;
  std::string guest;
  std::string beverage;
  std::string_view state{};  ///< Of the tap, after what is told.
  /// How long the last command to shut came after the pulse that caused it.
  std::optional<std::chrono::nanoseconds> shut_after{};
  std::optional<model::ClientTxId> client_tx_id{};  ///< Of the pour under way.
};

[[nodiscard]] JournalLine line_for(const Say& say, const TapContext& context);
/// The line of a finished pour: volume, price, receipt number, and why it ended, and
/// what was odd about its measurement.
[[nodiscard]] JournalLine line_for(const EndPour& end, const TapContext& context);
/// What staff have measured is in force, and not what the configuration says.
[[nodiscard]] JournalLine measured_line(model::TapId tap, const Calibration& measured,
                                        const Calibration& configured);
/// A pour found open at start.
[[nodiscard]] JournalLine line_for(const storage::RecoveredPour& recovered);
/// `sells_offline`: whether guests are served without the server.
[[nodiscard]] JournalLine line_for(const sync::Notice& notice, bool sells_offline = true);

}  // namespace tapd
