#include "drivers/gpio_lines.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers.hpp>
#include <catch2/matchers/catch_matchers_exception.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <fstream>

#include "drivers/gpiod_flow_meter.hpp"
#include "drivers/gpiod_output.hpp"

// Choosing a line is shown here on listings; real lines are tested on the kernel's gpio-sim in the
// emulated machine.
namespace tapd::drivers {
namespace {

using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::MessageMatches;

ChipListing chip(const std::string& path, const std::string& label,
                 const std::vector<std::string>& names) {
  ChipListing listing{.path = path, .label = label, .lines = {}, .error = {}};
  for (const std::string& name : names) {
    listing.lines.push_back({.offset = static_cast<unsigned>(listing.lines.size()), .name = name});
  }
  return listing;
}

const std::vector<ChipListing> board{
    chip("/dev/gpiochip0", "pinctrl-bcm2711", {"ID_SDA", "GPIO17", "GPIO22", ""}),
    chip("/dev/gpiochip1", "raspberrypi-exp-gpio", {"BT_ON", "SHARED", "GPIO22"}),
    chip("/dev/gpiochip2", "pcf8574", {"SHARED"}), chip("/dev/gpiochip3", "pcf8574", {"FAN"})};

TEST_CASE("a line is found by its name, whatever the number of its chip", "[gpio]") {
  const auto line = choose_line(board, LineName{.name = "GPIO17", .chip = {}});
  REQUIRE(line);
  CHECK(line->chip == "/dev/gpiochip0");
  CHECK(line->offset == 1);
  CHECK(describe(*line) == "GPIO17 on pinctrl-bcm2711");
}

TEST_CASE("a line is found by label and offset, also when it has no name", "[gpio]") {
  const auto line = choose_line(board, LineOffset{.chip = "pinctrl-bcm2711", .offset = 3});
  REQUIRE(line);
  CHECK(line->offset == 3);
  CHECK(describe(*line) == "line 3 on pinctrl-bcm2711");
}

TEST_CASE("a line that is not there is answered with the chips that are", "[gpio]") {
  const auto by_name = choose_line(board, LineName{.name = "GPIO99", .chip = {}});
  REQUIRE_FALSE(by_name);
  CHECK_THAT(by_name.error(), ContainsSubstring("GPIO99 is on none of the GPIO chips") &&
                                  ContainsSubstring("gpiochip0 (pinctrl-bcm2711, 4 lines)") &&
                                  ContainsSubstring("gpiochip1 (raspberrypi-exp-gpio, 3 lines)"));
  const auto by_place = choose_line(board, LineOffset{.chip = "pinctrl-bcm2711", .offset = 4});
  REQUIRE_FALSE(by_place);
  CHECK_THAT(by_place.error(), ContainsSubstring("line 4 on pinctrl-bcm2711"));
  CHECK_FALSE(choose_line(board, LineName{.name = "GPIO17", .chip = "pcf8574"}));
  const auto unknown_label = choose_line(board, LineName{.name = "GPIO17", .chip = "pinctrl-rp1"});
  REQUIRE_FALSE(unknown_label);
  CHECK_THAT(unknown_label.error(), ContainsSubstring("pinctrl-rp1") &&
                                        ContainsSubstring("gpiochip0 (pinctrl-bcm2711, 4 lines)"));
  CHECK_FALSE(choose_line(board, LineName{.name = "", .chip = "pinctrl-bcm2711"}));
}

TEST_CASE("a line that is found twice is refused until its chip is named", "[gpio]") {
  const auto twice = choose_line(board, LineName{.name = "GPIO22", .chip = {}});
  REQUIRE_FALSE(twice);
  CHECK_THAT(twice.error(),
             ContainsSubstring("line 2 of gpiochip0") && ContainsSubstring("line 2 of gpiochip1"));
  const auto named = choose_line(board, LineName{.name = "GPIO22", .chip = "pinctrl-bcm2711"});
  REQUIRE(named);
  CHECK(named->chip == "/dev/gpiochip0");
  CHECK_FALSE(choose_line(board, LineOffset{.chip = "pcf8574", .offset = 0}));
}

TEST_CASE("a chip that may not be opened is named with the reason", "[gpio]") {
  auto chips = board;
  chips[0].lines.clear();
  chips[0].error = "no permission";
  const auto line = choose_line(chips, LineName{.name = "GPIO17", .chip = {}});
  REQUIRE_FALSE(line);
  CHECK_THAT(line.error(), ContainsSubstring("gpiochip0 (no permission)"));
}

TEST_CASE("a machine without GPIO chips says so, whatever is made on it", "[gpio]") {
  const auto empty = std::filesystem::temp_directory_path() / "tapd-no-chips";
  std::filesystem::create_directories(empty);
  std::ofstream{empty / "gpiochip0"} << "a file is no chip";
  CHECK(list_chips(empty).empty());
  const auto no_chip = MessageMatches(ContainsSubstring("GPIO17: there is no GPIO chip"));
  const LineName line{.name = "GPIO17", .chip = {}};
  CHECK_THROWS_MATCHES(find_line(line, empty), std::runtime_error, no_chip);
  CHECK_THROWS_MATCHES(GpiodOutput(line, true, "a test", empty), std::runtime_error, no_chip);
  CHECK_THROWS_MATCHES(GpiodFlowMeter(line, 200us, LineBias::pull_up, empty), std::runtime_error,
                       no_chip);
  std::filesystem::remove_all(empty);
  CHECK_THROWS_MATCHES(find_line(line, empty), std::runtime_error, no_chip);
}

TEST_CASE("a line that is not granted has a sentence for the reason", "[gpio]") {
  const FoundLine line{
      .chip = "/dev/gpiochip99", .label = "pinctrl-rp1", .offset = 17, .name = "GPIO17"};
  CHECK_THAT(request_error(line, EBUSY), ContainsSubstring("GPIO17 on pinctrl-rp1 is in use by"));
  CHECK_THAT(request_error(line, 524), ContainsSubstring("bias or edges"));
  CHECK_THAT(request_error(line, ENODEV), ContainsSubstring("No such device"));
}

}  // namespace
}  // namespace tapd::drivers
