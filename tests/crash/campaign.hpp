// The runs of tapd-crash: which cuts are made on which media, spread over the processors, and what
// came of them, one row for each. A row's seed and numbers replay it exactly.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "check.hpp"
#include "medium.hpp"

namespace tapd::crash {

struct Tally {
  std::uint64_t cuts{0};
  std::uint64_t acknowledged{0};  ///< Pours that had to be there, over all cuts.
  std::uint64_t told{0};          ///< Damage found at opening or by the first call that met it.
  std::uint64_t told_later{0};    ///< Damage found by integrity_check or the hash chain only.
  std::uint64_t rolled_back{0};
  std::uint64_t lost{0};
  std::uint64_t behind{0};
  std::uint64_t doubled{0};
  std::uint64_t balance{0};
  std::uint64_t wrong{0};
  std::string first;         ///< A violation, and how to see it again.
  std::string first_damage;  ///< The same for damage of the medium.

  void add(const Tally& other);
  void add(const Finding& finding, const std::string& how);
  [[nodiscard]] std::uint64_t violations() const {
    return lost + behind + doubled + balance + wrong;
  }
};

/// What a row may show.
enum class Expected : std::uint8_t {
  nothing,  ///< No violation, no damage.
  lies,     ///< The medium may do damage, which is told, and roll back; nothing else.
  caught,   ///< A known fault: violations must be found,
  spoilt,   ///< or, of one that spoils pages, damage that the ledger tells.
};

struct Row {
  std::string name;
  Expected expected{Expected::nothing};
  Tally tally;
  [[nodiscard]] bool good() const;
};

struct CampaignOptions {
  std::uint64_t seed{20'261'121};
  std::uint64_t cuts{100'000};  ///< Random ones.
  std::uint64_t sample{1};      ///< Recoveries, failures, mutants: each `sample`th operation only.
  std::uint64_t only_evening{0};  ///< Not 0: of the random ones, this evening only.
  unsigned threads{1};
};

/// Told how many cuts are done, of how many expected.
using Progress = std::function<void(const std::string& row, std::uint64_t, std::uint64_t)>;

/// The reference scenario cut at every operation, one row a medium.
[[nodiscard]] std::vector<Row> every_operation(const CampaignOptions&, const Progress&);
/// The recoveries from some of those cuts, cut at every operation again.
[[nodiscard]] std::vector<Row> every_recovery(const CampaignOptions&, const Progress&);
/// Random evenings cut at random operations; a quarter of them twice.
[[nodiscard]] std::vector<Row> random_cuts(const CampaignOptions&, const Progress&);
/// Every operation of the reference scenario failing once, or from then on until the power goes.
[[nodiscard]] std::vector<Row> every_failure(const CampaignOptions&, const Progress&);
/// The settings that are known to be bad.
[[nodiscard]] std::vector<Row> mutants(const CampaignOptions&, const Progress&);

}  // namespace tapd::crash
