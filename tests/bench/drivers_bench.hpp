// `./dev bench drivers`: what the hardware's drivers cost and bear. One function for each part,
// each in a file of its own, each printing a section.
#pragma once

#include "figures.hpp"

namespace tapd::bench {

struct DriversBenchOptions {
  bool quick{false};  ///< A tenth of the repetitions: shows that it works, not how fast it is.
};

/// Pulses per second on four taps at once, through pipes that drop what nobody reads.
void bench_pulse_rate(const Report& report);
/// How wrong a turbine's volume is with a K-factor, a curve and a run-on; what an edge costs.
void bench_meter(const DriversBenchOptions& options, const Report& report);

/// The reader against the model of its chip: transfers and time of a look, time to be back.
void bench_reader(const DriversBenchOptions& options, const Report& report);

}  // namespace tapd::bench
