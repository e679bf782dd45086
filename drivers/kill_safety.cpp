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
                                "(persist_gpio_outputs=N)",
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

KillSafety pull_safety(std::string_view name, bool active_low, const PinPull& pull) {
  const auto known = pull.known();
  const LineBias shut = active_low ? LineBias::pull_up : LineBias::pull_down;
  const auto word = [](LineBias bias) { return bias == LineBias::pull_up ? "up" : "down"; };
  if (!known || *known == LineBias::as_is) {
    return {.outcome = KillOutcome::unknown,
            .what = fmt::format("the pull of {} is not known: wire one of 10 kOhm towards shut at "
                                "the valve's driver",
                                name)};
  }
  const char* source =
      pull.held ? "as the pin reads back" : "as it was set; it cannot be read back";
  if (*known == LineBias::disabled) {
    return {.outcome = KillOutcome::unknown,
            .what = fmt::format("{} has no pull ({}) and floats when nobody drives it: wire one of "
                                "10 kOhm towards shut at the valve's driver",
                                name, source)};
  }
  if (*known == shut) {
    return {
        .outcome = KillOutcome::released,
        .what = fmt::format("the pull of {} is {}, towards shut ({})", name, word(*known), source)};
  }
  return {.outcome = KillOutcome::kept,
          .what = fmt::format("the pull of {} is {}, towards OPEN ({}): choose a pin with a "
                              "pull-{}, or set it in config.txt",
                              name, word(*known), source, word(shut))};
}

}  // namespace tapd::drivers
