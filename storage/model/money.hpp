// Money and prices as exact integers. A Money is a count of minor units (cents, kopecks); a
// LitrePrice is minor units per litre. Neither converts to a volume, to a bare integer or to
// floating point unless asked by name. Arithmetic that would overflow throws std::overflow_error:
// amounts that enter the program are bounded at its edges, so an overflow is a programming error.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "storage/model/volume.hpp"

#include <tl/expected.hpp>

namespace tapd::model {

/// An amount of money in minor units. May be negative (an overdraft, a correction).
class Money {
 public:
  constexpr Money() = default;
  constexpr explicit Money(std::int64_t minor_units) : minor_{minor_units} {}

  [[nodiscard]] constexpr std::int64_t minor_units() const { return minor_; }
  constexpr auto operator<=>(const Money&) const = default;

  /// Throws std::overflow_error when the result does not fit.
  friend Money operator+(Money a, Money b);
  friend Money operator-(Money a, Money b);
  Money& operator+=(Money other) { return *this = *this + other; }
  Money& operator-=(Money other) { return *this = *this - other; }

 private:
  std::int64_t minor_{0};
};

/// The largest amount accepted from outside (configuration, server): 10 million major units at two
/// digits. Leaves room for every sum that the program forms.
inline constexpr Money largest_amount{1'000'000'000};

/// A price in minor units per litre; never negative.
class LitrePrice {
 public:
  constexpr LitrePrice() = default;
  constexpr explicit LitrePrice(std::int64_t minor_units_per_litre)
      : minor_per_litre_{minor_units_per_litre} {}

  [[nodiscard]] constexpr std::int64_t minor_per_litre() const { return minor_per_litre_; }
  constexpr auto operator<=>(const LitrePrice&) const = default;

 private:
  std::int64_t minor_per_litre_{0};
};

/// The dearest litre accepted from outside.
inline constexpr LitrePrice largest_litre_price{100'000'000};

/// What a volume costs: round_half_up(whole millilitres * price per litre / 1000), the rule that
/// the venue server bills by (architecture, "Numbers, units, time"). Throws std::domain_error for a
/// negative volume or price.
[[nodiscard]] Money price_of(Volume volume, LitrePrice price);

/// The largest whole-millilitre volume whose price does not exceed `funds`. Without funds (zero or
/// less) it is zero, although the first drops round down to no money. A price of zero gives
/// `Volume::largest()` unless funds are negative, and no answer exceeds that.
[[nodiscard]] Volume volume_for(Money funds, LitrePrice price);

/// The litre price as the dictionary's `price_per_ml_at_pour`: major units per millilitre as an
/// exact decimal with at least four digits ("0.0129", and "0.01295" where four digits would round).
/// Minor units are hundredths of the major unit.
[[nodiscard]] std::string price_per_ml_decimal(LitrePrice price);

/// Reads a litre price such as "12.90", "350" or "8.5" (major units, at most two decimals, digits
/// and one point only). Errors say what is wrong with the text.
[[nodiscard]] tl::expected<LitrePrice, std::string> parse_litre_price(std::string_view text);

/// Reads an amount such as "50" or "12.90", in the same notation; never negative.
[[nodiscard]] tl::expected<Money, std::string> parse_amount(std::string_view text);

/// "12.90" for 1290 minor units, "-0.05" for -5. For people and journals.
[[nodiscard]] std::string to_text(Money amount);

}  // namespace tapd::model
