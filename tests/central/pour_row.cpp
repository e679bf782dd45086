#include "tests/central/pour_row.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "tests/central/amounts.hpp"
#include "tests/central/fields.hpp"

namespace tapd::central {
namespace {

using nlohmann::json;

std::optional<std::string> optional_time(Fields& fields, const char* name) {
  auto text = fields.optional_text(name, {.shortest = 0, .longest = 40});
  if (text && !is_utc_time(*text)) fields.complain(name, "must look like 2026-11-21T10:00:00.000Z");
  return text;
}

void read_identity(Fields& fields, PourRow& row) {
  row.client_tx_id = fields.text("client_tx_id", {.shortest = 1, .longest = 100});
  row.short_id = fields.optional_text("short_id", {.shortest = 6, .longest = 8});
  row.card_uid = fields.card_uid("card_uid");
  row.tap_id = fields.integer("tap_id", tap_numbers);
  row.volume_ml = fields.integer("volume_ml", {0, largest_volume_ml});
}

void read_price(Fields& fields, PourRow& row) {
  row.price_cents = fields.integer("price_cents", {0, largest_amount_cents});
  row.price_per_ml = fields.text("price_per_ml_at_pour", {.shortest = 1, .longest = 20});
  const auto price = cents_per_litre_from_price_per_ml(row.price_per_ml);
  if (!price || *price > largest_cents_per_litre) {
    fields.complain("price_per_ml_at_pour",
                    "must be a decimal text of major units, at most 1000 and five decimals");
  }
  row.cents_per_litre = price.value_or(0);
}

void read_measurement(Fields& fields, PourRow& row) {
  row.tail_volume_ml = fields.optional_integer("tail_volume_ml", {0, row.volume_ml}).value_or(0);
  row.start_ts = optional_time(fields, "start_ts");
  row.end_ts = optional_time(fields, "end_ts");
  row.pulses = fields.optional_integer("pulses", int64_not_negative);
  row.edges_lost = fields.optional_integer("edges_lost", int64_not_negative);
  row.stop_reason = fields.optional_text("stop_reason", {.shortest = 0, .longest = 64});
}

void read_authorization(Fields& fields, PourRow& row) {
  row.guest_id = fields.optional_uuid("guest_id");
  row.keg_id = fields.optional_uuid("keg_id");
  row.authorized_by =
      fields.optional_text("authorized_by", {.shortest = 0, .longest = 20}).value_or("server");
  if (row.authorized_by != "server" && row.authorized_by != "cache") {
    fields.complain("authorized_by", "must be server or cache");
  }
}

RowVerdict malformed(const Fields& fields) {
  return {.status = "rejected", .outcome = "rejected_malformed", .reason = fields.summary()};
}

}  // namespace

tl::expected<PourRow, RowVerdict> read_pour_row(const json& object) {
  Fields fields{object};
  PourRow row;
  read_identity(fields, row);
  if (!fields.good()) return tl::unexpected(malformed(fields));
  if (row.volume_ml == 0) return row;
  read_price(fields, row);
  read_measurement(fields, row);
  read_authorization(fields, row);
  if (!fields.good()) return tl::unexpected(malformed(fields));
  // The contract names this fault, so it is told apart from the others.
  row.duration_ms = fields.integer("duration_ms", int32_not_negative);
  if (!fields.good()) {
    return tl::unexpected(RowVerdict{
        .status = "rejected", .outcome = "rejected_invalid_duration", .reason = fields.summary()});
  }
  return row;
}

std::string content_of(const PourRow& row) {
  const json content{row.card_uid,
                     row.tap_id,
                     row.volume_ml,
                     row.tail_volume_ml,
                     row.price_cents,
                     row.cents_per_litre,
                     row.duration_ms,
                     row.short_id.value_or(""),
                     row.guest_id.value_or("")};
  return content.dump();
}

std::optional<RowVerdict> check_price(const PourRow& row) {
  const std::int64_t expected = charge_for(row.volume_ml, row.cents_per_litre);
  if (row.price_cents == expected) return std::nullopt;
  return RowVerdict{
      .status = "rejected",
      .outcome = "price_mismatch",
      .reason = fmt::format("price_cents is {}, but {} ml at {} per ml make {}", row.price_cents,
                            row.volume_ml, row.price_per_ml, expected)};
}

}  // namespace tapd::central
