#include "tests/demo/view.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <limits>

using namespace tapd::demo;

namespace {

Brush any_brush() {
  const bool utf8 = GENERATE(false, true);
  const bool colour = GENERATE(false, true);
  return {.utf8 = utf8, .colour = colour};
}

Picture an_evening() {
  Picture picture{.elapsed = std::chrono::seconds{83},
                  .scene = 2,
                  .scenes = 6,
                  .title = "The server is killed",
                  .words = {"one", "two"},
                  .mood = Mood::bad};
  for (std::int64_t tap = 1; tap <= 4; ++tap) {
    picture.taps.push_back({.number = tap,
                            .beverage = "Harbour IPA",
                            .litre_price = "12.90",
                            .guest = "Ann",
                            .state = "valve OPEN",
                            .mood = Mood::good,
                            .has_glass = tap % 2 == 0,
                            .volume_ml = 212,
                            .limit_ml = 480,
                            .price_cents = 273,
                            .note = "last: Ben"});
  }
  picture.tapd = {"UP", "2 of 4 valves open", Mood::good};
  picture.server = {"KILLED", "no process", Mood::bad};
  picture.events.push_back({.at = std::chrono::seconds{2}, .text = "tap 1: open for Ann"});
  return picture;
}

void check_widths(const Picture& picture, const Brush& brush) {
  const auto lines = draw(picture, brush);
  CHECK(lines.size() == picture_height);
  for (const std::string& line : lines) {
    CAPTURE(line);
    CHECK(columns(line) == picture_width);
  }
}

}  // namespace

TEST_CASE("a picture with four taps fills its width and height exactly", "[demo][view]") {
  check_widths(an_evening(), any_brush());
}

TEST_CASE("a picture keeps its width whatever the texts and numbers are", "[demo][view]") {
  Picture picture = an_evening();
  const std::string endless(500, 'x');
  picture.title = endless;
  picture.words = {endless, endless};
  picture.tapd.note = endless;
  picture.server.state = endless;
  picture.waiting = std::numeric_limits<std::int64_t>::max();
  picture.owed_cents = std::numeric_limits<std::int64_t>::max();
  picture.booked_cents = std::numeric_limits<std::int64_t>::min() + 1;
  picture.elapsed = std::chrono::hours{10'000};
  for (TapPicture& tap : picture.taps) {
    tap.number = std::numeric_limits<std::int64_t>::max();
    tap.beverage = endless;
    tap.guest = endless;
    tap.state = endless;
    tap.note = endless;
    tap.volume_ml = std::numeric_limits<std::int64_t>::max();
    tap.price_cents = std::numeric_limits<std::int64_t>::max();
  }
  picture.events.assign(50, {.at = std::chrono::hours{99'999}, .text = endless});
  check_widths(picture, any_brush());
}

TEST_CASE("a picture keeps its width with a volume outside zero to limit", "[demo][view]") {
  Picture picture = an_evening();
  picture.taps[1].volume_ml = GENERATE(-5, 0, 1, 479, 480, 481, 100'000);
  picture.taps[1].limit_ml = GENERATE(-1, 0, 480);
  check_widths(picture, {.utf8 = true, .colour = true});
}

TEST_CASE("a name with letters beyond ASCII takes a column for each letter", "[demo][view]") {
  Picture picture = an_evening();
  picture.taps[0].guest = "Zoë";
  picture.taps[1].beverage = "Weißbier, sehr süß und ungewöhnlich";
  check_widths(picture, any_brush());
}

TEST_CASE("a text that would move the cursor cannot", "[demo][view]") {
  CHECK(fit("a\nb\x1b[2J\tc", 20) == "a?b?[2J?c           ");
}

TEST_CASE("without UTF-8 the picture is pure ASCII", "[demo][view]") {
  for (const std::string& line : draw(an_evening(), {.utf8 = false, .colour = true})) {
    for (const char byte : line) CHECK(static_cast<unsigned char>(byte) < 0x80);
  }
}

TEST_CASE("without colour nothing but text is written", "[demo][view]") {
  for (const std::string& line : draw(an_evening(), {.utf8 = true, .colour = false})) {
    CHECK(line.find('\x1b') == std::string::npos);
  }
  CHECK(log_line({.text = "x", .mood = Mood::bad}, {}).find('\x1b') == std::string::npos);
}

TEST_CASE("the newest events are shown, the oldest of them first", "[demo][view]") {
  Picture picture = an_evening();
  picture.events.clear();
  for (int i = 0; i < 9; ++i) {
    picture.events.push_back({.at = std::chrono::seconds{i}, .text = "event " + std::to_string(i)});
  }
  std::string all;
  for (const std::string& line : draw(picture, {})) all += line + "\n";
  CHECK(all.find("event 3") == std::string::npos);
  REQUIRE(all.find("event 4") != std::string::npos);
  CHECK(all.find("event 4") < all.find("event 8"));
}

TEST_CASE("a line of the log has its time in front", "[demo][view]") {
  CHECK(log_line({.at = std::chrono::milliseconds{12'340}, .text = "tap 1: x"}, {}) ==
        "[ 12.3 s] tap 1: x");
}

TEST_CASE("fit cuts and pads by columns, not by bytes", "[demo][view]") {
  CHECK(fit("Zoë", 5) == "Zoë  ");
  CHECK(fit("Zoë", 3) == "Zoë");
  CHECK(fit("Zoë", 2) == "Zo");
  CHECK(fit("", 2) == "  ");
  CHECK(fit("abc", 0).empty());
}
