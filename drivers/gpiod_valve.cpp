#include "drivers/gpiod_valve.hpp"

#include <fmt/format.h>

#include <gpiod.hpp>
#include <stdexcept>
#include <system_error>

namespace tapd::drivers {
namespace {

using Value = gpiod::line::value;

constexpr const char* consumer = "tapd valve";
constexpr Value is_open = Value::ACTIVE;
constexpr Value is_shut = Value::INACTIVE;

gpiod::line_request request_shut(const FoundLine& line, bool active_low) {
  try {
    gpiod::chip chip(line.chip);
    auto settings = gpiod::line_settings()
                        .set_direction(gpiod::line::direction::OUTPUT)
                        .set_active_low(active_low)
                        .set_output_value(is_shut);
    return chip.prepare_request()
        .set_consumer(consumer)
        .add_line_settings(line.offset, settings)
        .do_request();
  } catch (const std::system_error& error) {
    throw std::runtime_error(request_error(line, error.code().value()));
  }
}

}  // namespace

struct GpiodValve::Lines {
  Lines(FoundLine found, bool opens_low)
      : line(std::move(found)), active_low(opens_low), request(request_shut(line, active_low)) {}

  [[nodiscard]] std::string describe() const {
    return fmt::format("{}, active {}", drivers::describe(line), active_low ? "low" : "high");
  }

  [[nodiscard]] tl::expected<void, std::string> drive(Value value) {
    const char* wanted = value == is_open ? "open" : "shut";
    try {
      request.set_value(line.offset, value);
      if (request.get_value(line.offset) == value) return {};
    } catch (const std::exception& error) {
      return tl::unexpected(
          fmt::format("{}: cannot be driven {}: {}", describe(), wanted, error.what()));
    }
    return tl::unexpected(
        fmt::format("{}: driven {} but the pin reads the opposite: is it shorted, or driven by "
                    "something else?",
                    describe(), wanted));
  }

  FoundLine line;
  bool active_low;
  gpiod::line_request request;
};

GpiodValve::GpiodValve(const LineAddress& address, bool active_low,
                       const std::filesystem::path& devices)
    : lines_(std::make_unique<Lines>(find_line(address, devices), active_low)) {
  if (auto done = shut(); !done) throw std::runtime_error(done.error());
}

GpiodValve::~GpiodValve() {
  // Nobody is left to be told of a failure; the kernel releases the line in any case.
  static_cast<void>(lines_->drive(is_shut));
}

tl::expected<void, std::string> GpiodValve::open() {
  auto done = lines_->drive(is_open);
  if (done) return done;
  if (auto undone = lines_->drive(is_shut); !undone) {
    return tl::unexpected(done.error() + "; then " + undone.error());
  }
  return done;
}

tl::expected<void, std::string> GpiodValve::shut() {
  return lines_->drive(is_shut);
}

std::string GpiodValve::describe() const {
  return lines_->describe();
}

}  // namespace tapd::drivers
