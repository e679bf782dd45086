// Counts the pulses of several meters at once with tapd's own driver, to show how many a second the
// kernel and the driver bear: the rig has one reader, hence one tap that sells. Started by the
// rig's jobs.
#include <fmt/format.h>
#include <poll.h>

#include <chrono>
#include <cstdio>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "drivers/clock.hpp"
#include "drivers/gpiod_flow_meter.hpp"

namespace {

using namespace std::chrono_literals;
namespace drivers = tapd::drivers;

constexpr std::chrono::seconds first_edge_patience{60};

struct Tally {
  std::unique_ptr<drivers::GpiodFlowMeter> meter;
  std::int64_t edges{0};
  std::int64_t lost{0};
  drivers::SinceBoot first{};
  drivers::SinceBoot last{};
};

/// As the control loop does: reads whatever is readable, and at the end what the filter held back.
void count(std::vector<Tally>& meters, std::chrono::milliseconds idle) {
  std::vector<pollfd> waiting;
  for (const Tally& tally : meters) waiting.push_back({tally.meter->descriptor(), POLLIN, 0});
  std::chrono::milliseconds patience = first_edge_patience;
  while (::poll(waiting.data(), waiting.size(), static_cast<int>(patience.count())) > 0) {
    for (std::size_t i = 0; i < meters.size(); ++i) {
      if (waiting[i].revents == 0) continue;
      const auto reading = meters[i].meter->read(drivers::since_boot_now());
      if (!reading.fault.empty()) throw std::runtime_error(reading.fault);
      if (meters[i].edges == 0) meters[i].first = drivers::since_boot_now();
      meters[i].edges += reading.edges;
      meters[i].lost += reading.edges_lost;
      meters[i].last = drivers::since_boot_now();
    }
    patience = idle;
  }
  for (Tally& tally : meters) {
    const auto reading = tally.meter->read(drivers::since_boot_now());
    tally.edges += reading.edges;
    tally.lost += reading.edges_lost;
  }
}

void run(int argc, char** argv) {
  if (argc < 3) throw std::invalid_argument("usage: meter_watch IDLE_MS LINE...");
  std::vector<Tally> meters(static_cast<std::size_t>(argc) - 2);
  for (std::size_t i = 0; i < meters.size(); ++i) {
    meters[i].meter = std::make_unique<drivers::GpiodFlowMeter>(
        drivers::LineName{.name = argv[i + 2], .chip = {}}, 10us, drivers::LineBias::as_is);
  }
  fmt::print("ready\n");
  std::fflush(stdout);
  count(meters, std::chrono::milliseconds{std::stoi(argv[1])});
  for (const Tally& tally : meters) {
    const auto time =
        std::chrono::duration_cast<std::chrono::milliseconds>(tally.last - tally.first);
    fmt::print("edges {} lost {} pulses/s {}\n", tally.edges, tally.lost,
               tally.edges * 500 / std::max<std::int64_t>(time.count(), 1));
  }
}

}  // namespace

int main(int argc, char** argv) {
  try {
    run(argc, argv);
  } catch (const std::exception& error) {
    fmt::print(stderr, "meter_watch: {}\n", error.what());
    return 1;
  }
}
