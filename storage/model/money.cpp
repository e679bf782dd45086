#include "storage/model/money.hpp"

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <stdexcept>

#include <fmt/format.h>

namespace tapd::model {
namespace {

constexpr std::int64_t minor_per_major = 100;
constexpr std::int64_t millilitres_per_litre = 1000;

// round_half_up(millilitres * per_litre / 1000) of two counts that are not negative; nullopt when
// it does not fit. The product is never formed, as it may need more than 64 bits, which a 32-bit
// board does not have: with ml = 1000 a + b and price = 1000 c + d it is a * price + b c + (b d +
// 500) / 1000.
std::optional<std::int64_t> exact_price(std::int64_t millilitres, std::int64_t per_litre) {
  const auto [litres, rest] = std::lldiv(millilitres, millilitres_per_litre);
  const auto [per_millilitre, finer] = std::lldiv(per_litre, millilitres_per_litre);
  // Below 1000 * (largest / 1000): always fits.
  const std::int64_t of_rest =
      rest * per_millilitre + (rest * finer + millilitres_per_litre / 2) / millilitres_per_litre;
  std::int64_t price{};
  if (__builtin_mul_overflow(litres, per_litre, &price) ||
      __builtin_add_overflow(price, of_rest, &price)) {
    return std::nullopt;
  }
  return price;
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// Reads `digits` onto `value`; false as soon as the value is more than `most`.
bool append_digits(std::string_view digits, std::int64_t& value, std::int64_t most) {
  return std::all_of(digits.begin(), digits.end(), [&value, most](char c) {
    value = value * 10 + (c - '0');
    return value <= most;
  });
}

}  // namespace

Money operator+(Money a, Money b) {
  std::int64_t result{};
  if (__builtin_add_overflow(a.minor_, b.minor_, &result)) {
    throw std::overflow_error{"the sum of two amounts does not fit"};
  }
  return Money{result};
}

Money operator-(Money a, Money b) {
  std::int64_t result{};
  if (__builtin_sub_overflow(a.minor_, b.minor_, &result)) {
    throw std::overflow_error{"the difference of two amounts does not fit"};
  }
  return Money{result};
}

Money price_of(Volume volume, LitrePrice price) {
  const std::int64_t millilitres = volume.in_millilitres();
  if (millilitres < 0 || price.minor_per_litre() < 0) {
    throw std::domain_error{"a negative volume or litre price has no price"};
  }
  const auto exact = exact_price(millilitres, price.minor_per_litre());
  if (!exact) throw std::overflow_error{"the price of a volume does not fit"};
  return Money{*exact};
}

Volume volume_for(Money funds, LitrePrice price) {
  if (price.minor_per_litre() < 0) throw std::domain_error{"a litre price is never negative"};
  if (funds < Money{}) return Volume{};
  if (price.minor_per_litre() == 0) return Volume::largest();
  if (funds == Money{}) return Volume{};
  // The price grows with the volume: halve what lies between one that is bought and one that is
  // not.
  std::int64_t bought = 0;
  std::int64_t too_much = Volume::largest().in_millilitres() + 1;
  while (too_much - bought > 1) {
    const std::int64_t middle = bought + (too_much - bought) / 2;
    const auto cost = exact_price(middle, price.minor_per_litre());
    (cost && *cost <= funds.minor_units() ? bought : too_much) = middle;
  }
  return Volume::millilitres(bought);
}

std::string price_per_ml_decimal(LitrePrice price) {
  if (price.minor_per_litre() < 0) throw std::domain_error{"a litre price is never negative"};
  constexpr std::int64_t scale = minor_per_major * millilitres_per_litre;
  const std::int64_t whole = price.minor_per_litre() / scale;
  const std::int64_t fraction = price.minor_per_litre() % scale;
  if (fraction % 10 == 0) return fmt::format("{}.{:04}", whole, fraction / 10);
  return fmt::format("{}.{:05}", whole, fraction);
}

namespace {

// Minor units in a decimal of major ones, at most `most`. `what` is what it should be.
tl::expected<std::int64_t, std::string> parse_decimal(std::string_view text, std::string_view what,
                                                      std::int64_t most) {
  const auto refuse = [text, what](std::string_view why) {
    return tl::make_unexpected(fmt::format("\"{}\" is not {}: {}", text.substr(0, 40), what, why));
  };
  const std::size_t point = text.find('.');
  const std::string_view whole = text.substr(0, point);
  const std::string_view fraction =
      point == std::string_view::npos ? std::string_view{} : text.substr(point + 1);
  if (whole.empty()) return refuse("digits are missing before the point");
  if (point != std::string_view::npos && fraction.empty()) {
    return refuse("digits are missing after the point");
  }
  if (!std::all_of(whole.begin(), whole.end(), is_digit) ||
      !std::all_of(fraction.begin(), fraction.end(), is_digit)) {
    return refuse("only digits and one point are allowed");
  }
  if (fraction.size() > 2) return refuse("at most two digits may follow the point");

  std::int64_t minor = 0;
  const std::string_view padding = std::string_view{"00"}.substr(fraction.size());
  if (!append_digits(whole, minor, most) || !append_digits(fraction, minor, most) ||
      !append_digits(padding, minor, most)) {
    return refuse(fmt::format("it is more than {}", to_text(Money{most})));
  }
  return minor;
}

}  // namespace

tl::expected<LitrePrice, std::string> parse_litre_price(std::string_view text) {
  return parse_decimal(text, "a litre price", largest_litre_price.minor_per_litre())
      .map([](std::int64_t minor) { return LitrePrice{minor}; });
}

tl::expected<Money, std::string> parse_amount(std::string_view text) {
  return parse_decimal(text, "an amount of money", largest_amount.minor_units())
      .map([](std::int64_t minor) { return Money{minor}; });
}

std::string to_text(Money amount) {
  const bool negative = amount.minor_units() < 0;
  const auto bits = static_cast<std::uint64_t>(amount.minor_units());
  const std::uint64_t magnitude = negative ? 0U - bits : bits;
  return fmt::format("{}{}.{:02}", negative ? "-" : "", magnitude / minor_per_major,
                     magnitude % minor_per_major);
}

}  // namespace tapd::model
