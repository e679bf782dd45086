// Many seeds: each run twice and compared, spread over the processors; failures are shrunk to the
// smallest plan that still fails.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "bar.hpp"

namespace tapd::simulation {

/// When a campaign ends: after so many seeds, or when nothing new may begin any more.
struct Budget {
  std::uint64_t first_seed{1};
  std::uint64_t seeds{1};
  double years{0};               ///< Of taps; 0: as many as the seeds give.
  std::chrono::seconds time{0};  ///< 0: no limit.
  bool twice{true};              ///< Each plan a second time, the traces' hashes compared.
  bool first_failure{false};     ///< Nothing new begins after the first failure.
  unsigned threads{1};
  std::function<Plan(std::uint64_t seed)> plan{draw_plan};
};

/// A plan that failed.
struct Finding {
  Plan plan;
  Failure failure;
};

struct Totals {
  std::uint64_t seeds{0};
  double tap_years{0};  ///< A second run of the same plan counts for nothing.
  std::int64_t pours{0};
  std::int64_t weighed{0};
  std::int64_t power_cuts{0};
  std::int64_t kills{0};
  std::int64_t cut_off{0};
  std::vector<Finding> findings;
};

/// `progress` is told after each seed; one call at a time.
[[nodiscard]] Totals run_campaign(const Budget& budget,
                                  const std::function<void(const Totals&)>& progress);

/// One plan, twice if wanted; a difference between the two runs is a failure of its own.
[[nodiscard]] Outcome run_plan(const Plan& plan, bool twice);

/// Takes away faults, days and taps one by one as long as the plan still breaks the same rule.
/// `told` hears of each step.
[[nodiscard]] Finding shrink(const Finding& finding,
                             const std::function<void(const std::string&)>& told);

}  // namespace tapd::simulation
