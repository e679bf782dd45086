#include "daemon/start_up.hpp"

#include <cstdlib>
#include <stdexcept>

#include "daemon/journal_lines.hpp"
#include "daemon/staff_api.hpp"
#include "daemon/storage_requests.hpp"

namespace tapd {

void finish_what_was_open(storage::Ledger& ledger, const model::Moment& now, Journal& journal) {
  const auto recovered = ledger.finish_open_pours(now);
  if (!recovered) throw std::runtime_error{recovered.error().message};
  for (const storage::RecoveredPour& pour : *recovered) journal.write(line_for(pour));
  const auto stopped = ledger.stop_open_flow_events(now);
  if (!stopped) throw std::runtime_error{stopped.error().message};
}

KnownTap know_tap(storage::Ledger& ledger, model::TapId tap, const Calibration& configured,
                  const model::Moment& now) {
  KnownTap known{.calibration = kept_calibration(ledger, tap, configured),
                 .close_time = {},
                 .locked_by_staff = kept_lock(ledger, tap)};
  const auto id = ledger.calibration(tap, known.calibration.nominal(),
                                     known.calibration.curve_text(), "configuration", now);
  if (!id) throw std::runtime_error{id.error().message};
  known.calibration.id = *id;
  const auto kept = ledger.meta(close_time_key(tap));
  if (kept && *kept) {
    known.close_time = std::chrono::microseconds{std::strtoll((*kept)->c_str(), nullptr, 10)};
  }
  return known;
}

}  // namespace tapd
