// A device of spidev that goes and comes back, played by a plain file: this program answers
// spidev's ioctls for it, in the place of the C library's function. What the kernel's own does with
// them, the emulated machine shows (tests/rig/jobs/reader.sh).
#include <linux/spi/spidev.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <bit>
#include <cerrno>
#include <cstdarg>
#include <cstring>
#include <fstream>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "drivers/linux_spi.hpp"
#include "tests/support/temp_dir.hpp"

namespace tapd::drivers {
namespace {

using Catch::Matchers::ContainsSubstring;

/// The device behind every plain file that is asked for spidev's services.
struct FakeSpidev {
  int configured{0};        ///< How often its speed was set: once for each opening.
  std::uint32_t speed{0};   ///< Zero: not configured.
  int fails_with{0};        ///< Each call answers this errno; 0: none.
  std::uint32_t moves{64};  ///< At most so many bytes of a frame.

  int serve(unsigned long request, void* argument) {
    if (fails_with != 0) {
      errno = fails_with;
      return -1;
    }
    if (request == SPI_IOC_WR_MODE || request == SPI_IOC_WR_BITS_PER_WORD) return 0;
    if (request == SPI_IOC_WR_MAX_SPEED_HZ) {
      std::memcpy(&speed, argument, sizeof speed);
      ++configured;
      return 0;
    }
    if (request == SPI_IOC_MESSAGE(1)) return echo(argument);
    errno = ENOTTY;
    return -1;
  }
  /// The wire is a loop: what goes out comes back.
  [[nodiscard]] int echo(const void* argument) const {
    spi_ioc_transfer frame{};
    std::memcpy(&frame, argument, sizeof frame);
    const std::uint32_t length = std::min(frame.len, moves);
    std::memcpy(std::bit_cast<void*>(static_cast<std::uintptr_t>(frame.rx_buf)),
                std::bit_cast<const void*>(static_cast<std::uintptr_t>(frame.tx_buf)), length);
    return static_cast<int>(length);
  }
};
FakeSpidev* fake = nullptr;

bool is_fake(int fd) {
  struct stat info{};
  return fake != nullptr && ::fstat(fd, &info) == 0 && S_ISREG(info.st_mode);
}

}  // namespace
}  // namespace tapd::drivers

/// In the place of the C library's, for this whole program.
extern "C" int ioctl(int fd, unsigned long request, ...) noexcept {
  std::va_list arguments;
  va_start(arguments, request);
  void* const argument = va_arg(arguments, void*);
  va_end(arguments);
  if (tapd::drivers::is_fake(fd)) return tapd::drivers::fake->serve(request, argument);
  return static_cast<int>(::syscall(SYS_ioctl, fd, request, argument));
}

namespace tapd::drivers {
namespace {

struct Machine {
  tapd::test::TempDir folder;
  FakeSpidev device;
  Machine() {
    fake = &device;
    plug_in();
  }
  ~Machine() { fake = nullptr; }
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;
  Machine(Machine&&) = delete;
  Machine& operator=(Machine&&) = delete;

  [[nodiscard]] std::filesystem::path path() const { return folder / "spidev0.0"; }
  void plug_in() const { std::ofstream{path()} << ""; }
  void pull_out() const { std::filesystem::remove(path()); }
};

constexpr std::array<std::uint8_t, 3> sent{0xEE, 0x12, 0x00};

tl::expected<void, std::string> exchange(LinuxSpi& bus) {
  std::array<std::uint8_t, 3> back{};
  auto done = bus.transfer(sent, back);
  if (done) CHECK(back == sent);
  return done;
}

TEST_CASE("a bus that is opened again is set up again, and works", "[spi]") {
  Machine machine;
  LinuxSpi bus{machine.path(), 1'000'000};
  CHECK(exchange(bus));
  CHECK(machine.device.speed == 1'000'000);
  machine.device.fails_with = EIO;
  CHECK_THAT(exchange(bus).error(), ContainsSubstring("Input/output error"));
  machine.device.fails_with = 0;
  machine.device.speed = 0;
  REQUIRE(bus.reopen());
  CHECK(machine.device.configured == 2);
  CHECK(machine.device.speed == 1'000'000);
  CHECK(exchange(bus));
}

TEST_CASE("a device that has gone fails every transfer until it is back and opened again",
          "[spi]") {
  Machine machine;
  LinuxSpi bus{machine.path()};
  machine.pull_out();
  for (int tries = 0; tries < 2; ++tries) {
    CHECK_THAT(bus.reopen().error(), ContainsSubstring("does not exist"));
    CHECK_THAT(exchange(bus).error(), ContainsSubstring("does not exist"));
  }
  machine.plug_in();
  CHECK_FALSE(exchange(bus));  // nobody has opened it
  REQUIRE(bus.reopen());
  CHECK(exchange(bus));
}

TEST_CASE("a device that was not there at the start works once it is there and opened", "[spi]") {
  Machine machine;
  machine.pull_out();
  LinuxSpi bus = LinuxSpi::unopened(machine.path(), 1'000'000);
  CHECK_THAT(exchange(bus).error(), ContainsSubstring("is not opened yet"));
  CHECK_THAT(bus.reopen().error(), ContainsSubstring("does not exist"));
  CHECK_THAT(exchange(bus).error(), ContainsSubstring("does not exist"));
  machine.plug_in();
  REQUIRE(bus.reopen());
  CHECK(exchange(bus));
}

TEST_CASE("a device that is back but refuses its settings is not used", "[spi]") {
  Machine machine;
  LinuxSpi bus{machine.path()};
  machine.device.fails_with = EINVAL;
  CHECK_THAT(bus.reopen().error(), ContainsSubstring("refuses mode 0"));
  machine.device.fails_with = 0;
  CHECK_THAT(exchange(bus).error(), ContainsSubstring("refuses mode 0"));
  REQUIRE(bus.reopen());
  CHECK(exchange(bus));
}

TEST_CASE("a frame of which the bus moved only a part is an error", "[spi]") {
  Machine machine;
  LinuxSpi bus{machine.path()};
  machine.device.moves = 2;
  CHECK_THAT(exchange(bus).error(), ContainsSubstring("2 of 3 bytes were moved"));
}

}  // namespace
}  // namespace tapd::drivers
