// The card reader's figures, from the model of its chip: what a look costs on the bus, and how long
// each fault keeps the reader from its card. Time is the model's, so the figures are the same on
// every machine; what spidev and the scheduler add is in the conditions.
#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <stdexcept>

#include <fmt/format.h>

#include "drivers/mfrc522.hpp"
#include "drivers_bench.hpp"
#include "tests/drivers/reader_bench.hpp"

namespace tapd::bench {
namespace {

using namespace std::chrono_literals;
using drivers::sim::BusFault;
using drivers::sim::HangCure;

constexpr auto pace = 50ms;  // the daemon's
constexpr const char* conditions = "model; 30 us for a transfer and 2 us for a byte (4 MHz)";

double microseconds(std::chrono::nanoseconds time) {
  return static_cast<double>(time.count()) / 1e3;
}

/// A reader on the model, with its reset line wired or not.
struct Desk {
  explicit Desk(bool wired = true)
      : bus{model, time}, line{model}, reader{bus, time.pacing(), {}, wired ? &line : nullptr} {}

  drivers::Look look() {
    time.now += pace;
    return reader.look(time.now);
  }
  bool sees_card() { return std::holds_alternative<drivers::CardSeen>(look()); }

  drivers::VirtualTime time;
  drivers::sim::Mfrc522Model model;
  drivers::ModelBus bus;
  drivers::ModelResetLine line;
  drivers::Mfrc522 reader;
};

void report_looks(const Report& report, const std::string& name, Desk& desk, int looks) {
  std::vector<double> transfers;
  std::vector<double> times;
  for (int i = 0; i < looks; ++i) {
    desk.time.now += pace;
    const auto before = desk.bus.transfers();
    const auto begin = desk.time.now;
    static_cast<void>(desk.reader.look(begin));
    transfers.push_back(static_cast<double>(desk.bus.transfers() - before));
    times.push_back(microseconds(desk.time.now - begin));
  }
  report.add(name, spread(transfers), "transfers", "one look of the reader");
  report.add(name, spread(times), "us", conditions);
}

void bench_looks(const Report& report, int looks) {
  Desk empty;
  static_cast<void>(empty.look());
  report_looks(report, "empty poll", empty, looks);
  for (const auto& [name, uid] :
       {std::pair{"4 bytes", drivers::four_bytes}, std::pair{"7 bytes", drivers::seven_bytes},
        std::pair{"10 bytes", drivers::ten_bytes}}) {
    Desk desk;
    desk.model.place(drivers::sim::card_with_uid(uid));
    static_cast<void>(desk.look());
    report_looks(report, fmt::format("held card of {}, p95 and max: full select", name), desk,
                 looks);
  }
}

struct Fault {
  const char* name;
  bool wired;
  std::function<void(Desk&)> begin;
  std::function<void(Desk&)> end;  ///< The cause goes away; empty: the remedy cures it.
  std::chrono::nanoseconds lasts{0};
};

std::vector<Fault> faults() {
  const auto dead = [](BusFault fault) { return [fault](Desk& d) { d.model.set_bus(fault); }; };
  const auto alive = [](Desk& d) { d.model.set_bus(BusFault::none); };
  const auto hang = [](HangCure cure) {
    return [cure](Desk& d) { d.model.set_frozen(true, cure); };
  };
  const auto erring = [](Desk& d) {
    d.bus.fails = [](std::size_t) { return true; };
    d.bus.broken_until_reopened = true;
  };
  return {
      {"brown-out", true, [](Desk& d) { d.model.brown_out(); }, {}, 0s},
      {"hang that a soft reset cures", true, hang(HangCure::soft_reset), {}, 0s},
      {"hang that the reset line cures", true, hang(HangCure::reset_line), {}, 0s},
      {"SPI wedged at zero", true, [](Desk& d) { d.model.wedge_bus(BusFault::all_zero); }, {}, 0s},
      {"SPI wedged at one", true, [](Desk& d) { d.model.wedge_bus(BusFault::all_ones); }, {}, 0s},
      {"spidev errs until reopened", false, erring, {}, 0s},
      {"chip gone for 100 ms", true, dead(BusFault::all_zero), alive, 100ms},
      {"chip gone for 1 min (out of service)", true, dead(BusFault::all_zero), alive, 60s},
  };
}

void bench_fault(const Report& report, const Fault& fault) {
  constexpr auto patience = 5min;
  Desk desk{fault.wired};
  desk.model.place(drivers::sim::card_with_uid(drivers::seven_bytes));
  for (int i = 0; i < 8; ++i) {
    if (!desk.sees_card()) throw std::runtime_error{"the reader does not read its first card"};
  }
  const auto last_good = desk.time.now;
  fault.begin(desk);
  while (desk.time.now - last_good < fault.lasts) static_cast<void>(desk.look());
  if (fault.end) fault.end(desk);
  const auto cause_gone = fault.end ? desk.time.now : last_good;
  const auto before = desk.bus.transfers();
  while (!desk.sees_card()) {
    if (desk.time.now - cause_gone > patience) throw std::runtime_error{fault.name};
  }
  report.add({fmt::format("back after: {}", fault.name), microseconds(desk.time.now - cause_gone),
              "us",
              fmt::format("{} transfers; {}", desk.bus.transfers() - before,
                          fault.end ? "from the end of the cause to the next good look"
                                    : "from the last good look to the next, 50 ms apart"
                                      " without a fault")});
}

}  // namespace

void bench_reader(const DriversBenchOptions& options, const Report& report) {
  report.section("The card reader: what a look costs, and how soon it is back after a fault");
  bench_looks(report, options.quick ? 100 : 1'000);
  for (const Fault& fault : faults()) bench_fault(report, fault);
}

}  // namespace tapd::bench
