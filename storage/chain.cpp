#include "storage/chain.hpp"

#include <array>
#include <stdexcept>

#include <fmt/format.h>

#include "storage/sha256.hpp"

namespace tapd::storage {
namespace {

constexpr std::array<std::string_view, 27> columns{
    "chain_no",    "client_tx_id",   "short_id",      "guest_id",
    "card_uid",    "tap_id",         "keg_id",        "authorized_by",
    "volume_ml",   "tail_volume_ml", "price_cents",   "price_per_ml_at_pour",
    "hold_cents",  "calibration_id", "pulses",        "edges_lost",
    "checkpoints", "boot_id",        "start_ts",      "start_mono_ns",
    "end_ts",      "end_mono_ns",    "clock_trusted", "created_at",
    "duration_ms", "stop_reason",    "prev_hash",
};

}  // namespace

std::span<const std::string_view> hashed_columns() {
  return columns;
}

std::string chain_hash(std::span<const std::optional<std::string>> texts) {
  if (texts.size() != columns.size()) throw std::logic_error{"a pour is hashed over all columns"};
  std::string content = "tapd pour 1\n";
  for (std::size_t i = 0; i < columns.size(); ++i) {
    const auto& text = texts[i];
    content += text ? fmt::format("{}={}:{}\n", columns.at(i), text->size(), *text)
                    : fmt::format("{}=-\n", columns.at(i));
  }
  return sha256(content);
}

// A price that is none cannot be written out as one.
bool price_agrees(model::LitrePrice per_litre, std::string_view per_millilitre) {
  return per_litre >= model::LitrePrice{} && per_litre <= model::largest_litre_price &&
         model::price_per_ml_decimal(per_litre) == per_millilitre;
}

}  // namespace tapd::storage
