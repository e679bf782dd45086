// A valve on an output: open is on. Every command is read back from the pin, because a shorted or
// doubly driven line obeys nobody. Made at start-up before anything else, used by the control
// thread. It knows no time: how long a valve may be open is decided by its user.
#pragma once

#include <memory>
#include <string>

#include "drivers/output_line.hpp"
#include "drivers/valve.hpp"

namespace tapd::drivers {

/// The name under which a valve's line is held, for whoever finds it taken.
inline constexpr const char* valve_consumer = "tapd valve";

class LineValve final : public Valve {
 public:
  /// Drives the line shut, and does not look whether the pin follows: `shut` tells.
  explicit LineValve(std::unique_ptr<OutputLine> line);
  ~LineValve() override;
  LineValve(const LineValve&) = delete;
  LineValve& operator=(const LineValve&) = delete;
  LineValve(LineValve&&) = delete;
  LineValve& operator=(LineValve&&) = delete;

  /// When the pin does not follow, the line is driven shut before the error is told.
  [[nodiscard]] tl::expected<void, std::string> open() override;
  [[nodiscard]] tl::expected<void, std::string> shut() override;
  [[nodiscard]] tl::expected<void, std::string> retake() override;
  [[nodiscard]] std::string describe() const override;

 private:
  tl::expected<void, std::string> obey(bool open);

  std::unique_ptr<OutputLine> line_;
};

}  // namespace tapd::drivers
