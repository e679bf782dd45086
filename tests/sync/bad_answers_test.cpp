// Whatever a server answers: a message that names endpoint and reason, the loop lives, rows stay.

#include <cstdint>
#include <vector>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/generators/catch_generators_range.hpp>

#include "tests/sync/bad_answers.hpp"
#include "tests/sync/engine_bar.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace tapd::sync {
namespace {

using namespace std::chrono_literals;
using namespace test;

/// A venue that does what it is asked and answers one endpoint with something else for a while.
struct Spoilt : Venue {
  std::string endpoint;
  HttpResponse instead;
  bool spoils{true};

  HttpResponse answer(const HttpRequest& request) override {
    HttpResponse good = Venue::answer(request);
    return spoils && request.path == endpoint ? instead : good;
  }
};

struct SpoiltBar {
  SpoiltBar() : play{1, books, venue, options()} {
    for (std::uint64_t guest = 1; guest <= 3; ++guest) venue.add_guest(guest, 100'000);
    for (std::uint64_t row = 0; row < 3; ++row) play.pour_at(1s, pour(row, 1 + row));
    play.ask_at(2s, 1);
  }
  MemoryBooks books;
  Spoilt venue;
  Play play;

  /// A while of nonsense, then a server as it should be.
  void run() {
    play.run_until(90s);
    venue.spoils = false;
    play.run_until(90min);
  }
};

bool is_told(const SpoiltBar& bar, const std::string& endpoint) {
  for (const auto& nonsense : bar.play.told_of<Nonsense>()) {
    if (nonsense.endpoint == endpoint && !nonsense.why.empty()) return true;
  }
  return false;
}

TEST_CASE("good answers are read", "[bad]") {
  for (const GoodAnswer& good : good_answers()) {
    CAPTURE(good.endpoint, good.body);
    CHECK(is_readable(good.endpoint, good.body));
    CHECK(wrong_reading(good.endpoint, good.body).empty());
  }
}

TEST_CASE("each field spoilt in each way is read within the limits or refused by name", "[bad]") {
  for (const GoodAnswer& good : good_answers()) {
    std::size_t refused = 0;
    const auto all = spoilt_fields(good.body);
    for (const BadAnswer& bad : all) {
      const std::string wrong = wrong_reading(good.endpoint, bad.body);
      if (!wrong.empty()) FAIL(good.endpoint << ": " << bad.how << ": " << wrong);
      refused += is_readable(good.endpoint, bad.body) ? 0U : 1U;
    }
    CAPTURE(good.endpoint, all.size());
    CHECK(refused > all.size() / 4);
  }
}

TEST_CASE("what is no answer is refused by every endpoint", "[bad]") {
  for (const GoodAnswer& good : good_answers()) {
    for (const BadAnswer& bad : not_answers()) {
      CAPTURE(good.endpoint, bad.how);
      CHECK_FALSE(is_readable(good.endpoint, bad.body));
      CHECK(wrong_reading(good.endpoint, bad.body).empty());
    }
  }
}

TEST_CASE("answers with random bytes changed break no promise", "[bad]") {
  // The fuzzer's own function, for a while and always the same way.
  Dice dice{1};
  const auto all = good_answers();
  for (int round = 0; round < 20'000; ++round) {
    const std::size_t which = dice.below(all.size());
    std::string input = static_cast<char>(which) + all[which].body;
    for (std::uint64_t i = dice.below(4); i > 0; --i) {
      input[1 + dice.below(input.size() - 1)] = static_cast<char>(dice.below(256));
    }
    if (dice.chance(200)) input.resize(1 + dice.below(input.size()));
    const std::vector<std::uint8_t> bytes(input.begin(), input.end());
    REQUIRE(LLVMFuzzerTestOneInput(bytes.data(), bytes.size()) == 0);
  }
}

TEST_CASE("a minute of nonsense from any endpoint loses no row and ends no loop", "[bad]") {
  const auto all = good_answers();
  const GoodAnswer good = all[GENERATE_REF(range(std::size_t{0}, all.size()))];
  const int status = GENERATE(200, 204, 299);
  for (const BadAnswer& bad : not_answers()) {
    CAPTURE(good.endpoint, status, bad.how);
    SpoiltBar bar;
    bar.venue.endpoint = good.endpoint;
    bar.venue.instead = {status, {{"content-type", "text/html"}}, bad.body};
    bar.run();
    REQUIRE(bar.play.breach().empty());
    CHECK(bar.venue.booked.size() == 3);
    for (const auto& [id, row] : bar.books.rows()) {
      CHECK(row.status == model::PourStatus::confirmed);
      CHECK(row.attempts == 0);
    }
    // The others are asked on, whichever it is that talks nonsense.
    CHECK(bar.play.started(endpoint::pours) > 0);
    CHECK(bar.play.started(snapshot_path) > 0);
    // Not asked of this venue: it has a snapshot, and there is no flow event.
    const bool asked = bar.play.started(good.endpoint) > 0;
    if (asked && status == 200) CHECK(is_told(bar, good.endpoint));
  }
}

TEST_CASE("each field of an answer to pours spoilt loses no row", "[bad]") {
  // The venue books, and says of it what the table says.
  const std::string good = R"({"results": [{"client_tx_id": ")" + tx(0).text() +
                           R"(", "status": "accepted", "outcome": "booked", "reason": null}]})";
  for (const BadAnswer& bad : spoilt_fields(good)) {
    CAPTURE(bad.how);
    SpoiltBar bar;
    bar.venue.endpoint = endpoint::pours;
    bar.venue.instead = {200, {{"content-type", "application/json"}}, bad.body};
    bar.run();
    REQUIRE(bar.play.breach().empty());
    CHECK(bar.venue.booked.size() == 3);
    REQUIRE(bar.books.rows().size() == 3);
    for (const auto& [id, row] : bar.books.rows()) {
      CHECK(row.status == model::PourStatus::confirmed);
    }
  }
}

TEST_CASE("each field of a leave to pour spoilt answers the guest in time", "[bad]") {
  for (const BadAnswer& bad : spoilt_fields(good_answers()[1].body)) {
    CAPTURE(bad.how);
    SpoiltBar bar;
    bar.venue.endpoint = endpoint::authorize;
    bar.venue.instead = {200, {}, bad.body};
    bar.play.run_until(10s);
    REQUIRE(bar.play.breach().empty());
    CHECK(bar.play.told_of<AuthorizeAnswered>().size() == 1);
  }
}

}  // namespace
}  // namespace tapd::sync
