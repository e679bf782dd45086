#include "drivers/linux_spi.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers.hpp>
#include <catch2/matchers/catch_matchers_exception.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <cerrno>

// The ways in which a bus cannot be opened; linux_spi_reopen_test.cpp has one that can.
namespace tapd::drivers {
namespace {

using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::MessageMatches;

TEST_CASE("a missing device says how to switch SPI on", "[spi]") {
  CHECK_THROWS_MATCHES(LinuxSpi("/dev/spidev99.7"), std::runtime_error,
                       MessageMatches(ContainsSubstring("/dev/spidev99.7 does not exist") &&
                                      ContainsSubstring("dtparam=spi=on")));
}

TEST_CASE("a device that is no spidev is named as such", "[spi]") {
  CHECK_THROWS_MATCHES(LinuxSpi("/dev/null"), std::runtime_error,
                       MessageMatches(ContainsSubstring("/dev/null is not a device of spidev")));
}

TEST_CASE("every other reason to fail has a sentence that says what to do", "[spi]") {
  CHECK_THAT(spi_start_error("/dev/spidev0.0", EACCES), ContainsSubstring("group spi"));
  CHECK_THAT(spi_start_error("/dev/spidev0.0", EPERM), ContainsSubstring("DeviceAllow"));
  CHECK_THAT(spi_start_error("/dev/spidev0.0", EINVAL), ContainsSubstring("speed"));
  CHECK_THAT(spi_start_error("/dev/spidev0.0", EMFILE), ContainsSubstring("/dev/spidev0.0: "));
}

}  // namespace
}  // namespace tapd::drivers
