#include "sync/engine.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include "tests/sync/engine_bar.hpp"

namespace tapd::sync {
namespace {

using namespace std::chrono_literals;
using namespace test;
using model::PourStatus;
using std::chrono::milliseconds;

TEST_CASE("an authorization brings leave, limits and a balance", "[engine]") {
  Bar bar;
  bar.venue.change_balance(3, -9'000);
  bar.play.ask_at(5s, 3);
  bar.play.run_until(6s);
  const auto verdict = bar.verdict();
  REQUIRE(std::holds_alternative<Allowed>(verdict));
  const auto& allowed = std::get<Allowed>(verdict);
  CHECK(allowed.balance == model::Money{1'000});
  CHECK(allowed.guest_id.text() == guest_uuid(3));
  CHECK(allowed.price == model::LitrePrice{1290});
  REQUIRE(bar.books.heard.size() == 1);
  CHECK(bar.books.heard[0].balance == model::Money{1'000});
  CHECK(bar.books.heard[0].card_uid == card(3));
}

TEST_CASE("a refusal says why, and a lost card is remembered", "[engine]") {
  Bar bar;
  bar.venue.denied[card(1).text()] = "lost_card";
  bar.venue.denied[card(2).text()] = "insufficient_funds";
  bar.play.ask_at(5s, 1);
  bar.play.run_until(6s);
  REQUIRE(std::holds_alternative<Refused>(bar.verdict()));
  CHECK(std::get<Refused>(bar.verdict()).reason == "lost_card");
  CHECK(bar.books.lost == std::set{card(1)});
  bar.play.ask_at(7s, 2);
  bar.play.ask_at(8s, 77);
  bar.play.run_until(9s);
  CHECK(std::get<Refused>(bar.verdict()).reason == "no_active_visit");
  CHECK(bar.books.lost == std::set{card(1)});
  CHECK(bar.play.told_of<TokenRefused>().empty());
}

TEST_CASE("no answer in time leaves the guest to the cache, at the deadline", "[engine]") {
  Bar bar;
  bar.play.outages = {{4s, 1h, Outage::Kind::black_hole}};
  bar.play.ask_at(5s, 1);
  bar.play.run_until(6s);
  REQUIRE(std::holds_alternative<NoAnswer>(bar.verdict()));
  CHECK(bar.play.told().back().first == 5s + options().authorize_deadline);
}

TEST_CASE("an answer that comes late is heard for its balance only", "[engine]") {
  Bar bar;
  bar.play.faults.slow = 1000;
  bar.play.ask_at(5s, 1);
  bar.play.run_until(40s);
  // Somewhere between 0 and 20 s: with this seed past the deadline and before the last second.
  REQUIRE(bar.play.told_of<AuthorizeAnswered>().size() == 1);
  REQUIRE(std::holds_alternative<NoAnswer>(bar.verdict()));
  CHECK(bar.books.heard.size() == 1);
}

// Found by reading: the sync thread was busy until after the deadline, and the no was thrown away.
TEST_CASE("a refusal that is handled after the deadline is told, and not that nobody answered",
          "[engine]") {
  MemoryBooks books;
  Engine engine{options(), books, [](std::uint64_t) { return std::uint64_t{0}; }};
  const auto at = [](model::SinceBoot time) {
    return model::Moment{.since_boot = time, .wall = {}, .wall_trusted = true};
  };
  engine.ask({.ticket = 1, .card = card(1), .tap = model::TapId{1}}, at(5s));
  RequestId asked = 0;
  for (const Outgoing& outgoing : engine.due(at(5s))) {
    if (outgoing.request.path == endpoint::authorize) asked = outgoing.id;
  }
  REQUIRE(asked != 0);
  const HttpResponse no{403, {}, R"({"detail":{"reason":"insufficient_funds","message":"no"}})"};
  engine.on_outcome(asked, no, at(5s + options().authorize_deadline + 50ms));
  bool refused = false;
  for (const Notice& notice : engine.take_notices()) {
    const auto* told = std::get_if<AuthorizeAnswered>(&notice);
    if (told != nullptr) refused = std::holds_alternative<Refused>(told->verdict);
  }
  CHECK(refused);
}

TEST_CASE("a refusal that comes late is told all the same: the guest may be pouring", "[engine]") {
  Bar bar;
  bar.venue.denied[card(1).text()] = "lost_card";
  bar.play.faults.slow = 1000;
  bar.play.ask_at(5s, 1);
  bar.play.run_until(40s);
  const auto told = bar.play.told_of<AuthorizeAnswered>();
  REQUIRE(told.size() == 2);
  CHECK(std::holds_alternative<NoAnswer>(told[0].verdict));
  CHECK(std::holds_alternative<Refused>(told[1].verdict));
  CHECK(told[1].ticket == told[0].ticket);
}

TEST_CASE("while nobody answers the door a guest does not wait, and a probe is hurried",
          "[engine]") {
  Bar bar;
  bar.play.outages = {{10s, 2h, Outage::Kind::no_link}};
  bar.play.run_until(1h);
  const int probes = bar.play.started(endpoint::register_controller);
  bar.play.ask_at(1h, 1);
  bar.play.run_until(1h + 1s);
  REQUIRE(std::holds_alternative<NoAnswer>(bar.verdict()));
  CHECK(bar.play.told().back().first == 1h);
  CHECK(bar.play.started(endpoint::authorize) == 0);
  bar.play.run_until(1h + 3s);
  CHECK(bar.play.started(endpoint::register_controller) == probes + 1);
}

TEST_CASE("the server's wish to be left alone is obeyed", "[engine]") {
  Bar bar;
  bar.play.run_until(5s);
  bar.play.faults.throttled = 1000;
  bar.play.run_until(9s);
  const auto unreachable = bar.play.told_of<ServerUnreachable>();
  REQUIRE(unreachable.size() == 1);
  CHECK(unreachable[0].next_try >= 7s);
  bar.play.ask_at(9s, 1);
  bar.play.run_until(9500ms);
  REQUIRE(std::holds_alternative<NoAnswer>(bar.verdict()));
  CHECK(bar.play.started(endpoint::authorize) == 0);
}

TEST_CASE("a wrong token pauses pushing, is told once, and costs nothing", "[engine]") {
  Bar bar;
  bar.venue.token = "another";
  bar.books.add(pour(1));
  bar.play.ask_at(5s, 1);
  bar.play.run_until(2h);
  CHECK(bar.play.told_of<TokenRefused>().size() == 1);
  CHECK(bar.play.told_of<NoSnapshotHere>().empty());
  CHECK(bar.attempts() == 0);
  CHECK(bar.play.started(endpoint::pours) < 100);
  CHECK(std::holds_alternative<NoAnswer>(bar.verdict()));
  bar.venue.token = "secret";
  bar.play.run_until(2h + 10min);
  CHECK(bar.confirmed() == 1);
  CHECK_FALSE(bar.play.told_of<SnapshotApplied>().empty());
}

}  // namespace
}  // namespace tapd::sync
