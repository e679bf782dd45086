// The money arithmetic of the venue server: exact integers of minor units (cents) and millilitres.
// It is written a second time on purpose, apart from storage/model: a server that shared the
// daemon's arithmetic could not find its mistakes. No floating point, and every product of values
// within the limits below fits 64 bits.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tapd::central {

/// The largest volume of one row: two of the largest kegs sold. More is a broken meter.
inline constexpr std::int64_t largest_volume_ml = 100'000;
/// 10 million major units; fits DECIMAL(10,2) ten times over.
inline constexpr std::int64_t largest_amount_cents = 1'000'000'000;
/// 1 million major units for a litre.
inline constexpr std::int64_t largest_cents_per_litre = 100'000'000;

/// Reads digits with at most `decimals` digits behind one point ("12.95") and returns the value
/// times ten to the power of `decimals` (1295 for two). Nothing for any other text, a sign, or a
/// value of more than 15 digits in all.
[[nodiscard]] std::optional<std::int64_t> scaled_decimal(std::string_view text, int decimals);

/// The price per millilitre as the wire carries it ("0.01295", major units, five decimals at most)
/// in minor units per litre (1295). One major unit per ml is 100,000 minor units per litre, so
/// every litre price of whole minor units has exactly one such text up to trailing zeros.
[[nodiscard]] std::optional<std::int64_t> cents_per_litre_from_price_per_ml(std::string_view text);

/// round_half_up(volume * price / 1000): what a pour costs.
[[nodiscard]] std::int64_t charge_for(std::int64_t volume_ml, std::int64_t cents_per_litre);

/// The largest volume whose charge does not exceed `funds_cents`, at most largest_volume_ml; 0 for
/// no funds or debts.
[[nodiscard]] std::int64_t volume_for(std::int64_t funds_cents, std::int64_t cents_per_litre);

/// The price of one millilitre rounded up to whole minor units, as section 1 of the contract says.
[[nodiscard]] std::int64_t cents_per_ml_rounded_up(std::int64_t cents_per_litre);

}  // namespace tapd::central
