#include "daemon/open_gpio.hpp"

#include <stdexcept>
#include <utility>

#include <fmt/format.h>

#include "drivers/gpiod_flow_meter.hpp"
#include "drivers/gpiod_valve.hpp"
#include "drivers/linux_spi.hpp"
#include "drivers/mfrc522.hpp"

namespace tapd {
namespace {

/// The reader together with the bus it sits on.
class OwnedMfrc522 final : public drivers::CardReader {
 public:
  OwnedMfrc522(const ReaderConfig& config, drivers::Mfrc522Settings settings)
      : bus_{config.device.string(), config.speed_hz},
        reader_{bus_, drivers::system_pacing(), settings} {}
  drivers::Look look(drivers::SinceBoot now) override { return reader_.look(now); }
  void cycle_field() override { reader_.cycle_field(); }
  std::string describe() const override { return reader_.describe(); }

 private:
  drivers::LinuxSpi bus_;
  drivers::Mfrc522 reader_;
};

drivers::ReaderGain gain(std::int64_t decibel) {
  switch (decibel) {
    case 33:
      return drivers::ReaderGain::db33;
    case 43:
      return drivers::ReaderGain::db43;
    case 48:
      return drivers::ReaderGain::db48;
    default:
      return drivers::ReaderGain::db38;
  }
}

/// Puts the tap's name in front of what a driver says.
template<typename Open>
auto named(const TapConfig& tap, const char* part, Open open) {
  try {
    return open();
  } catch (const std::exception& error) {
    throw std::runtime_error{fmt::format("tap {}, {}: {}", tap.id.number(), part, error.what())};
  }
}

drivers::LineAddress line(const LineConfig& config) {
  return drivers::LineName{.name = config.name, .chip = config.chip};
}

}  // namespace

std::unique_ptr<drivers::Valve> open_gpio_valve(const TapConfig& tap) {
  return named(tap, "valve", [&] {
    return std::make_unique<drivers::GpiodValve>(line(tap.valve_line), tap.valve_line.active_low);
  });
}

TapHardware open_gpio_tap(const TapConfig& tap, std::unique_ptr<drivers::Valve> valve) {
  TapHardware hardware;
  hardware.valve = std::move(valve);
  hardware.meter = named(tap, "meter", [&] {
    return std::make_unique<drivers::GpiodFlowMeter>(line(tap.meter_line), tap.shortest_interval,
                                                     tap.meter_line.bias);
  });
  hardware.reader = named(tap, "reader", [&] {
    return std::make_unique<OwnedMfrc522>(
        tap.reader, drivers::Mfrc522Settings{.gain = gain(tap.reader.antenna_gain_db)});
  });
  return hardware;
}

}  // namespace tapd
