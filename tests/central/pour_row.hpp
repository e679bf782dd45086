// One row of POST /api/sync/pours as the controller sent it: read, checked field by field, and
// reduced to the content that must not change between two sendings. Knows nothing of the database.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <tl/expected.hpp>

namespace tapd::central {

/// What became of a row (contract, section 2).
struct RowVerdict {
  std::string status;   ///< accepted, rejected or conflict.
  std::string outcome;  ///< See docs/wire.md for the list.
  std::optional<std::string> reason{};
};

/// A row whose fields are each within their limits. A row of zero volume releases a lock and needs
/// neither price nor duration.
struct PourRow {
  std::string client_tx_id;
  std::optional<std::string> short_id;
  std::string card_uid;
  std::int64_t tap_id{0};
  std::int64_t duration_ms{0};
  std::int64_t volume_ml{0};
  std::int64_t tail_volume_ml{0};  ///< Part of volume_ml.
  std::int64_t price_cents{0};
  std::string price_per_ml;         ///< As sent: major units, an exact decimal.
  std::int64_t cents_per_litre{0};  ///< The same price in minor units per litre.
  std::optional<std::string> guest_id;
  std::optional<std::string> keg_id;
  std::optional<std::string> start_ts;
  std::optional<std::string> end_ts;
  std::string authorized_by{"server"};  ///< server or cache.
  std::optional<std::string> stop_reason;
  std::optional<std::int64_t> pulses;
  std::optional<std::int64_t> edges_lost;
};

/// Reads a row; anything that cannot be booked as it stands is a verdict with a reason.
[[nodiscard]] tl::expected<PourRow, RowVerdict> read_pour_row(const nlohmann::json& row);

/// The row's content in a form that two sendings of the same pour share, whatever the order of
/// their fields, and that two different pours do not: who, where, how much, how long, for how much.
/// Times are left out, because a controller corrects them once its clock is set, and so is the
/// evidence (pulses, stop reason, keg), of which a newer controller may send more.
[[nodiscard]] std::string content_of(const PourRow& row);

/// What is wrong with the row's price, if anything: `price_cents` must be what the row's own
/// volume and price make, rounded half up.
[[nodiscard]] std::optional<RowVerdict> check_price(const PourRow& row);

}  // namespace tapd::central
