// An SPI device of the kernel's spidev driver: mode 0, eight bits, most significant bit first, chip
// select held for exactly one transfer. Made at start-up by the daemon's wiring and used by a
// reader's thread. The only file that knows spidev's ioctls.
#pragma once

#include <cstdint>
#include <string>

#include "drivers/spi_bus.hpp"
#include "drivers/unique_fd.hpp"

namespace tapd::drivers {

/// What the MFRC522 libraries run; with long leads start lower. The chip ends at 10 MHz.
inline constexpr std::uint32_t default_spi_speed_hz = 4'000'000;

class LinuxSpi final : public SpiBus {
 public:
  /// Opens and configures the device. Throws std::runtime_error that says what to do: SPI switched
  /// off, no permission, not an spidev device, a speed the controller refuses.
  explicit LinuxSpi(std::string path, std::uint32_t speed_hz = default_spi_speed_hz);
  /// One that is not opened yet: `reopen` does that.
  [[nodiscard]] static LinuxSpi unopened(std::string path, std::uint32_t speed_hz);

  [[nodiscard]] tl::expected<void, std::string> transfer(std::span<const std::uint8_t> tx,
                                                         std::span<std::uint8_t> rx) override;
  /// After a failure every transfer fails with its words, until a later call succeeds.
  [[nodiscard]] tl::expected<void, std::string> reopen() override;
  [[nodiscard]] std::string describe() const override;

 private:
  struct Unopened {};
  LinuxSpi(Unopened, std::string path, std::uint32_t speed_hz);
  void configure();

  std::string path_;
  std::uint32_t speed_hz_;
  UniqueFd fd_;
  std::string why_closed_;
};

/// The sentence for a failed open or configuration of `path` with this errno.
[[nodiscard]] std::string spi_start_error(const std::string& path, int error);

}  // namespace tapd::drivers
