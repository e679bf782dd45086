// One device on an SPI bus: bytes out and in at the same time, framed by its chip select. The real
// one is LinuxSpi; tests and the simulated bar put a model of the chip behind it. It promises that
// one call is one frame; it knows nothing of registers.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include <tl/expected.hpp>

namespace tapd::drivers {

/// Used from one thread.
class SpiBus {
 public:
  SpiBus() = default;
  virtual ~SpiBus() = default;
  SpiBus(const SpiBus&) = delete;
  SpiBus& operator=(const SpiBus&) = delete;
  SpiBus(SpiBus&&) = delete;
  SpiBus& operator=(SpiBus&&) = delete;

  /// Sends `tx` and receives as many bytes into `rx`, which has the same size. Blocks for the time
  /// on the wire. The error names the device and what the kernel said; `rx` is then undefined.
  [[nodiscard]] virtual tl::expected<void, std::string> transfer(std::span<const std::uint8_t> tx,
                                                                 std::span<std::uint8_t> rx) = 0;
  /// Closes the device and opens it again, after which a driver or a controller that was stuck may
  /// work. What has nothing to open has nothing to do. The error says what to do.
  [[nodiscard]] virtual tl::expected<void, std::string> reopen() { return {}; }
  /// "/dev/spidev0.0 at 4000000 Hz".
  [[nodiscard]] virtual std::string describe() const = 0;
};

}  // namespace tapd::drivers
