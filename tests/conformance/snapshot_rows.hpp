// Two snapshots of a venue and the changes between them, compared as JSON: what a server tells by
// changes must be what it tells as a whole. Used by the conformance kit.
#pragma once

#include <string>

namespace tapd::conformance {

/// Bodies of three answers: a whole snapshot, changes since it, and the whole snapshot of the
/// revision that the changes lead to. What the first two make and the third does not say, or the
/// other way round, in words; empty: nothing.
[[nodiscard]] std::string difference(const std::string& before, const std::string& changes,
                                     const std::string& after);

}  // namespace tapd::conformance
