#include "drivers/kill_safety.hpp"

#include <fstream>
#include <string>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "tests/support/temp_dir.hpp"

namespace tapd::drivers {
namespace {

using Catch::Matchers::ContainsSubstring;

/// A machine whose kernel has this pin controller with this parameter.
struct Machine {
  tapd::test::TempDir root;
  Machine(const std::string& module, const std::string& value) {
    const auto folder = root / "sys/module" / module / "parameters";
    std::filesystem::create_directories(folder);
    std::ofstream{folder / "persist_gpio_outputs"} << value;
  }
};

TEST_CASE("the kernel's own word decides what a kill does, on every model", "[kill-safety]") {
  const Machine old_pi{"pinctrl_bcm2835", "N\n"};
  CHECK(kill_safety("pinctrl-bcm2835", old_pi.root.path()).outcome == KillOutcome::released);
  CHECK(kill_safety("pinctrl-bcm2711", old_pi.root.path()).outcome == KillOutcome::released);
  const Machine pi5{"pinctrl_rp1", "N\n"};
  CHECK(kill_safety("pinctrl-rp1", pi5.root.path()).outcome == KillOutcome::released);
  // A Pi 5 has the old controller's driver as well; only its own counts.
  CHECK(kill_safety("pinctrl-rp1", old_pi.root.path()).outcome == KillOutcome::unknown);
}

TEST_CASE("outputs that persist are told with the cure", "[kill-safety]") {
  const Machine pi{"pinctrl_bcm2835", "Y\n"};
  const KillSafety safety = kill_safety("pinctrl-bcm2711", pi.root.path());
  CHECK(safety.outcome == KillOutcome::kept);
  CHECK_THAT(safety.what, ContainsSubstring("dtparam=strict_gpiod into config.txt"));
}

TEST_CASE("a kernel that does not tell is not trusted", "[kill-safety]") {
  const Machine other{"something_else", "N\n"};
  const KillSafety silent = kill_safety("pinctrl-bcm2711", other.root.path());
  CHECK(silent.outcome == KillOutcome::unknown);
  CHECK_THAT(silent.what, ContainsSubstring("persist_gpio_outputs cannot be read"));
  const Machine odd{"pinctrl_bcm2835", "maybe\n"};
  CHECK(kill_safety("pinctrl-bcm2835", odd.root.path()).outcome == KillOutcome::unknown);
  const Machine empty{"pinctrl_bcm2835", ""};
  CHECK(kill_safety("pinctrl-bcm2835", empty.root.path()).outcome == KillOutcome::unknown);
  const KillSafety stranger = kill_safety("gpio-sim", empty.root.path());
  CHECK(stranger.outcome == KillOutcome::unknown);
  CHECK_THAT(stranger.what, ContainsSubstring("gpio-sim is not a Raspberry Pi's chip"));
}

TEST_CASE("the pull decides where a released pin goes, and a word read back goes first",
          "[kill-safety]") {
  const auto outcome = [](bool active_low, const PinPull& pull) {
    return pull_safety("GPIO22", active_low, pull).outcome;
  };
  const LineBias up = LineBias::pull_up;
  const LineBias down = LineBias::pull_down;
  CHECK(outcome(false, {.held = down, .told = {}}) == KillOutcome::released);
  CHECK(outcome(true, {.held = up, .told = {}}) == KillOutcome::released);
  CHECK(outcome(false, {.held = up, .told = down}) == KillOutcome::kept);
  CHECK(outcome(true, {.held = {}, .told = down}) == KillOutcome::kept);
  CHECK(outcome(false, {.held = LineBias::disabled, .told = down}) == KillOutcome::unknown);
  CHECK(outcome(false, {}) == KillOutcome::unknown);

  CHECK(pull_safety("GPIO22", false, {.held = down, .told = down}).what ==
        "the pull of GPIO22 is down, towards shut (as the pin reads back)");
  CHECK(pull_safety("GPIO22", true, {.held = {}, .told = up}).what ==
        "the pull of GPIO22 is up, towards shut (as it was set; it cannot be read back)");
  CHECK_THAT(pull_safety("GPIO22", false, {.held = up, .told = {}}).what,
             ContainsSubstring("towards OPEN") && ContainsSubstring("with a pull-down"));
  CHECK_THAT(pull_safety("GPIO22", false, {}).what,
             ContainsSubstring("the pull of GPIO22 is not known"));
}

TEST_CASE("a controller's own list of pins tells the pull of one", "[kill-safety]") {
  // As pinctrl-bcm2711 and pinctrl-rp1 print it; pinctrl-bcm2835 leaves the rest of the line empty.
  const std::string text =
      "Pin config settings per pin\n"
      "Format: pin (name): configs\n"
      "pin 2 (gpio2): input bias pull up, output enabled\n"
      "pin 21 (gpio21): \n"
      "pin 22 (gpio22): input bias pull down (50000 ohms), input enabled\n"
      "pin 23 (gpio23): input bias disabled\n"
      "pin 24 (gpio24): input bias pull up, input bias pull down";
  CHECK(parse_pinconf(text, 2) == LineBias::pull_up);
  CHECK(parse_pinconf(text, 22) == LineBias::pull_down);
  CHECK(parse_pinconf(text, 23) == LineBias::disabled);
  CHECK(parse_pinconf(text, 21) == std::nullopt);
  CHECK(parse_pinconf(text, 24) == std::nullopt);  // contradicts itself
  CHECK(parse_pinconf(text, 3) == std::nullopt);
  CHECK(parse_pinconf("", 22) == std::nullopt);
}

TEST_CASE("the pull is read from the controller of the line's own chip", "[kill-safety]") {
  const tapd::test::TempDir root;
  const auto folder = root / "sys/kernel/debug/pinctrl";
  const auto write = [&](const char* controller, const char* text) {
    std::filesystem::create_directories(folder / controller);
    std::ofstream{folder / controller / "pinconf-pins"} << text;
  };
  write("soc:firmware-pinctrl-other", "pin 22 (gpio22): input bias pull up\n");
  const FoundLine line{
      .chip = "/dev/gpiochip-none", .label = "pinctrl-bcm2711", .offset = 22, .name = "GPIO22"};
  CHECK(read_pull(line, root.path()).known() == std::nullopt);
  write("fe200000.gpio-pinctrl-bcm2711", "pin 22 (gpio22): input bias pull down\n");
  CHECK(read_pull(line, root.path()).held == LineBias::pull_down);
  CHECK(read_pull(line, root.path()).told == std::nullopt);
}

}  // namespace
}  // namespace tapd::drivers
