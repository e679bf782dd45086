// What becomes of an SD card that loses blocks: the daemon's own backups and its own restoring, on
// real files beside the simulated disk. Only what no pour stands in is lost, so that not one may be
// missing afterwards.
#pragma once

#include <filesystem>
#include <optional>
#include <vector>

#include "plan.hpp"
#include "storage/ledger.hpp"
#include "tests/crash/crash_disk.hpp"
#include "tests/support/temp_dir.hpp"

namespace tapd::simulation {

class SpoiltCard {
 public:
  explicit SpoiltCard(const Plan& plan)
      : random_{plan.stream(14)}, planted_{plan.planted}, folder_{test::Medium::memory} {}

  /// A copy of the running ledger becomes the newest backup. False: the disk did not answer.
  bool back_up(storage::Ledger& ledger);

  struct Restored {
    crash::Image card;
    std::size_t lines;  ///< What staff are told; none: the ledger was opened as it was.
  };
  /// Spoils some blocks, and starts on what is left. Nothing when there was nothing to spoil.
  /// Throws like `open_or_restore`.
  [[nodiscard]] std::optional<Restored> spoil(const crash::Image& card, const model::BootId& boot,
                                              const model::Moment& now);

 private:
  [[nodiscard]] std::filesystem::path backup() const { return folder_ / "backup.db"; }
  [[nodiscard]] std::vector<std::int64_t> pages_without_pours(const crash::Image& card) const;

  Random random_;
  Planted planted_;
  test::TempDir folder_;
};

}  // namespace tapd::simulation
