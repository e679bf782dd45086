// One digital output as its users see it: valve, keep-alive, light, buzzer. Switched on or off in
// the meaning of its user; which level of the pin that is, the implementation knows. Used from the
// control thread; never blocks.
#pragma once

#include <string>

#include <tl/expected.hpp>

namespace tapd::drivers {

class OutputLine {
 public:
  OutputLine() = default;
  virtual ~OutputLine() = default;
  OutputLine(const OutputLine&) = delete;
  OutputLine& operator=(const OutputLine&) = delete;
  OutputLine(OutputLine&&) = delete;
  OutputLine& operator=(OutputLine&&) = delete;

  /// Drives the line. An error is the kernel's, for example of a chip that is gone.
  [[nodiscard]] virtual tl::expected<void, std::string> drive(bool on) = 0;
  /// What the pin reads, which is not what it was driven to when somebody else drives it as well.
  [[nodiscard]] virtual tl::expected<bool, std::string> read() = 0;
  /// Takes the line anew, off: it was lost, with its chip or to somebody else. An output that
  /// cannot be lost is driven off.
  [[nodiscard]] virtual tl::expected<void, std::string> retake() { return drive(false); }
  /// "GPIO22 on pinctrl-bcm2711, active high".
  [[nodiscard]] virtual std::string describe() const = 0;
};

}  // namespace tapd::drivers
