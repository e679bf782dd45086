#include "drivers/kill_safety.hpp"

#include <fmt/format.h>

#include <array>
#include <fstream>
#include <optional>

namespace tapd::drivers {
namespace {

namespace fs = std::filesystem;

struct PinController {
  std::string_view label;
  std::string_view module;
};
// The labels of the header's chips on all models, and the drivers behind them.
constexpr std::array<PinController, 3> controllers{{{"pinctrl-bcm2835", "pinctrl_bcm2835"},
                                                    {"pinctrl-bcm2711", "pinctrl_bcm2835"},
                                                    {"pinctrl-rp1", "pinctrl_rp1"}}};

std::optional<std::string_view> module_of(std::string_view label) {
  for (const PinController& controller : controllers) {
    if (controller.label == label) return controller.module;
  }
  return std::nullopt;
}

}  // namespace

KillSafety kill_safety(std::string_view chip_label, const fs::path& root) {
  const auto module = module_of(chip_label);
  if (!module) {
    return {.outcome = KillOutcome::unknown,
            .what = fmt::format("{} is not a Raspberry Pi's chip: nothing tells what it does with "
                                "the outputs of a process that was killed",
                                chip_label)};
  }
  const fs::path file = root / "sys/module" / *module / "parameters/persist_gpio_outputs";
  std::ifstream in(file);
  char value = 0;
  if (!(in >> value)) {
    return {.outcome = KillOutcome::unknown,
            .what = fmt::format("{} cannot be read: this kernel does not tell what {} does with "
                                "the outputs of a process that was killed",
                                file.string(), chip_label)};
  }
  if (value == 'N' || value == '0') {
    return {.outcome = KillOutcome::released,
            .what = fmt::format("{} gives the pins of a killed process back as inputs "
                                "(persist_gpio_outputs=N), and their pulls are set towards shut",
                                chip_label)};
  }
  if (value == 'Y' || value == '1') {
    return {.outcome = KillOutcome::kept,
            .what = fmt::format("{} leaves the pins of a killed process driven "
                                "(persist_gpio_outputs=Y): put dtparam=strict_gpiod into "
                                "config.txt and start the board anew",
                                chip_label)};
  }
  return {.outcome = KillOutcome::unknown,
          .what = fmt::format("{} holds '{}', neither Y nor N", file.string(), value)};
}

}  // namespace tapd::drivers
