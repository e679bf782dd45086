#include "daemon/open_gpio.hpp"

#include <stdexcept>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "drivers/gpiod_flow_meter.hpp"
#include "drivers/gpiod_output.hpp"
#include "drivers/late_lines.hpp"
#include "drivers/line_indicator.hpp"
#include "drivers/line_valve.hpp"
#include "drivers/linux_spi.hpp"
#include "drivers/mfrc522.hpp"

namespace tapd {
namespace {

/// The reader together with the bus it sits on and the line that resets it.
class OwnedMfrc522 final : public drivers::CardReader {
 public:
  /// The bus is opened by `open`. `line`: null: not wired.
  OwnedMfrc522(const ReaderConfig& config, drivers::Mfrc522Settings settings,
               std::unique_ptr<drivers::OutputLine> line)
      : bus_{drivers::LinuxSpi::unopened(config.device.string(), config.speed_hz)},
        line_{std::move(line)},
        reader_{bus_, drivers::system_pacing(), settings, line_.get()} {}
  /// An error is no end: the reader opens it again and again by itself.
  tl::expected<void, std::string> open() { return bus_.reopen(); }
  drivers::Look look(drivers::SinceBoot now) override { return reader_.look(now); }
  void cycle_field() override { reader_.cycle_field(); }
  std::string describe() const override { return reader_.describe(); }
  drivers::ReaderHealth health() const override { return reader_.health(); }
  std::vector<drivers::ReaderNote> take_notes() override {
    if (!reset_missing_.empty())
      return {{.serious = true, .text = std::exchange(reset_missing_, {})}};
    return reader_.take_notes();
  }
  void tell_without_reset(const std::string& why) {
    reset_missing_ = "it goes on without its reset line: " + why;
  }

 private:
  drivers::LinuxSpi bus_;
  std::unique_ptr<drivers::OutputLine> line_;
  drivers::Mfrc522 reader_;
  std::string reset_missing_;  // to be told
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

std::string in_words(const TapConfig& tap, std::string_view part, std::string_view why) {
  return fmt::format("tap {}, {}: {}", tap.id.number(), part, why);
}

/// What a tap's stand-in says.
std::string until_cleared(const TapConfig& tap, const char* why) {
  return fmt::format("{}; when it is there, say \"tapctl clear {}\"", why, tap.id.number());
}

drivers::LineAddress line(const LineConfig& config) {
  return drivers::LineName{.name = config.name, .chip = config.chip};
}

std::unique_ptr<drivers::OutputLine> take(const LineConfig& config, const char* consumer) {
  return std::make_unique<drivers::GpiodOutput>(line(config), config.active_low, consumer);
}

/// What a line is there for.
struct Role {
  std::string_view part;
  const char* consumer{nullptr};  ///< Under this name it is held.
  bool is_valve{false};
  bool needed{true};
};

/// The line, or its stand-in.
std::unique_ptr<drivers::OutputLine> output(const TapConfig& tap, const LineConfig& config,
                                            const Role& role, std::vector<MissingPart>& missing) {
  try {
    return take(config, role.consumer);
  } catch (const std::exception& error) {
    missing.push_back({.what = in_words(tap, role.part, error.what()),
                       .is_valve = role.is_valve,
                       .needed = role.needed});
    return std::make_unique<drivers::LateOutput>(
        drivers::describe(line(config)), until_cleared(tap, error.what()),
        [config, consumer = role.consumer] { return take(config, consumer); });
  }
}

/// Null when no lamp is configured.
std::unique_ptr<drivers::Indicator> open_indicator(const TapConfig& tap,
                                                   std::vector<MissingPart>& missing) {
  constexpr Role role{.part = "indicator", .consumer = "tapd indicator", .needed = false};
  drivers::LampLines lines;
  bool any = false;
  for (std::size_t lamp = 0; lamp < drivers::lamp_count; ++lamp) {
    if (const auto& wired = tap.lamps.at(lamp)) {
      lines.at(lamp) = output(tap, *wired, role, missing);
      any = true;
    }
  }
  if (!any) return nullptr;
  return std::make_unique<drivers::LineIndicator>(std::move(lines));
}

std::unique_ptr<drivers::FlowMeter> open_meter(const TapConfig& tap,
                                               std::vector<MissingPart>& missing) {
  const auto take_line = [address = line(tap.meter_line), bias = tap.meter_line.bias,
                          interval = tap.meter.shortest_interval] {
    return std::make_unique<drivers::GpiodFlowMeter>(address, interval, bias);
  };
  try {
    return take_line();
  } catch (const std::exception& error) {
    missing.push_back({.what = in_words(tap, "meter", error.what())});
    return std::make_unique<drivers::LateFlowMeter>(drivers::describe(line(tap.meter_line)),
                                                    until_cleared(tap, error.what()), take_line);
  }
}

/// A reader without its reset line goes on without it, and takes it when it needs it.
std::unique_ptr<drivers::CardReader> open_reader(const TapConfig& tap,
                                                 std::vector<MissingPart>& missing) {
  const std::size_t before = missing.size();
  std::unique_ptr<drivers::OutputLine> reset;
  if (!tap.reader.reset_line.empty()) {
    // On is low: held in reset. Off, also when tapd is gone, the reader works.
    const LineConfig wired{
        .name = tap.reader.reset_line, .chip = tap.reader.reset_chip, .active_low = true};
    reset = output(
        tap, wired,
        {.part = "reader's reset line", .consumer = "tapd reader reset", .needed = false}, missing);
  }
  drivers::Mfrc522Settings settings;
  settings.gain = gain(tap.reader.antenna_gain_db);
  auto reader = std::make_unique<OwnedMfrc522>(tap.reader, settings, std::move(reset));
  if (missing.size() > before) reader->tell_without_reset(missing.back().what);
  if (const auto opened = reader->open(); !opened) {
    missing.push_back({.what = in_words(tap, "reader", opened.error())});
  }
  return reader;
}

}  // namespace

drivers::LineAddress valve_address(const TapConfig& tap) {
  return line(tap.valve_line);
}

std::unique_ptr<drivers::Valve> open_gpio_valve(const TapConfig& tap) {
  try {
    return std::make_unique<drivers::LineValve>(take(tap.valve_line, drivers::valve_consumer));
  } catch (const std::exception& error) {
    throw std::runtime_error{in_words(tap, "valve", error.what())};
  }
}

TapHardware begin_gpio_tap(const TapConfig& tap) {
  constexpr Role role{.part = "valve", .consumer = drivers::valve_consumer, .is_valve = true};
  TapHardware hardware;
  hardware.valve =
      std::make_unique<drivers::LineValve>(output(tap, tap.valve_line, role, hardware.missing));
  return hardware;
}

TapHardware open_gpio_tap(const TapConfig& tap, TapHardware begun) {
  TapHardware hardware = std::move(begun);
  if (tap.keep_alive) {
    hardware.keep_alive = std::make_unique<drivers::KeepAlive>(
        output(tap, tap.keep_alive->line, {.part = "keep-alive", .consumer = "tapd keep-alive"},
               hardware.missing),
        tap.keep_alive->hz);
  }
  hardware.indicator = open_indicator(tap, hardware.missing);
  hardware.meter = open_meter(tap, hardware.missing);
  hardware.reader = open_reader(tap, hardware.missing);
  return hardware;
}

}  // namespace tapd
