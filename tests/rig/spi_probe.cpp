// Sends bytes to a spidev device with nothing but the kernel's ioctl and prints what came back: the
// rig's own check that spidev, spi-sim and the model behind it work, before tapd is run on them.
#include <fcntl.h>
#include <fmt/format.h>
#include <linux/spi/spidev.h>
#include <sys/ioctl.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "tests/support/unique_fd.hpp"

namespace {

constexpr std::string_view usage =
    "usage: spi_probe DEVICE HEX... : the transfers of one message; a HEX that ends in '/' "
    "releases\n"
    "the chip select behind it. Prints the bytes received.";
constexpr std::uint32_t speed_hz = 1'000'000;

struct Transfer {
  std::vector<std::uint8_t> bytes;  // Sent from here, received into here.
  bool release{false};
};

Transfer parse_transfer(std::string_view hex) {
  Transfer transfer;
  if (hex.ends_with('/')) {
    transfer.release = true;
    hex.remove_suffix(1);
  }
  for (; hex.size() >= 2; hex.remove_prefix(2)) {
    std::uint8_t byte = 0;
    const char* const begin = hex.data();
    const auto [end, error] = std::from_chars(begin, begin + 2, byte, 16);
    if (error != std::errc{} || end != begin + 2) break;
    transfer.bytes.push_back(byte);
  }
  if (!hex.empty()) throw std::invalid_argument(fmt::format("not hex digits: '{}'", hex));
  return transfer;
}

void exchange(const std::string& device, std::vector<Transfer>& transfers) {
  const tapd::test::UniqueFd spi{::open(device.c_str(), O_RDWR | O_CLOEXEC)};
  if (!spi.is_open()) throw std::system_error(errno, std::generic_category(), device);
  std::vector<spi_ioc_transfer> message(transfers.size());
  for (std::size_t i = 0; i < transfers.size(); ++i) {
    auto& bytes = transfers[i].bytes;
    message[i].tx_buf = reinterpret_cast<std::uintptr_t>(bytes.data());
    message[i].rx_buf = message[i].tx_buf;
    message[i].len = static_cast<std::uint32_t>(bytes.size());
    message[i].speed_hz = speed_hz;
    message[i].bits_per_word = 8;
    message[i].cs_change = transfers[i].release ? 1 : 0;
  }
  const auto request = _IOC(_IOC_WRITE, SPI_IOC_MAGIC, 0, message.size() * sizeof(message[0]));
  if (::ioctl(spi.get(), request, message.data()) < 0) {
    throw std::system_error(errno, std::generic_category(), "SPI_IOC_MESSAGE");
  }
}

int run(int argc, char** argv) {
  if (argc < 3) {
    fmt::print(stderr, "{}\n", usage);
    return 2;
  }
  std::vector<Transfer> transfers;
  for (int i = 2; i < argc; ++i) transfers.push_back(parse_transfer(argv[i]));
  exchange(argv[1], transfers);
  for (const auto& transfer : transfers) {
    for (const auto byte : transfer.bytes) fmt::print("{:02x}", byte);
    fmt::print("\n");
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    fmt::print(stderr, "spi_probe: {}\n", error.what());
    return 1;
  }
}
