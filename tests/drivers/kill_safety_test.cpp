#include "drivers/kill_safety.hpp"

#include <fstream>

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

}  // namespace
}  // namespace tapd::drivers
