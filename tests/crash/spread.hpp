// Jobs over all processors. The sum does not depend on which thread did which, but for the order
// in which first violations are kept.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "campaign.hpp"

namespace tapd::crash {

/// Runs `job(number)` for each number below `jobs` and adds up.
[[nodiscard]] Tally spread(const CampaignOptions& options, const std::string& name,
                           const Progress& progress, std::uint64_t jobs,
                           const std::function<Tally(std::uint64_t)>& job);

}  // namespace tapd::crash
