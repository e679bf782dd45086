#include "daemon/staff_marks.hpp"

#include <optional>
#include <string_view>

#include <fmt/format.h>

#include "storage/model/whole_number.hpp"
#include "storage/notes.hpp"

namespace tapd {
namespace {

std::string lock_key(model::TapId tap) {
  return fmt::format("{}.{}", storage::staff_lock, tap.number());
}

std::string calibration_key(model::TapId tap) {
  return fmt::format("{}.{}", storage::staff_calibration, tap.number());
}

/// Of a mark "configured measured", nanolitres a pulse.
std::optional<Calibration> measured_against(std::string_view mark, const Calibration& configured) {
  const auto space = mark.find(' ');
  if (space == std::string_view::npos || !configured.curve_text().empty()) return std::nullopt;
  const auto against = model::whole_number(mark.substr(0, space));
  const auto measured = model::whole_number(mark.substr(space + 1));
  if (against != configured.nominal() || !measured || *measured <= 0) return std::nullopt;
  return Calibration::constant(*measured);
}

}  // namespace

storage::Result<> keep_lock(storage::Ledger& ledger, model::TapId tap, const std::string& why) {
  return ledger.set_meta(lock_key(tap), why);
}

std::string kept_lock(const storage::Ledger& ledger, model::TapId tap) {
  const auto kept = ledger.meta(lock_key(tap));
  return kept && *kept ? **kept : std::string{};
}

storage::Result<> keep_calibration(storage::Ledger& ledger, model::TapId tap,
                                   const Calibration& measured, const Calibration& configured) {
  return ledger.set_meta(calibration_key(tap),
                         fmt::format("{} {}", configured.nominal(), measured.nominal()));
}

storage::Result<Calibration> kept_calibration(const storage::Ledger& ledger, model::TapId tap,
                                              const Calibration& configured) {
  const auto kept = ledger.meta(calibration_key(tap));
  if (!kept) return tl::unexpected{kept.error()};
  return measured_against(kept->value_or(""), configured).value_or(configured);
}

storage::Result<bool> forget_outdated(storage::Ledger& ledger, model::TapId tap,
                                      const Calibration& configured) {
  const auto kept = ledger.meta(calibration_key(tap));
  if (!kept) return tl::unexpected{kept.error()};
  if (kept->value_or("").empty() || measured_against(**kept, configured)) return false;
  return ledger.set_meta(calibration_key(tap), "").map([] { return true; });
}

}  // namespace tapd
