// The snapshots that the venue has told, and what has changed since one of them: the contract's
// `?since=`, found by comparing two wholes and not, as a real server would, by keeping books of
// each row.
#pragma once

#include <cstdint>
#include <map>
#include <optional>

#include <nlohmann/json.hpp>

namespace tapd::simulation {

class ToldSnapshots {
 public:
  /// A whole snapshot of this revision is told; the oldest that are remembered are forgotten.
  void note(std::int64_t revision, const nlohmann::json& whole);
  /// The answer to `?since=`: what `whole` has that the snapshot of that revision had not, and what
  /// is gone. Nothing when that one is not remembered.
  [[nodiscard]] std::optional<nlohmann::json> changes(std::int64_t since,
                                                      const nlohmann::json& whole) const;

 private:
  std::map<std::int64_t, nlohmann::json> told_;
};

}  // namespace tapd::simulation
