// An output on a GPIO line of the kernel. The request that takes the line drives it off at the same
// moment and asks the chip for a pull towards off, which is what is left when the kernel gives the
// pin back after a crash. Destroying it drives the line off and gives it back; what the pin does
// after a crash is decided by the kernel and the board (drivers/kill_safety.hpp), not here.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "drivers/gpio_lines.hpp"
#include "drivers/output_line.hpp"

namespace tapd::drivers {

class GpiodOutput final : public OutputLine {
 public:
  /// Requests the line, off. `active_low`: on means that the pin is low. `consumer` is what others
  /// see who holds the line. Throws std::runtime_error naming the line and what to do: not found,
  /// found twice, in use by somebody.
  GpiodOutput(const LineAddress& address, bool active_low, const std::string& consumer,
              const std::filesystem::path& devices = "/dev");
  ~GpiodOutput() override;
  GpiodOutput(const GpiodOutput&) = delete;
  GpiodOutput& operator=(const GpiodOutput&) = delete;
  GpiodOutput(GpiodOutput&&) = delete;
  GpiodOutput& operator=(GpiodOutput&&) = delete;

  [[nodiscard]] tl::expected<void, std::string> drive(bool on) override;
  [[nodiscard]] tl::expected<bool, std::string> read() override;
  /// Looks for the line by its address again: a chip that came back may be another device.
  [[nodiscard]] tl::expected<void, std::string> retake() override;
  [[nodiscard]] std::string describe() const override;

 private:
  struct Lines;
  std::unique_ptr<Lines> lines_;
};

}  // namespace tapd::drivers
