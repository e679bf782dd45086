// A whole simulated bar from a plan: days of guests, faults, kills and power cuts, then the end of
// all faults and the question whether everything has come right.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "plan.hpp"

namespace tapd::simulation {

struct Failure {
  std::string rule;
  std::string what;
  Time at{};
};

/// What a run has come to.
struct Outcome {
  std::optional<Failure> failure;
  std::uint64_t hash{0};
  Time simulated{};  ///< All taps alike.
  std::size_t taps{0};
  std::int64_t pours{0};
  std::int64_t weighed{0};  ///< Of these, compared with what physically flowed.
  std::int64_t power_cuts{0};
  std::int64_t kills{0};
  std::int64_t cut_off{0};  ///< Pours that a power cut or a kill met in their middle.
  std::int64_t requests{0};
};

/// Runs a plan to its end or to the first breach. Deterministic: the same plan gives the same
/// outcome, hash included.
[[nodiscard]] Outcome run_bar(const Plan& plan, bool prints);

}  // namespace tapd::simulation
