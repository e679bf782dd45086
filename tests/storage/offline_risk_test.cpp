// What was sold on the cache's word and is not confirmed, as the policy asks for it.
#include <catch2/catch_test_macros.hpp>

#include "tests/storage/bar.hpp"
#include "tests/storage/told.hpp"

namespace tapd::test {
namespace {

using storage::Verdict;

// A pour as `pour` makes it, but allowed by the cache; left open without millilitres.
void pour_offline(storage::Ledger& ledger, std::uint64_t number, std::int64_t of,
                  std::optional<std::int64_t> millilitres) {
  model::PourBegin begin = beginning(number);
  begin.authorized_by = model::AuthorizedBy::cache;
  begin.guest_id = guest(of);
  REQUIRE(ledger.begin_pour(begin, this_boot));
  if (millilitres) REQUIRE(ledger.end_pour(ending(number, *millilitres)));
}

TEST_CASE("offline risk is what the cache allowed and the server has not confirmed", "[cache]") {
  Bar bar;
  auto& ledger = bar.ledger();
  hear(ledger, small_snapshot());
  pour(ledger, 1, 100);  // The server allowed this one.
  pour_offline(ledger, 2, 1, 200);
  pour_offline(ledger, 3, 2, 300);
  const auto risk = [&ledger] {
    const auto facts = ledger.facts(card(1), tap_one);
    REQUIRE(facts);
    return *facts;
  };
  // 5.00 a litre.
  CHECK(risk().offline_guest.pours == 1);
  CHECK(risk().offline_guest.spent == model::Money{100});
  CHECK(risk().offline_controller.pours == 2);
  CHECK(risk().offline_controller.spent == model::Money{250});

  pour_offline(ledger, 4, 1, std::nullopt);
  CHECK(risk().offline_guest.pours == 2);
  CHECK(risk().offline_guest.spent == model::Money{1'100});  // Its hold is 10.00.
  REQUIRE(ledger.end_pour(ending(4, 10)));
  CHECK(risk().offline_guest.spent == model::Money{105});
  pour_offline(ledger, 5, 1, 0);  // A card that was laid on for nothing.
  CHECK(risk().offline_guest.pours == 2);
  CHECK(risk().offline_controller.pours == 3);

  REQUIRE(ledger.mark_sent({pour_id(3)}, at(20)));
  CHECK(risk().offline_controller.spent == model::Money{255});
  confirm(ledger, 2);
  CHECK(risk().offline_guest.pours == 1);
  REQUIRE(ledger.apply_verdicts({verdict(3, Verdict::Kind::final_failure)}, 10, at(21), at(30)));
  CHECK(risk().offline_controller.pours == 1);
  CHECK(risk().offline_controller.spent == model::Money{5});
}

}  // namespace
}  // namespace tapd::test
