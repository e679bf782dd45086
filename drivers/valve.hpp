// The valve as the daemon sees it. A valve is commanded shut when it is made and when it is
// destroyed; whether its pin obeys, the first `shut` tells.
#pragma once

#include <string>

#include <tl/expected.hpp>

namespace tapd::drivers {

/// A normally closed solenoid valve. Used from the control thread; never blocks.
class Valve {
 public:
  Valve() = default;
  virtual ~Valve() = default;
  Valve(const Valve&) = delete;
  Valve& operator=(const Valve&) = delete;
  Valve(Valve&&) = delete;
  Valve& operator=(Valve&&) = delete;

  /// Drives the line and reads it back; an error names the line and what it read.
  [[nodiscard]] virtual tl::expected<void, std::string> open() = 0;
  [[nodiscard]] virtual tl::expected<void, std::string> shut() = 0;
  /// Takes its line anew, shut: for a line that was lost and may be back. Some hundred calls of the
  /// kernel. A valve that cannot lose its line is shut.
  [[nodiscard]] virtual tl::expected<void, std::string> retake() { return shut(); }
  /// "GPIO22 on pinctrl-bcm2711, active high".
  [[nodiscard]] virtual std::string describe() const = 0;
};

}  // namespace tapd::drivers
