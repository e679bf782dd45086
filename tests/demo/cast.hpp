// Who and what is in the bar, as the seed file says it (tests/central/bar.json): the guests with
// their cards, and what is on tap. The story names guests by first name and looks their cards up
// here; the view shows beverages and prices from here. Pure values.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace tapd::demo {

struct CastGuest {
  std::string id{};
  std::string name{};                ///< First name.
  std::vector<std::string> cards{};  ///< UIDs in lower-case hex.
};

struct CastTap {
  std::int64_t number{0};
  std::string beverage{};
  std::string litre_price{};  ///< "12.90", as the seed file has it.
  std::int64_t keg_ml{0};
};

struct Cast {
  std::vector<CastGuest> guests{};
  std::vector<CastTap> taps{};  ///< In the order of their numbers.

  /// The first card of the guest with this first name. Throws std::runtime_error when there is
  /// none.
  [[nodiscard]] const std::string& card_of(const std::string& name) const;
  /// The first name of a guest; the id itself when it is not in the file.
  [[nodiscard]] std::string name_of(const std::string& guest_id) const;
};

/// Reads a seed file's text. Throws std::runtime_error that says what is missing.
[[nodiscard]] Cast parse_cast(const std::string& text);

}  // namespace tapd::demo
