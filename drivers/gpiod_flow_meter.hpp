// A flow meter on a GPIO line of the kernel: both edges, stamped in the interrupt, numbered by the
// kernel, filtered here. Made at start-up, read by the control thread whenever its descriptor is
// readable and on every tick. It promises to lose no edge that the kernel knows of; edges that the
// hardware or the interrupt thread merged leave no trace but a wrong turn.
#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>

#include "drivers/flow_meter.hpp"
#include "drivers/gpio_lines.hpp"

namespace tapd::drivers {

class GpiodFlowMeter final : public FlowMeter {
 public:
  /// Requests the line. `shortest_interval` is EdgeFilter's. Throws std::runtime_error naming the
  /// line and what to do: not found, found twice, in use by somebody.
  GpiodFlowMeter(const LineAddress& address, std::chrono::nanoseconds shortest_interval,
                 LineBias bias = LineBias::as_is, const std::filesystem::path& devices = "/dev");
  ~GpiodFlowMeter() override;
  GpiodFlowMeter(const GpiodFlowMeter&) = delete;
  GpiodFlowMeter& operator=(const GpiodFlowMeter&) = delete;
  GpiodFlowMeter(GpiodFlowMeter&&) = delete;
  GpiodFlowMeter& operator=(GpiodFlowMeter&&) = delete;

  /// -1 after a fault: the line is released, and a dead descriptor would be readable for ever.
  [[nodiscard]] int descriptor() const override;
  /// A fault stays until `listen` has found the line again.
  [[nodiscard]] MeterReading read(SinceBoot now) override;
  /// At rest the line is released, so that its interrupts end. It may be taken by somebody else. To
  /// listen again it is looked for by its address: a chip that came back may be another device.
  [[nodiscard]] tl::expected<void, std::string> listen(bool on) override;
  [[nodiscard]] std::string describe() const override;

 private:
  struct Lines;
  std::unique_ptr<Lines> lines_;
};

}  // namespace tapd::drivers
