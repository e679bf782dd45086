#include "disk_bay.hpp"

#include <set>
#include <string_view>

#include <sqlite3.h>

namespace tapd::simulation {
namespace {

/// Operations after which it is worth to forget the log, and how often that is tried.
constexpr std::size_t long_log = 3'000;
constexpr std::size_t try_every = 300;

/// Nothing hangs between the process and the medium: the newest that each file has seen is a sync.
bool settled(const crash::Log& log) {
  std::set<std::string_view> seen;
  for (auto operation = log.rbegin(); operation != log.rend(); ++operation) {
    if (!seen.insert(operation->file).second) continue;
    if (operation->kind != crash::Operation::Kind::sync) return false;
  }
  return true;
}

}  // namespace

DiskBay::DiskBay(const Plan& plan)
    : planted_{plan.planted},
      random_{plan.stream(1)},
      medium_{random_.chance(50) ? crash::Medium::ideal : crash::Medium::torn_4k},
      // The daemon makes its file before SQLite sees it.
      start_{{crash::ledger_name, {}}},
      disk_{std::make_unique<crash::CrashDisk>(start_)} {}

Time DiskBay::latency() {
  const auto usual = std::chrono::microseconds{random_.between(1'000, 15'000)};
  const auto more = std::chrono::microseconds{random_.between(0, 1'000'000)};
  return usual + more * (slow_by / std::chrono::milliseconds{1}) / 1'000;
}

void DiskBay::end_process_in(std::uint64_t operations) {
  ending_ = true;
  disk_->fail(operations + 1, SQLITE_IOERR, true);
}

void DiskBay::fail(std::uint64_t nth, int code, bool persists) {
  if (!ending_) disk_->fail(nth, code, persists);
}

void DiskBay::heal() {
  if (!ending_) disk_->fail(0, SQLITE_OK, false);
}

void DiskBay::after_kill() {
  ending_ = false;
  heal();
}

void DiskBay::after_power_cut() {
  ending_ = false;
  start_ = crash::after_power_cut(start_, disk_->log(), disk_->log().size(), medium_, random_);
  if (!start_.contains(crash::ledger_name)) start_[crash::ledger_name];
  if (planted_ == Planted::old_medium) {
    if (old_.empty()) old_ = start_;
    start_ = old_;
  }
  disk_ = std::make_unique<crash::CrashDisk>(start_);
}

void DiskBay::fold() {
  if (disk_->log().size() < fold_at_) return;
  if (!settled(disk_->log())) {
    fold_at_ = disk_->log().size() + try_every;
    return;
  }
  fold_at_ = long_log;
  static_cast<void>(disk_->take_log());
  start_ = disk_->files();
}

}  // namespace tapd::simulation
