#include "tests/central/amounts.hpp"

#include <algorithm>

namespace tapd::central {
namespace {

/// Ten to this power still leaves 64 bits room for a sign and more.
constexpr int most_digits = 15;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

}  // namespace

std::optional<std::int64_t> scaled_decimal(std::string_view text, int decimals) {
  const std::size_t point = std::min(text.find('.'), text.size());
  const std::string_view whole = text.substr(0, point);
  const std::string_view fraction = point == text.size() ? "" : text.substr(point + 1);
  const bool has_point = point != text.size();
  if (whole.empty() || (has_point && fraction.empty())) return std::nullopt;
  if (fraction.size() > static_cast<std::size_t>(decimals)) return std::nullopt;
  std::string digits{whole};
  digits += fraction;
  digits.append(static_cast<std::size_t>(decimals) - fraction.size(), '0');
  if (digits.size() > most_digits || !std::ranges::all_of(digits, is_digit)) return std::nullopt;
  std::int64_t value = 0;
  for (const char c : digits) value = value * 10 + (c - '0');
  return value;
}

std::optional<std::int64_t> cents_per_litre_from_price_per_ml(std::string_view text) {
  constexpr int decimals = 5;  // 2 for the minor unit and 3 from millilitre to litre
  if (text.ends_with('.')) return std::nullopt;
  const bool has_point = text.find('.') != std::string_view::npos;
  while (has_point && text.ends_with('0')) text.remove_suffix(1);
  if (text.ends_with('.')) text.remove_suffix(1);
  return scaled_decimal(text, decimals);
}

std::int64_t charge_for(std::int64_t volume_ml, std::int64_t cents_per_litre) {
  return (volume_ml * cents_per_litre + 500) / 1000;
}

std::int64_t volume_for(std::int64_t funds_cents, std::int64_t cents_per_litre) {
  if (funds_cents <= 0) return 0;
  if (cents_per_litre == 0) return largest_volume_ml;
  // volume * price + 500 < (funds + 1) * 1000 is the same as charge <= funds.
  return std::min((funds_cents * 1000 + 499) / cents_per_litre, largest_volume_ml);
}

std::int64_t cents_per_ml_rounded_up(std::int64_t cents_per_litre) {
  return (cents_per_litre + 999) / 1000;
}

}  // namespace tapd::central
