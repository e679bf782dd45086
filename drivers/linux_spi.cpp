#include "drivers/linux_spi.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/spi/spidev.h>
#include <sys/ioctl.h>

#include <cerrno>
#include <cstdint>
#include <stdexcept>
#include <system_error>

namespace tapd::drivers {
namespace {

constexpr std::uint8_t bits_per_word = 8;

UniqueFd open_device(const std::string& path) {
  UniqueFd fd{::open(path.c_str(), O_RDWR | O_CLOEXEC)};
  if (fd.get() < 0) throw std::runtime_error(spi_start_error(path, errno));
  return fd;
}

std::string text_of(int error) {
  return std::generic_category().message(error);
}

std::uint64_t address_of(const void* memory) {
  return static_cast<std::uint64_t>(reinterpret_cast<std::uintptr_t>(memory));
}

}  // namespace

std::string spi_start_error(const std::string& path, int error) {
  switch (error) {
    case ENOENT:
    case ENODEV:
    case ENXIO:
      return fmt::format("{} does not exist: is SPI switched on (dtparam=spi=on in config.txt)?",
                         path);
    case EACCES:
    case EPERM:
      return fmt::format(
          "{}: no permission: the user of the service must be in group spi, and its "
          "unit must allow the device (DeviceAllow=char-spi rw)",
          path);
    case ENOTTY:
      return fmt::format("{} is not a device of spidev: check the path", path);
    case EINVAL:
      return fmt::format("{}: the controller refuses mode 0, 8 bits or the speed: try a lower one",
                         path);
    default:
      return fmt::format("{}: {}", path, text_of(error));
  }
}

LinuxSpi::LinuxSpi(std::string path, std::uint32_t speed_hz)
    : path_(std::move(path)), speed_hz_(speed_hz), fd_(open_device(path_)) {
  configure();
}

LinuxSpi::LinuxSpi(Unopened, std::string path, std::uint32_t speed_hz)
    : path_(std::move(path)), speed_hz_(speed_hz), why_closed_(path_ + " is not opened yet") {}

LinuxSpi LinuxSpi::unopened(std::string path, std::uint32_t speed_hz) {
  return LinuxSpi{Unopened{}, std::move(path), speed_hz};
}

void LinuxSpi::configure() {
  std::uint8_t mode = SPI_MODE_0;
  std::uint8_t bits = bits_per_word;
  std::uint32_t speed = speed_hz_;
  const bool configured = ::ioctl(fd_.get(), SPI_IOC_WR_MODE, &mode) >= 0 &&
                          ::ioctl(fd_.get(), SPI_IOC_WR_BITS_PER_WORD, &bits) >= 0 &&
                          ::ioctl(fd_.get(), SPI_IOC_WR_MAX_SPEED_HZ, &speed) >= 0;
  if (!configured) throw std::runtime_error(spi_start_error(path_, errno));
}

tl::expected<void, std::string> LinuxSpi::transfer(std::span<const std::uint8_t> tx,
                                                   std::span<std::uint8_t> rx) {
  if (tx.size() != rx.size()) {
    return tl::unexpected(
        fmt::format("{}: {} bytes to send but room for {}", path_, tx.size(), rx.size()));
  }
  if (fd_.get() < 0) return tl::unexpected(why_closed_);
  spi_ioc_transfer frame{};
  frame.tx_buf = address_of(tx.data());
  frame.rx_buf = address_of(rx.data());
  frame.len = static_cast<std::uint32_t>(tx.size());
  frame.speed_hz = speed_hz_;
  frame.bits_per_word = bits_per_word;
  frame.cs_change = 0;  // 1 would leave the chip selected after the frame.
  const int sent = ::ioctl(fd_.get(), SPI_IOC_MESSAGE(1), &frame);
  if (sent < 0) return tl::unexpected(fmt::format("{}: {}", path_, text_of(errno)));
  if (static_cast<std::size_t>(sent) != tx.size()) {
    return tl::unexpected(fmt::format("{}: {} of {} bytes were moved", path_, sent, tx.size()));
  }
  return {};
}

tl::expected<void, std::string> LinuxSpi::reopen() {
  fd_ = UniqueFd{};
  try {
    fd_ = open_device(path_);
    configure();
  } catch (const std::runtime_error& error) {
    fd_ = UniqueFd{};
    why_closed_ = error.what();
    return tl::unexpected(why_closed_);
  }
  return {};
}

std::string LinuxSpi::describe() const {
  return fmt::format("{} at {} Hz", path_, speed_hz_);
}

}  // namespace tapd::drivers
