#include "sync/circuit.hpp"

#include <catch2/catch_test_macros.hpp>

#include "tests/sync/samples.hpp"

namespace tapd::sync {
namespace {

using namespace std::chrono_literals;
using Cause = Circuit::Cause;

Circuit closed() {
  Circuit circuit{BackoffLimits{}};
  circuit.probe_started();
  (void)circuit.succeed();
  return circuit;
}

TEST_CASE("at the start one probe goes first, and authorizations may go too", "[circuit]") {
  Circuit circuit{BackoffLimits{}};
  CHECK_FALSE(circuit.is_closed());
  CHECK_FALSE(circuit.is_hopeless());
  CHECK(circuit.probe_due(0s));
  circuit.probe_started();
  CHECK_FALSE(circuit.probe_due(1h));
  CHECK_FALSE(circuit.probe_at());
  CHECK(circuit.succeed());
  CHECK(circuit.is_closed());
  CHECK_FALSE(circuit.succeed());
}

TEST_CASE("after a failure nothing goes until a probe has succeeded", "[circuit]") {
  Circuit circuit = closed();
  const auto delay = circuit.fail(Cause::trouble, false, std::nullopt, 10s, test::always_longest());
  REQUIRE(delay);
  CHECK_FALSE(circuit.is_closed());
  CHECK_FALSE(circuit.probe_due(10s + *delay - 1ms));
  CHECK(circuit.probe_due(10s + *delay));
  CHECK(circuit.probe_at() == 10s + *delay);
  circuit.probe_started();
  const auto longer = circuit.fail(Cause::trouble, true, std::nullopt, 11s, test::always_longest());
  REQUIRE(longer);
  CHECK(*longer > *delay);
}

TEST_CASE("requests that fail together count once", "[circuit]") {
  Circuit circuit = closed();
  REQUIRE(circuit.fail(Cause::no_link, false, std::nullopt, 1s, test::always_longest()));
  const auto until = circuit.probe_at();
  CHECK_FALSE(circuit.fail(Cause::no_link, false, std::nullopt, 1s, test::always_longest()));
  CHECK(circuit.probe_at() == until);
}

TEST_CASE("only a refused connection or the server's wish makes an attempt hopeless", "[circuit]") {
  const Random longest = test::always_longest();
  Circuit refused = closed();
  (void)refused.fail(Cause::no_link, false, std::nullopt, 1s, longest);
  CHECK(refused.is_hopeless());
  Circuit slow = closed();
  (void)slow.fail(Cause::trouble, false, std::nullopt, 1s, longest);
  CHECK_FALSE(slow.is_hopeless());
  Circuit told = closed();
  (void)told.fail(Cause::trouble, false, 30s, 1s, longest);
  CHECK(told.is_hopeless());
  (void)told.succeed();
  CHECK_FALSE(told.is_hopeless());
}

TEST_CASE("a waiting guest brings the probe nearer, but never against the server's wish",
          "[circuit]") {
  const Random longest = test::always_longest();
  Circuit circuit = closed();
  for (int i = 0; i < 9; ++i) {
    (void)circuit.fail(Cause::no_link, i > 0, std::nullopt, 100s, longest);
    if (i < 8) circuit.probe_started();
  }
  REQUIRE(circuit.probe_at() > 200s);
  circuit.hurry(100s);
  CHECK(circuit.probe_at() == 102s);
  circuit.hurry(150s);
  CHECK(circuit.probe_at() == 102s);

  Circuit told = closed();
  (void)told.fail(Cause::told_to_wait, false, 60s, 100s, longest);
  const auto until = told.probe_at();
  told.hurry(101s);
  CHECK(told.probe_at() == until);
}

}  // namespace
}  // namespace tapd::sync
