#include "daemon/open_gpio.hpp"

#include <stdexcept>
#include <utility>

#include <fmt/format.h>

#include "drivers/gpiod_flow_meter.hpp"
#include "drivers/gpiod_output.hpp"
#include "drivers/line_indicator.hpp"
#include "drivers/line_valve.hpp"
#include "drivers/linux_spi.hpp"
#include "drivers/mfrc522.hpp"

namespace tapd {
namespace {

std::unique_ptr<drivers::OutputLine> open_reset_line(const ReaderConfig& config) {
  if (config.reset_line.empty()) return nullptr;
  // On is low: held in reset. Off, also when tapd is gone, the reader works.
  return std::make_unique<drivers::GpiodOutput>(
      drivers::LineName{.name = config.reset_line, .chip = config.reset_chip}, true,
      "tapd reader reset");
}

/// The reader together with the bus it sits on and the line that resets it.
class OwnedMfrc522 final : public drivers::CardReader {
 public:
  OwnedMfrc522(const ReaderConfig& config, drivers::Mfrc522Settings settings)
      : bus_{config.device.string(), config.speed_hz},
        line_{open_reset_line(config)},
        reader_{bus_, drivers::system_pacing(), settings, line_.get()} {}
  drivers::Look look(drivers::SinceBoot now) override { return reader_.look(now); }
  void cycle_field() override { reader_.cycle_field(); }
  std::string describe() const override { return reader_.describe(); }
  drivers::ReaderHealth health() const override { return reader_.health(); }
  std::vector<drivers::ReaderNote> take_notes() override { return reader_.take_notes(); }

 private:
  drivers::LinuxSpi bus_;
  std::unique_ptr<drivers::OutputLine> line_;  ///< Null: not wired.
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

std::unique_ptr<drivers::OutputLine> output(const LineConfig& config, const char* consumer) {
  return std::make_unique<drivers::GpiodOutput>(line(config), config.active_low, consumer);
}

/// Null when no lamp is configured.
std::unique_ptr<drivers::Indicator> open_indicator(const TapConfig& tap) {
  drivers::LampLines lines;
  bool any = false;
  for (std::size_t lamp = 0; lamp < drivers::lamp_count; ++lamp) {
    if (const auto& wired = tap.lamps.at(lamp)) {
      lines.at(lamp) = output(*wired, "tapd indicator");
      any = true;
    }
  }
  if (!any) return nullptr;
  return std::make_unique<drivers::LineIndicator>(std::move(lines));
}

}  // namespace

drivers::LineAddress valve_address(const TapConfig& tap) {
  return line(tap.valve_line);
}

std::unique_ptr<drivers::Valve> open_gpio_valve(const TapConfig& tap) {
  return named(tap, "valve", [&] {
    return std::make_unique<drivers::LineValve>(output(tap.valve_line, drivers::valve_consumer));
  });
}

TapHardware open_gpio_tap(const TapConfig& tap, std::unique_ptr<drivers::Valve> valve) {
  TapHardware hardware;
  hardware.valve = std::move(valve);
  if (tap.keep_alive) {
    hardware.keep_alive = named(tap, "keep-alive", [&] {
      return std::make_unique<drivers::KeepAlive>(output(tap.keep_alive->line, "tapd keep-alive"),
                                                  tap.keep_alive->hz);
    });
  }
  hardware.indicator = named(tap, "indicator", [&] { return open_indicator(tap); });
  hardware.meter = named(tap, "meter", [&] {
    return std::make_unique<drivers::GpiodFlowMeter>(
        line(tap.meter_line), tap.meter.shortest_interval, tap.meter_line.bias);
  });
  hardware.reader = named(tap, "reader", [&] {
    drivers::Mfrc522Settings settings;
    settings.gain = gain(tap.reader.antenna_gain_db);
    return std::make_unique<OwnedMfrc522>(tap.reader, settings);
  });
  return hardware;
}

}  // namespace tapd
