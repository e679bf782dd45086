// A valve on a GPIO line of the kernel. The request that takes the line drives it shut at the same
// moment, and every command is read back from the pin. Made at start-up before anything else, used
// by the control thread. Destroying it shuts the valve and gives the line back; what the pin does
// after a crash is decided by the kernel and the board, not here.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "drivers/gpio_lines.hpp"
#include "drivers/valve.hpp"

namespace tapd::drivers {

class GpiodValve final : public Valve {
 public:
  /// Requests the line, shut. `active_low`: the valve opens when the pin is low. Throws
  /// std::runtime_error naming the line and what to do: not found, found twice, in use by somebody,
  /// or a pin that reads open although it is driven shut.
  explicit GpiodValve(const LineAddress& address, bool active_low = false,
                      const std::filesystem::path& devices = "/dev");
  ~GpiodValve() override;
  GpiodValve(const GpiodValve&) = delete;
  GpiodValve& operator=(const GpiodValve&) = delete;
  GpiodValve(GpiodValve&&) = delete;
  GpiodValve& operator=(GpiodValve&&) = delete;

  /// When the pin does not follow, the line is driven shut before the error is told.
  [[nodiscard]] tl::expected<void, std::string> open() override;
  [[nodiscard]] tl::expected<void, std::string> shut() override;
  [[nodiscard]] std::string describe() const override;

 private:
  struct Lines;
  std::unique_ptr<Lines> lines_;
};

}  // namespace tapd::drivers
