// The user-space end of the spi-sim kernel module: takes SPI messages from /dev/spi-sim, cuts them
// into chip-select-framed transfers as a chip would see them, and returns what the chip sends back.
// Called by mfrc522_on_spi_sim. It knows no chip and starts no thread.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "tests/support/unique_fd.hpp"

namespace tapd::test::rig {

/// One period of an asserted chip select: both spans have the same size.
using Chip = std::function<void(std::uint32_t chip_select, std::span<const std::uint8_t> tx,
                                std::span<std::uint8_t> rx)>;

/// The answer to one request as spi_sim_abi.h describes both. Throws std::runtime_error when the
/// request is shorter than it says.
[[nodiscard]] std::vector<std::uint8_t> answer_request(std::span<const std::uint8_t> request,
                                                       const Chip& chip);

class SpiSimPort {
 public:
  /// Attaches to the module. Throws std::system_error: the device is missing or already taken.
  explicit SpiSimPort(const std::string& device);

  /// Readable while a message waits.
  [[nodiscard]] int fd() const { return device_.get(); }
  /// Serves one message; blocks until there is one. Throws std::system_error.
  void serve(const Chip& chip);

 private:
  UniqueFd device_;
  std::vector<std::uint8_t> request_;
};

}  // namespace tapd::test::rig
