#include <fmt/format.h>
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <limits>
#include <optional>

#include "storage/model/money.hpp"
#include "tests/storage/bar.hpp"
#include "tests/storage/random.hpp"
#include "tests/storage/wide.hpp"

using namespace tapd::model;
using Catch::Matchers::ContainsSubstring;
using tapd::test::Random;
using tapd::test::Wide;

namespace {

constexpr int cases = 20'000;
constexpr std::int64_t largest_integer = std::numeric_limits<std::int64_t>::max();

// The rule in words: millilitres half up, times the price, divided by a thousand half up.
std::optional<std::int64_t> exact_price(std::int64_t microlitres, std::int64_t per_litre) {
  const Wide millilitres = (static_cast<Wide>(microlitres) + 500) / 1000;
  const Wide price = (millilitres * per_litre + 500) / 1000;
  if (price > largest_integer) return std::nullopt;
  return static_cast<std::int64_t>(price);
}

// Amounts of every size, not mostly huge ones.
std::int64_t of_any_size(Random& random, std::int64_t most) {
  const std::int64_t shifted = most >> random.below(60);
  return random.between(0, std::max<std::int64_t>(shifted, 1));
}

}  // namespace

TEST_CASE("a price is exact for every volume, or an overflow is thrown", "[model][money]") {
  Random random{1};
  int overflows = 0;
  for (int i = 0; i < cases; ++i) {
    const std::int64_t microlitres = of_any_size(random, largest_integer);
    const std::int64_t per_litre = of_any_size(random, largest_integer);
    CAPTURE(microlitres, per_litre);
    const auto expected = exact_price(microlitres, per_litre);
    if (expected) {
      REQUIRE(price_of(Volume::microlitres(microlitres), LitrePrice{per_litre}) ==
              Money{*expected});
    } else {
      ++overflows;
      REQUIRE_THROWS_AS(price_of(Volume::microlitres(microlitres), LitrePrice{per_litre}),
                        std::overflow_error);
    }
  }
  CHECK(overflows > 100);
}

TEST_CASE("a volume for some funds never costs more, and a millilitre more would",
          "[model][money]") {
  Random random{2};
  for (int i = 0; i < cases; ++i) {
    const Money funds{of_any_size(random, largest_integer)};
    const LitrePrice price{of_any_size(random, 10 * largest_litre_price.minor_per_litre())};
    CAPTURE(funds.minor_units(), price.minor_per_litre());
    const Volume volume = volume_for(funds, price);
    REQUIRE(volume.in_microlitres() % 1000 == 0);
    REQUIRE(volume <= Volume::largest());
    REQUIRE(price_of(volume, price) <= funds);
    const bool bounded = volume < Volume::largest();
    if (bounded && funds > Money{}) {
      REQUIRE(price_of(volume + Volume::millilitres(1), price) > funds);
    }
  }
}

TEST_CASE("more volume never costs less and more funds never buy less", "[model][money]") {
  Random random{3};
  for (int i = 0; i < cases; ++i) {
    const LitrePrice price{of_any_size(random, largest_litre_price.minor_per_litre())};
    const Volume volume = Volume::microlitres(random.between(0, 1'000'000'000));
    const Volume more = volume + Volume::microlitres(random.between(0, 2'000'000));
    REQUIRE(price_of(volume, price) <= price_of(more, price));
    const Money funds{random.between(-100, 1'000'000)};
    const Money richer = funds + Money{random.between(0, 1000)};
    REQUIRE(volume_for(funds, price) <= volume_for(richer, price));
  }
}

TEST_CASE("no funds buy nothing and what is free has the limit of a tap", "[model][money]") {
  CHECK(volume_for(Money{}, LitrePrice{500}) == Volume{});
  CHECK(volume_for(Money{-1}, LitrePrice{500}) == Volume{});
  CHECK(volume_for(Money{-1}, LitrePrice{}) == Volume{});
  CHECK(volume_for(Money{}, LitrePrice{}) == Volume::largest());
  CHECK(volume_for(Money{std::numeric_limits<std::int64_t>::min()}, LitrePrice{1}) == Volume{});
  CHECK(volume_for(Money{largest_integer}, LitrePrice{1}) == Volume::largest());
  CHECK(volume_for(Money{1}, LitrePrice{1000}) == Volume::millilitres(1));
}

TEST_CASE("half a minor unit is rounded up", "[model][money]") {
  CHECK(price_of(Volume::millilitres(1), LitrePrice{499}) == Money{0});
  CHECK(price_of(Volume::millilitres(1), LitrePrice{500}) == Money{1});
  CHECK(price_of(Volume::millilitres(3), LitrePrice{500}) == Money{2});
  CHECK(price_of(Volume::microlitres(499), LitrePrice{1000}) == Money{0});
  CHECK(price_of(Volume::microlitres(500), LitrePrice{1000}) == Money{1});
  CHECK(price_of(Volume::millilitres(568), LitrePrice{1290}) == Money{733});
}

TEST_CASE("what is negative has no price", "[model][money]") {
  CHECK_THROWS_AS(price_of(Volume::millilitres(-1), LitrePrice{1}), std::domain_error);
  CHECK_THROWS_AS(price_of(Volume::millilitres(1), LitrePrice{-1}), std::domain_error);
  CHECK_THROWS_AS(volume_for(Money{1}, LitrePrice{-1}), std::domain_error);
  CHECK_THROWS_AS(price_per_ml_decimal(LitrePrice{-1}), std::domain_error);
}

TEST_CASE("sums of money are exact or throw", "[model][money]") {
  Random random{4};
  int thrown = 0;
  for (int i = 0; i < cases; ++i) {
    const auto a = static_cast<std::int64_t>(random.next());
    const auto b = static_cast<std::int64_t>(random.next());
    const Wide sum = static_cast<Wide>(a) + b;
    const Wide difference = static_cast<Wide>(a) - b;
    const auto fits = [](Wide value) { return value == static_cast<std::int64_t>(value); };
    if (fits(sum)) {
      REQUIRE((Money{a} + Money{b}).minor_units() == static_cast<std::int64_t>(sum));
    } else {
      ++thrown;
      REQUIRE_THROWS_AS(Money{a} + Money{b}, std::overflow_error);
    }
    if (fits(difference)) {
      REQUIRE((Money{a} - Money{b}).minor_units() == static_cast<std::int64_t>(difference));
    } else {
      ++thrown;
      REQUIRE_THROWS_AS(Money{a} - Money{b}, std::overflow_error);
    }
  }
  CHECK(thrown > cases / 4);
  Money total{5};
  total += Money{7};
  total -= Money{20};
  CHECK(total == Money{-8});
}

TEST_CASE("amounts are written as people write them", "[model][money]") {
  CHECK(to_text(Money{1290}) == "12.90");
  CHECK(to_text(Money{-5}) == "-0.05");
  CHECK(to_text(Money{0}) == "0.00");
  CHECK(to_text(Money{-100}) == "-1.00");
  CHECK(to_text(Money{largest_integer}) == "92233720368547758.07");
  CHECK(to_text(Money{std::numeric_limits<std::int64_t>::min()}) == "-92233720368547758.08");
}

TEST_CASE("the price of a millilitre is an exact decimal", "[model][money]") {
  CHECK(price_per_ml_decimal(LitrePrice{1290}) == "0.0129");
  CHECK(price_per_ml_decimal(LitrePrice{1295}) == "0.01295");
  CHECK(price_per_ml_decimal(LitrePrice{0}) == "0.0000");
  CHECK(price_per_ml_decimal(LitrePrice{1}) == "0.00001");
  CHECK(price_per_ml_decimal(LitrePrice{100'000}) == "1.0000");
  Random random{5};
  for (int i = 0; i < cases; ++i) {
    const std::int64_t per_litre = of_any_size(random, largest_integer);
    const std::string text = price_per_ml_decimal(LitrePrice{per_litre});
    const std::size_t point = text.find('.');
    const std::string fraction = text.substr(point + 1);
    REQUIRE((fraction.size() == 4 || (fraction.size() == 5 && fraction.back() != '0')));
    const std::string digits = text.substr(0, point) + (fraction + "0").substr(0, 5);
    REQUIRE(std::stoll(digits) == per_litre);
  }
}

TEST_CASE("a litre price is read exactly as it is written", "[model][money]") {
  CHECK(parse_litre_price("12.90") == LitrePrice{1290});
  CHECK(parse_litre_price("350") == LitrePrice{35'000});
  CHECK(parse_litre_price("8.5") == LitrePrice{850});
  CHECK(parse_litre_price("0") == LitrePrice{0});
  CHECK(parse_litre_price("0.01") == LitrePrice{1});
  CHECK(parse_litre_price("1000000.00") == largest_litre_price);
  Random random{6};
  for (int i = 0; i < cases; ++i) {
    const Money amount{random.between(0, largest_litre_price.minor_per_litre())};
    REQUIRE(parse_litre_price(to_text(amount)) == LitrePrice{amount.minor_units()});
  }
}

TEST_CASE("what is no litre price is refused with the reason", "[model][money]") {
  for (const char* text :
       {"", ".", ".5", "5.", "1.234", "-1", "+1", "1,5", "1 ", " 1", "1e3", "0x10", "1.2.3", "1..2",
        "nan", "1000000.01", "99999999999999999999999999999999999999"}) {
    const auto price = parse_litre_price(text);
    CAPTURE(text);
    REQUIRE_FALSE(price.has_value());
    CHECK_THAT(price.error(), ContainsSubstring("is not a litre price: "));
  }
}
