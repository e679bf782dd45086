#include "edge_stream.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>

#include "daemon/core/pour_meter.hpp"
#include "drivers/edge_filter.hpp"

namespace tapd::test {
namespace {

using namespace std::chrono_literals;
using std::chrono::nanoseconds;

constexpr std::size_t record_bytes = 4;
constexpr std::int64_t dearest_nanolitres = 200'000;

/// One line with its filter and the meter of a pour, and what went in.
class Line {
 public:
  void take(std::span<const std::uint8_t, record_bytes> record) {
    const std::uint8_t kind = record[0];
    constexpr std::array units{1us, 20us, 500us, 20'000us};
    const auto step = record[1] * units.at(kind >> 6U);
    const bool back = (kind & 0x01U) != 0;
    stamp_ = back ? std::max(stamp_ - step, nanoseconds::zero()) : stamp_ + step;
    if ((kind & 0x02U) != 0) {
      seqno_ -= record[2];  // numbers that were there before
    } else {
      const std::uint32_t gap =
          (kind & 0x04U) != 0 ? (std::uint32_t{record[2]} << record[3] % 24U) : 0;
      seqno_ += 1 + gap;
    }
    now_ = std::max(now_, stamp_);
    // As the kernel numbers: a step of more than half of all numbers is one back.
    const std::uint32_t forward = seqno_ - newest_;
    if (forward != 0 && forward < 0x8000'0000U) {
      left_out_ += forward - 1;
      newest_ = seqno_;
    }
    filter_.take({.rising = (kind & 0x08U) != 0, .stamp = stamp_, .line_seqno = seqno_});
    ++events_;
    if ((kind & 0x10U) != 0) drain();
    if ((kind & 0x20U) != 0 && record[3] == 0) meter_.shut(now_);
  }
  void drain() {
    const drivers::MeterReading reading = filter_.drain(now_);
    edges_ += reading.edges;
    rejected_ += reading.rejected;
    lost_ += reading.edges_lost;
    out_of_turn_ += reading.out_of_turn;
    meter_.take({.edges = reading.edges,
                 .edges_lost = reading.edges_lost,
                 .rejected = reading.rejected,
                 .out_of_turn = reading.out_of_turn,
                 .newest = reading.last_edge},
                now_);
    if (meter_.charged() < charged_) broken_ = "what is charged went back";
    charged_ = meter_.charged();
  }
  /// After the last drain.
  [[nodiscard]] std::string broken() const {
    if (!broken_.empty()) return broken_;
    // An edge is counted, rejected, or (one) still waiting; a gap adds what it left out, once.
    if (edges_ + rejected_ > events_ + left_out_) return "more edges than came and were left out";
    if (edges_ + rejected_ + 1 < events_) return "edges that came are neither counted nor rejected";
    if (lost_ > edges_ || out_of_turn_ > edges_) return "more marks than edges";
    if (meter_.charged() > meter_.most_charged()) return "charged more than could be believed";
    if (charged_ > FineVolume::of(edges_, dearest_nanolitres).volume()) {
      return "charged more than the edges are worth";
    }
    return {};
  }

 private:
  static PourMeter make_meter() {
    MeterRules rules;
    rules.most_millihertz = 2'030'000;
    rules.most_flow = 80'000;
    rules.run_on = 20ms;
    rules.hammer_mask = 50ms;
    rules.slowest_pulse = 50ms;
    const std::array points{CurvePoint{20'000, 5'000'000}, CurvePoint{400'000, 5'600'000}};
    return {*Calibration::from_curve(points), rules, model::Volume::millilitres(1), start};
  }

  static constexpr nanoseconds start = 1h;
  drivers::EdgeFilter filter_{200us};
  PourMeter meter_ = make_meter();
  nanoseconds stamp_{start};
  nanoseconds now_{start};
  std::uint32_t seqno_{0};
  std::uint32_t newest_{0};
  std::int64_t events_{0};
  std::int64_t left_out_{0};
  std::int64_t edges_{0};
  std::int64_t rejected_{0};
  std::int64_t lost_{0};
  std::int64_t out_of_turn_{0};
  model::Volume charged_;
  std::string broken_;
};

}  // namespace

std::string broken_promise(std::span<const std::uint8_t> bytes) {
  Line line;
  for (; bytes.size() >= record_bytes; bytes = bytes.subspan(record_bytes)) {
    line.take(bytes.first<record_bytes>());
  }
  line.drain();
  return line.broken();
}

}  // namespace tapd::test

// The name that libFuzzer calls.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (!tapd::test::broken_promise({data, size}).empty()) std::abort();
  return 0;
}
