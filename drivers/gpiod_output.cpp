#include "drivers/gpiod_output.hpp"

#include <fmt/format.h>

#include <gpiod.hpp>
#include <optional>
#include <stdexcept>
#include <system_error>

namespace tapd::drivers {
namespace {

using Value = gpiod::line::value;

Value value_of(bool on) {
  return on ? Value::ACTIVE : Value::INACTIVE;
}

gpiod::line_request request_off(const FoundLine& line, bool active_low,
                                const std::string& consumer) {
  try {
    gpiod::chip chip(line.chip);
    // A chip that has no pulls ignores the bias of an output.
    auto settings =
        gpiod::line_settings()
            .set_direction(gpiod::line::direction::OUTPUT)
            .set_active_low(active_low)
            .set_bias(active_low ? gpiod::line::bias::PULL_UP : gpiod::line::bias::PULL_DOWN)
            .set_output_value(value_of(false));
    return chip.prepare_request()
        .set_consumer(consumer)
        .add_line_settings(line.offset, settings)
        .do_request();
  } catch (const std::system_error& error) {
    throw std::runtime_error(request_error(line, error.code().value()));
  }
}

}  // namespace

struct GpiodOutput::Lines {
  Lines(LineAddress where, bool on_is_low, std::string name, std::filesystem::path folder)
      : address(std::move(where)),
        devices(std::move(folder)),
        consumer(std::move(name)),
        active_low(on_is_low) {
    take();
  }
  void take() {
    line = find_line(address, devices);
    request = request_off(line, active_low, consumer);
  }
  /// Throws when the line could not be taken again.
  gpiod::line_request& held() {
    if (!request) throw std::runtime_error("the line is not held any more");
    return *request;
  }

  LineAddress address;
  std::filesystem::path devices;
  std::string consumer;
  bool active_low;
  FoundLine line;
  std::optional<gpiod::line_request> request;
};

GpiodOutput::GpiodOutput(const LineAddress& address, bool active_low, const std::string& consumer,
                         const std::filesystem::path& devices)
    : lines_(std::make_unique<Lines>(address, active_low, consumer, devices)) {}

GpiodOutput::~GpiodOutput() {
  // Nobody is left to be told of a failure; the kernel releases the line in any case.
  static_cast<void>(drive(false));
}

tl::expected<void, std::string> GpiodOutput::drive(bool on) {
  try {
    lines_->held().set_value(lines_->line.offset, value_of(on));
    return {};
  } catch (const std::exception& error) {
    return tl::unexpected(fmt::format("{}: cannot be driven: {}", describe(), error.what()));
  }
}

tl::expected<bool, std::string> GpiodOutput::read() {
  try {
    return lines_->held().get_value(lines_->line.offset) == Value::ACTIVE;
  } catch (const std::exception& error) {
    return tl::unexpected(fmt::format("{}: cannot be read: {}", describe(), error.what()));
  }
}

tl::expected<void, std::string> GpiodOutput::retake() {
  // Off first, where it can still be driven: between the two requests only its pull holds the pin.
  static_cast<void>(drive(false));
  lines_->request.reset();
  try {
    lines_->take();
    return {};
  } catch (const std::exception& error) {
    return tl::unexpected(std::string{error.what()});
  }
}

std::string GpiodOutput::describe() const {
  return fmt::format("{}, active {}", drivers::describe(lines_->line),
                     lines_->active_low ? "low" : "high");
}

}  // namespace tapd::drivers
