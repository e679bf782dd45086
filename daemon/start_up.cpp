#include "daemon/start_up.hpp"

#include <cstdlib>
#include <stdexcept>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "daemon/journal_lines.hpp"
#include "daemon/staff_marks.hpp"
#include "daemon/storage_requests.hpp"
#include "storage/restoring.hpp"

namespace tapd {

void finish_what_was_open(storage::Ledger& ledger, const model::Moment& now, Journal& journal) {
  const auto recovered = ledger.finish_open_pours(now);
  if (!recovered) throw std::runtime_error{recovered.error().message};
  for (const storage::RecoveredPour& pour : *recovered) journal.write(line_for(pour));
  const auto stopped = ledger.stop_open_flow_events(now);
  if (!stopped) throw std::runtime_error{stopped.error().message};
}

std::unique_ptr<storage::Ledger> open_ledger(const Config& config, const model::BootId& boot,
                                             const model::Moment& now, Journal& journal) {
  storage::LedgerOptions options;
  options.file = config.ledger_file();
  options.boot = boot;
  options.medium_blocks = config.storage.medium_blocks;
  options.tell = [&journal](const std::string& what) {
    journal.line(Message::ledger_changed, Level::info, "ledger: " + what);
  };
  std::vector<std::string> told;
  auto ledger =
      storage::open_or_restore({.ledger = options,
                                .backup = config.storage.books.backup_file,
                                .start_empty_after_loss = config.storage.start_empty_after_loss,
                                .now = now},
                               told);
  for (const std::string& line : told) {
    journal.line(Message::ledger_restored, Level::error, "ledger: " + line);
  }
  finish_what_was_open(*ledger, now, journal);
  return ledger;
}

KnownTap know_tap(storage::Ledger& ledger, model::TapId tap, const Calibration& configured,
                  const model::Moment& now, Journal& journal) {
  const auto in_force = kept_calibration(ledger, tap, configured);
  if (!in_force) throw std::runtime_error{in_force.error().message};
  if (in_force->nominal() != configured.nominal()) {
    journal.write(measured_line(tap, *in_force, configured));
  }
  KnownTap known{.calibration = *in_force,
                 .close_time = {},
                 .locked_by_staff = kept_lock(ledger, tap),
                 .closed_by_itself = {}};
  if (const auto closed = ledger.meta(closings_key(tap)); closed && *closed) {
    known.closed_by_itself = **closed;
  }
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

storage::Result<> forget_outdated(storage::Ledger& ledger, const Config& config, Journal& journal) {
  for (const TapConfig& tap : config.taps) {
    const auto forgotten = forget_outdated(ledger, tap.id, tap.meter.calibration);
    if (!forgotten) return tl::unexpected{forgotten.error()};
    if (!*forgotten) continue;
    journal.line(Message::meter_measured, Level::info,
                 fmt::format("tap {}: what staff have measured is forgotten: the configuration has "
                             "another value than then",
                             tap.id.number()),
                 {.tap = tap.id});
  }
  return {};
}

}  // namespace tapd
