#include "tests/central/amounts.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/generators/catch_generators_range.hpp>

using namespace tapd::central;

TEST_CASE("a price per millilitre is read exactly", "[amounts]") {
  CHECK(cents_per_litre_from_price_per_ml("0.01295") == 1295);
  CHECK(cents_per_litre_from_price_per_ml("0.0129") == 1290);
  CHECK(cents_per_litre_from_price_per_ml("0.012900") == 1290);
  CHECK(cents_per_litre_from_price_per_ml("0.00695") == 695);
  CHECK(cents_per_litre_from_price_per_ml("0") == 0);
  CHECK(cents_per_litre_from_price_per_ml("3.5") == 350'000);
}

TEST_CASE("a price that is no exact litre price is refused", "[amounts]") {
  const auto* text = GENERATE("", ".", "0.", ".5", "0.012955", "-0.01", "+0.01", "1e-2", " 0.01",
                              "0.01 ", "0,01", "0.0.1", "abc", "99999999999999999999");
  CAPTURE(text);
  CHECK_FALSE(cents_per_litre_from_price_per_ml(text));
}

TEST_CASE("a charge is rounded half up", "[amounts]") {
  CHECK(charge_for(412, 1290) == 531);  // 531.48
  CHECK(charge_for(500, 1295) == 648);  // 647.5
  CHECK(charge_for(100, 695) == 70);    // 69.5
  CHECK(charge_for(1, 499) == 0);
  CHECK(charge_for(1, 500) == 1);
  CHECK(charge_for(largest_volume_ml, largest_cents_per_litre) == 10'000'000'000);
}

TEST_CASE("the limit is the largest volume that the funds pay for", "[amounts]") {
  const std::int64_t price = GENERATE(1, 499, 500, 501, 695, 999, 1000, 1290, 1295, 123'457);
  const std::int64_t funds = GENERATE(range(0, 60), 2500, 99'999);
  const std::int64_t volume = volume_for(funds, price);
  CAPTURE(price, funds, volume);
  if (funds > 0) CHECK(charge_for(volume, price) <= funds);
  if (funds > 0 && volume < largest_volume_ml) CHECK(charge_for(volume + 1, price) > funds);
  if (funds == 0) CHECK(volume == 0);
}

TEST_CASE("debts buy nothing, and what is free is still bounded", "[amounts]") {
  CHECK(volume_for(-1, 1290) == 0);
  CHECK(volume_for(100, 0) == largest_volume_ml);
  CHECK(volume_for(-100, 0) == 0);
}

TEST_CASE("the price of a millilitre is rounded up to whole cents", "[amounts]") {
  CHECK(cents_per_ml_rounded_up(1290) == 2);
  CHECK(cents_per_ml_rounded_up(1000) == 1);
  CHECK(cents_per_ml_rounded_up(1) == 1);
  CHECK(cents_per_ml_rounded_up(0) == 0);
}
