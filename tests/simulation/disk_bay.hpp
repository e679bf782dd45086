// The SD card: the crash tests' disk in memory, with the power cut or the process killed at any of
// its operations, with errors, a full medium and slow answers. It outlives the runs of the daemon.
#pragma once

#include <memory>

#include "agenda.hpp"
#include "plan.hpp"
#include "tests/crash/medium.hpp"

namespace tapd::simulation {

/// Thrown out of the daemon when its process ends in the middle of a disk operation.
struct ProcessEnds {};

class DiskBay {
 public:
  explicit DiskBay(const Plan& plan);

  [[nodiscard]] const std::string& vfs() const { return disk_->name(); }
  [[nodiscard]] std::size_t operations() const { return disk_->operations(); }

  /// How long a commit takes now.
  [[nodiscard]] Time latency();
  Time slow_by{};  ///< The most that a commit takes longer than usual.

  /// The process ends at so many operations from now (0: at the next).
  void end_process_in(std::uint64_t operations);
  [[nodiscard]] bool process_ends() const { return ending_ && disk_->has_failed(); }
  /// Operations fail from now on (or only the `nth`), with an SQLite code, until `heal`.
  void fail(std::uint64_t nth, int code, bool persists);
  /// Nothing can be read from now on, until `heal`.
  void fail_reads() { disk_->fail_reads(true); }
  void heal();

  /// To be called when the ledger is closed or its process gone.
  void after_kill();
  void after_power_cut();
  /// What a start after a power cut finds, and what is put in its place.
  [[nodiscard]] const crash::Image& card() const { return start_; }
  void put(crash::Image card);
  /// Between commits: forgets the log of what is safely on the medium.
  void fold();

 private:
  void note_newest();

  Planted planted_;
  Random random_;
  crash::Medium medium_;
  crash::Image start_;  ///< On the medium for good,
  crash::Log log_;      ///< and what was asked of it since.
  crash::Image old_;    ///< What is planted in its place.
  std::unique_ptr<crash::CrashDisk> disk_;
  bool ending_{false};
  std::size_t fold_at_{0};
};

}  // namespace tapd::simulation
