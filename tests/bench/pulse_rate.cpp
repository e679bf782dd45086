#include <atomic>
#include <thread>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "bench_bar.hpp"
#include "drivers_bench.hpp"

namespace tapd::bench {
namespace {

constexpr std::size_t taps = 4;
/// As many edges as the kernel's largest line-event buffer holds (uAPI v2: 1,024 per line).
constexpr int kernel_buffer_edges = 1'024;
constexpr int edge_bytes = 48;  // sizeof(struct gpio_v2_line_event)

struct EdgeRecord {
  std::array<std::byte, edge_bytes> event{};
};

/// A meter on a pipe: as the kernel's line-event descriptor, it holds so many edges and loses what
/// comes while it is full.
class PipeMeter final : public drivers::FlowMeter {
 public:
  explicit PipeMeter(int reading_end) : descriptor_{reading_end} {}
  ~PipeMeter() override { ::close(descriptor_); }
  PipeMeter(const PipeMeter&) = delete;
  PipeMeter& operator=(const PipeMeter&) = delete;
  PipeMeter(PipeMeter&&) = delete;
  PipeMeter& operator=(PipeMeter&&) = delete;

  int descriptor() const override { return descriptor_; }
  drivers::MeterReading read(drivers::SinceBoot now) override {
    drivers::MeterReading reading;
    const auto got = ::read(descriptor_, buffer_.data(), sizeof buffer_);
    reading.edges = std::max<std::int64_t>(got, 0) / edge_bytes;
    reading.last_edge = now;
    return reading;
  }
  tl::expected<void, std::string> listen(bool /*on*/) override { return {}; }
  std::string describe() const override { return "a pipe"; }

 private:
  int descriptor_;
  std::array<EdgeRecord, 64> buffer_{};  // libgpiod's own reading buffer
};

struct PipePair {
  std::array<int, 2> ends{-1, -1};
  PipePair() {
    if (::pipe2(ends.data(), O_NONBLOCK | O_CLOEXEC) != 0) {
      throw std::system_error{errno, std::generic_category(), "pipe2"};
    }
    ::fcntl(ends[1], F_SETPIPE_SZ, kernel_buffer_edges * edge_bytes);
  }
};

struct Outcome {
  std::int64_t sent{0};
  std::int64_t dropped{0};
  std::int64_t counted{0};
};

/// Sends edges at a steady rate to all taps from one thread, as interrupts would come.
Outcome send_edges(const std::array<int, taps>& pipes, std::int64_t pulses_per_second,
                   std::chrono::milliseconds length) {
  Outcome outcome;
  const auto gap = std::chrono::nanoseconds{std::chrono::seconds{1}} / (2 * pulses_per_second);
  const auto start = drivers::since_boot_now();
  const EdgeRecord edge;
  for (std::int64_t i = 0; i * gap < length; ++i) {
    while (drivers::since_boot_now() < start + i * gap) {
      if (gap > std::chrono::microseconds{200}) drivers::pause_for(std::chrono::microseconds{50});
    }
    for (const int pipe : pipes) {
      ++outcome.sent;
      if (::write(pipe, &edge, sizeof edge) != edge_bytes) ++outcome.dropped;
    }
  }
  return outcome;
}

Outcome run_at(std::int64_t pulses_per_second) {
  std::vector<std::unique_ptr<drivers::FlowMeter>> meters;
  std::array<int, taps> writing{};
  for (std::size_t i = 0; i < taps; ++i) {
    const PipePair pipe;
    meters.push_back(std::make_unique<PipeMeter>(pipe.ends[0]));
    writing.at(i) = pipe.ends[1];
  }
  BenchPlan plan;
  plan.taps = taps;
  plan.milli_pulses_per_litre = 100'000'000;  // many pulses, little beer: nobody reaches a limit
  plan.limit = model::Volume::millilitres(900'000);
  BenchBar bar{plan, [](std::size_t, bool) {}, std::move(meters)};
  for (std::size_t tap = 0; tap < taps; ++tap) bar.lay_card(tap);
  const auto all_open = [&] {
    bool open = true;
    bar.ask([&](const Controller& all) {
      for (std::size_t tap = 0; tap < taps; ++tap) open = open && all.session(tap).valve_open();
    });
    return open;
  };
  while (!all_open()) drivers::pause_for(std::chrono::milliseconds{5});
  Outcome outcome = send_edges(writing, pulses_per_second, std::chrono::milliseconds{2'000});
  drivers::pause_for(std::chrono::milliseconds{100});
  bar.ask([&](const Controller& all) {
    for (std::size_t tap = 0; tap < taps; ++tap) {
      // 100,000 pulses per litre: an edge is 5 microlitres.
      outcome.counted += all.session(tap).view().volume.in_microlitres() / 5;
    }
  });
  for (const int pipe : writing) ::close(pipe);
  return outcome;
}

}  // namespace

void bench_pulse_rate(const Report& report) {
  report.section("Pulses per second on four taps at once (a meter's most: SF800 about 2,030)");
  std::int64_t best = 0;
  for (const std::int64_t rate : {500, 1'000, 2'000, 5'000, 10'000, 20'000}) {
    Report::progress(fmt::format("4 taps at {} pulses/s ...", rate));
    const Outcome outcome = run_at(rate);
    const bool exact = outcome.dropped == 0 && outcome.counted == outcome.sent;
    report.add({fmt::format("edges lost at {} pulses/s on each tap", rate),
                static_cast<double>(outcome.sent - outcome.counted), "edges",
                fmt::format("of {}, 2 s, buffer of 1,024 edges", outcome.sent)});
    if (!exact) break;
    best = rate;
  }
  report.add({"most pulses/s on each of four taps without loss", static_cast<double>(best),
              "pulses/s", "highest step tried without loss; sender and tapd share the machine"});
}

}  // namespace tapd::bench
