// Looks at GPIO lines with nothing but libgpiod, as a second opinion on what the kernel delivers:
// the rig's own check that its chip, its edges and its valve line work, before tapd is run on them.
// Finds a line by name on any chip, as tapd has to.
#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <gpiod.hpp>
#include <stdexcept>
#include <string>
#include <string_view>

namespace {

constexpr std::string_view usage =
    "usage: line_probe find NAME           prints the chip and offset\n"
    "       line_probe count NAME IDLE_MS  counts edges until none came for so long\n"
    "       line_probe hold NAME           drives the line to 1 until it is killed";
constexpr std::size_t event_buffer_size = 1024;  // The kernel's own limit.
constexpr std::chrono::seconds first_edge_patience{60};

struct Line {
  std::string chip;
  gpiod::line::offset offset;
};

Line find_line(const std::string& name) {
  for (const auto& entry : std::filesystem::directory_iterator{"/dev"}) {
    if (!gpiod::is_gpiochip_device(entry.path())) continue;
    const int offset = gpiod::chip{entry.path()}.get_line_offset_from_name(name);
    if (offset >= 0) return {entry.path(), static_cast<unsigned>(offset)};
  }
  throw std::runtime_error(fmt::format("no chip has a line {}", name));
}

void find(const std::string& name) {
  const auto line = find_line(name);
  fmt::print("{} {} {}\n", line.chip, gpiod::chip{line.chip}.get_info().label(),
             static_cast<unsigned>(line.offset));
}

void say_ready() {
  fmt::print("ready\n");
  std::fflush(stdout);
}

void count(const std::string& name, std::chrono::milliseconds idle) {
  const auto line = find_line(name);
  auto request =
      gpiod::chip{line.chip}
          .prepare_request()
          .set_consumer("line_probe")
          .set_event_buffer_size(event_buffer_size)
          .add_line_settings(line.offset, gpiod::line_settings{}
                                              .set_direction(gpiod::line::direction::INPUT)
                                              .set_edge_detection(gpiod::line::edge::BOTH))
          .do_request();
  say_ready();
  gpiod::edge_event_buffer buffer{event_buffer_size};
  std::size_t events = 0;
  std::size_t gaps = 0;
  std::size_t out_of_turn = 0;
  auto last_type = gpiod::edge_event::event_type::FALLING_EDGE;
  unsigned long last = 0;
  std::chrono::nanoseconds patience = first_edge_patience;
  while (request.wait_edge_events(patience)) {
    request.read_edge_events(buffer);
    for (const auto& event : buffer) {
      if (event.line_seqno() != last + 1) ++gaps;
      if (event.type() == last_type) ++out_of_turn;
      last = event.line_seqno();
      last_type = event.type();
      ++events;
    }
    patience = idle;
  }
  fmt::print("events {} gaps {} out of turn {}\n", events, gaps, out_of_turn);
}

void hold(const std::string& name) {
  const auto line = find_line(name);
  auto request =
      gpiod::chip{line.chip}
          .prepare_request()
          .set_consumer("line_probe")
          .add_line_settings(line.offset, gpiod::line_settings{}
                                              .set_direction(gpiod::line::direction::OUTPUT)
                                              .set_output_value(gpiod::line::value::ACTIVE))
          .do_request();
  if (request.get_value(line.offset) != gpiod::line::value::ACTIVE) {
    throw std::runtime_error(fmt::format("{} does not follow", name));
  }
  say_ready();
  while (true) ::pause();
}

int run(int argc, char** argv) {
  const std::string_view verb{argc > 1 ? argv[1] : ""};
  if (verb == "find" && argc == 3) {
    find(argv[2]);
  } else if (verb == "count" && argc == 4) {
    count(argv[2], std::chrono::milliseconds{std::stoi(argv[3])});
  } else if (verb == "hold" && argc == 3) {
    hold(argv[2]);
  } else {
    fmt::print(stderr, "{}\n", usage);
    return 2;
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    fmt::print(stderr, "line_probe: {}\n", error.what());
    return 1;
  }
}
