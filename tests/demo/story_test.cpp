#include "tests/demo/story.hpp"

#include <catch2/catch_test_macros.hpp>
#include <fstream>
#include <iterator>
#include <set>

#include "tests/demo/guest.hpp"
#include "tests/demo/view.hpp"

using namespace tapd::demo;

namespace {

Cast the_cast() {
  std::ifstream in{TAPD_DEMO_BAR_FILE};
  return parse_cast({std::istreambuf_iterator<char>{in}, std::istreambuf_iterator<char>{}});
}

std::vector<Visit> all_visits(const Story& story) {
  std::vector<Visit> all;
  for (const Scene& scene : story.scenes) {
    all.insert(all.end(), scene.visits.begin(), scene.visits.end());
  }
  return all;
}

}  // namespace

TEST_CASE("the seed file has four taps and the guests with their cards", "[demo][story]") {
  const Cast cast = the_cast();
  REQUIRE(cast.taps.size() == 4);
  CHECK(cast.taps[0].beverage == "Harbour IPA");
  CHECK(cast.taps[0].litre_price == "12.90");
  CHECK(cast.card_of("Ann") == "04ab7815cd6b80");
  CHECK(cast.name_of(cast.guests.at(0).id) == "Ann");
  CHECK(cast.name_of("nobody") == "nobody");
  CHECK_THROWS(cast.card_of("Zacharias"));
}

TEST_CASE("a seed file that is no bar is refused with a reason", "[demo][story]") {
  CHECK_THROWS_AS(parse_cast("no JSON"), std::runtime_error);
  CHECK_THROWS_AS(parse_cast("{}"), std::runtime_error);
  CHECK_THROWS_AS(parse_cast(R"({"guests":[],"cards":[],"kegs":[],"beverages":[],
    "taps":[{"tap_id":1,"keg_id":"k"}]})"),
                  std::runtime_error);
}

TEST_CASE("the same seed tells the same story, another one another", "[demo][story]") {
  const Cast cast = the_cast();
  const auto first = all_visits(make_story(cast, 7, full_pace));
  const auto again = all_visits(make_story(cast, 7, full_pace));
  const auto other = all_visits(make_story(cast, 8, full_pace));
  REQUIRE(first.size() == again.size());
  bool differs = false;
  for (std::size_t i = 0; i < first.size(); ++i) {
    CHECK(first[i].at == again[i].at);
    CHECK(first[i].want_ml == again[i].want_ml);
    CHECK(first[i].ml_per_s == again[i].ml_per_s);
    differs = differs || first[i].at != other[i].at;
  }
  CHECK(differs);
}

TEST_CASE("every visit has a card, a tap of the bar and a plausible hand", "[demo][story]") {
  const Cast cast = the_cast();
  for (const Pace& pace : {full_pace, fast_pace}) {
    for (std::uint64_t seed = 0; seed < 50; ++seed) {
      for (const Visit& visit : all_visits(make_story(cast, seed, pace))) {
        CHECK(visit.card.size() >= 8);
        CHECK((visit.tap >= 1 && visit.tap <= 4));
        CHECK((visit.ml_per_s >= 20 && visit.ml_per_s <= 200));
        CHECK(visit.want_ml >= 50);
        CHECK(visit.at.count() >= 0);
      }
    }
  }
}

TEST_CASE("the story has a dozen guests, every expectation and every incident", "[demo][story]") {
  const Story story = make_story(the_cast(), 1, full_pace);
  std::set<std::string> guests;
  std::set<Expectation> expectations;
  std::set<Incident> incidents;
  for (const Visit& visit : all_visits(story)) {
    guests.insert(visit.guest);
    expectations.insert(visit.expect);
  }
  for (const Scene& scene : story.scenes) incidents.insert(scene.incident);
  CHECK(guests.size() >= 12);
  CHECK(expectations.size() == 4);
  CHECK(incidents.size() == 5);
}

TEST_CASE("the words of every scene fit into the picture", "[demo][story]") {
  Story story = make_story(the_cast(), 1, full_pace);
  story.scenes.push_back(closing_time());
  for (const Scene& scene : story.scenes) {
    CAPTURE(scene.title);
    CHECK(columns(scene.title) + 5 <= picture_width - 4);
    for (const std::string& words : scene.words) {
      CAPTURE(words);
      CHECK(columns(words) <= picture_width - 4);
    }
  }
}

TEST_CASE("what is said as a guest comes fits into the picture", "[demo][story]") {
  for (const Visit& visit : all_visits(make_story(the_cast(), 1, full_pace))) {
    Guest guest{visit, full_pace, Instant{0}};
    const Doings doings = guest.step({.tap = visit.tap, .state = "idle"}, true, visit.at);
    REQUIRE(doings.words.size() == 1);
    CAPTURE(doings.words[0]);
    CHECK(columns(doings.words[0]) <= picture_width - 4 - 6);
  }
}

TEST_CASE("the fast story is less than half as long", "[demo][story]") {
  const auto length = [](const Story& story) {
    std::chrono::milliseconds sum{};
    for (const Scene& scene : story.scenes) sum += scene.at_least;
    return sum;
  };
  const Cast cast = the_cast();
  CHECK(2 * length(make_story(cast, 1, fast_pace)) < length(make_story(cast, 1, full_pace)));
}
