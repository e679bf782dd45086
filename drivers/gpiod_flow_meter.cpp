#include "drivers/gpiod_flow_meter.hpp"

#include <fmt/format.h>

#include <gpiod.hpp>
#include <optional>
#include <stdexcept>
#include <system_error>

#include "drivers/clock.hpp"
#include "drivers/edge_filter.hpp"

namespace tapd::drivers {
namespace {

constexpr const char* consumer = "tapd meter";
// The kernel's upper limit: at 4000 edges a second a quarter of one is kept for us.
constexpr std::size_t event_buffer_size = 1024;
// A storm must not keep the control thread here; what is left makes the descriptor readable again.
constexpr int reads_max = 4;

gpiod::line::bias to_gpiod(LineBias bias) {
  switch (bias) {
    case LineBias::as_is:
      return gpiod::line::bias::AS_IS;
    case LineBias::disabled:
      return gpiod::line::bias::DISABLED;
    case LineBias::pull_up:
      return gpiod::line::bias::PULL_UP;
    case LineBias::pull_down:
      return gpiod::line::bias::PULL_DOWN;
  }
  throw std::invalid_argument("no such bias");
}

gpiod::line_request request_edges(const FoundLine& line, LineBias bias) {
  try {
    gpiod::chip chip(line.chip);
    auto settings = gpiod::line_settings()
                        .set_direction(gpiod::line::direction::INPUT)
                        .set_edge_detection(gpiod::line::edge::BOTH)
                        .set_event_clock(gpiod::line::clock::MONOTONIC)
                        .set_bias(to_gpiod(bias));
    return chip.prepare_request()
        .set_consumer(consumer)
        .set_event_buffer_size(event_buffer_size)
        .add_line_settings(line.offset, settings)
        .do_request();
  } catch (const std::system_error& error) {
    throw std::runtime_error(request_error(line, error.code().value()));
  }
}

Edge to_edge(const gpiod::edge_event& event) {
  const std::chrono::nanoseconds stamp{static_cast<std::int64_t>(event.timestamp_ns().ns())};
  return {.rising = event.type() == gpiod::edge_event::event_type::RISING_EDGE,
          .stamp = since_boot_from_monotonic(stamp),
          .line_seqno = event.line_seqno()};
}

}  // namespace

struct GpiodFlowMeter::Lines {
  Lines(LineAddress where, LineBias with_bias, std::chrono::nanoseconds with_interval,
        std::filesystem::path folder)
      : address(std::move(where)),
        devices(std::move(folder)),
        bias(with_bias),
        shortest_interval(with_interval),
        buffer(event_buffer_size),
        filter(shortest_interval) {
    take();
  }
  void take() {
    line = find_line(address, devices);
    request = request_edges(line, bias);
  }

  /// True when nothing waits any more.
  bool take_edges(gpiod::line_request& from) {
    for (int reads = 0; reads < reads_max; ++reads) {
      if (!from.wait_edge_events(std::chrono::nanoseconds::zero())) return true;
      from.read_edge_events(buffer);
      for (const gpiod::edge_event& event : buffer) filter.take(to_edge(event));
    }
    return false;
  }

  LineAddress address;
  std::filesystem::path devices;
  FoundLine line;
  LineBias bias;
  std::chrono::nanoseconds shortest_interval;
  std::optional<gpiod::line_request> request;
  gpiod::edge_event_buffer buffer;
  EdgeFilter filter;
  std::string fault;
};

GpiodFlowMeter::GpiodFlowMeter(const LineAddress& address,
                               std::chrono::nanoseconds shortest_interval, LineBias bias,
                               const std::filesystem::path& devices)
    : lines_(std::make_unique<Lines>(address, bias, shortest_interval, devices)) {}

GpiodFlowMeter::~GpiodFlowMeter() = default;

int GpiodFlowMeter::descriptor() const {
  const auto& request = lines_->request;
  return request ? request->fd() : -1;
}

MeterReading GpiodFlowMeter::read(SinceBoot now) {
  bool complete = true;
  if (auto& request = lines_->request) {
    try {
      complete = lines_->take_edges(*request);
    } catch (const std::exception& error) {
      lines_->fault = fmt::format("{}: {}", describe(), error.what());
      request.reset();
    }
  }
  // While edges still wait in the kernel nobody knows whether the newest one was a glitch.
  MeterReading reading = lines_->filter.drain(complete ? now : SinceBoot::min());
  reading.fault = lines_->fault;
  return reading;
}

tl::expected<void, std::string> GpiodFlowMeter::listen(bool on) {
  if (on == lines_->request.has_value()) return {};
  lines_->request.reset();
  if (!on) return {};
  try {
    lines_->take();
  } catch (const std::exception& error) {
    return tl::unexpected(std::string{error.what()});
  }
  lines_->fault.clear();
  // The kernel numbers a new request's edges from 1 again.
  lines_->filter = EdgeFilter{lines_->shortest_interval};
  return {};
}

std::string GpiodFlowMeter::describe() const {
  return drivers::describe(lines_->line);
}

}  // namespace tapd::drivers
