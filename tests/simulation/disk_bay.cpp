#include "disk_bay.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include <sqlite3.h>

namespace tapd::simulation {
namespace {

/// Operations after which it is worth to forget the log, and how often that is tried.
constexpr std::size_t long_log = 3'000;
constexpr std::size_t try_every = 300;

/// How many operations of the log are on the medium for good, as far as this file goes. Nothing
/// while the folder is not: it is synced together with a new file.
std::optional<std::map<std::string, std::size_t>> durable(const crash::Log& log) {
  using Kind = crash::Operation::Kind;
  std::map<std::string, std::size_t> durable;
  std::set<std::string_view> created;
  std::set<std::string_view> removed;
  for (std::size_t i = 0; i < log.size(); ++i) {
    const crash::Operation& operation = log[i];
    if (operation.kind == Kind::create) {
      removed.erase(operation.file);
      created.insert(operation.file);
    } else if (operation.kind == Kind::remove) {
      created.erase(operation.file);
      removed.insert(operation.file);
      durable[operation.file] = i + 1;
    } else if (operation.kind == Kind::sync) {
      durable[operation.file] = i + 1;
      if (!created.contains(operation.file)) continue;
      created.clear();
      removed.clear();
    }
  }
  if (!created.empty() || !removed.empty()) return std::nullopt;
  return durable;
}

void carry_out(crash::Image& image, const crash::Operation& operation) {
  using Kind = crash::Operation::Kind;
  if (operation.kind == Kind::sync) return;
  if (operation.kind == Kind::remove) {
    image.erase(operation.file);
    return;
  }
  crash::Bytes& bytes = image[operation.file];
  if (operation.kind == Kind::create) bytes.clear();
  if (operation.kind == Kind::truncate) bytes.resize(operation.offset);
  if (operation.kind != Kind::write) return;
  const std::size_t end = operation.offset + operation.bytes.size();
  if (bytes.size() < end) bytes.resize(end);
  std::copy(operation.bytes.begin(), operation.bytes.end(),
            bytes.begin() + static_cast<std::ptrdiff_t>(operation.offset));
}

/// A version before this one knows nothing of blocks of 16 KiB.
crash::Medium drawn_medium(const Plan& plan) {
  constexpr std::array media{crash::Medium::ideal, crash::Medium::torn_4k, crash::Medium::torn_16k};
  return media.at(plan.stream(16).below(plan.has(Fault::upgrades) ? 2 : 3));
}

}  // namespace

DiskBay::DiskBay(const Plan& plan)
    : planted_{plan.planted},
      random_{plan.stream(1)},
      medium_{drawn_medium(plan)},
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
  disk_->fail_reads(false);
  if (!ending_) disk_->fail(0, SQLITE_OK, false);
}

void DiskBay::after_kill() {
  ending_ = false;
  heal();
}

void DiskBay::after_power_cut() {
  ending_ = false;
  note_newest();
  start_ = crash::after_power_cut(start_, log_, log_.size(), medium_, random_);
  log_.clear();
  fold_at_ = 0;
  if (!start_.contains(crash::ledger_name)) start_[crash::ledger_name];
  if (planted_ == Planted::old_medium) {
    if (old_.empty()) old_ = start_;
    start_ = old_;
  }
  disk_ = std::make_unique<crash::CrashDisk>(start_);
}

void DiskBay::put(crash::Image card) {
  start_ = std::move(card);
  disk_ = std::make_unique<crash::CrashDisk>(start_);
}

void DiskBay::fold() {
  note_newest();
  if (log_.size() < fold_at_) return;
  const auto until = durable(log_);
  fold_at_ = log_.size() + try_every;
  if (!until) return;
  crash::Log pending;
  for (std::size_t i = 0; i < log_.size(); ++i) {
    const auto file = until->find(log_[i].file);
    if (file != until->end() && i < file->second) {
      carry_out(start_, log_[i]);
    } else {
      pending.push_back(std::move(log_[i]));
    }
  }
  log_ = std::move(pending);
  fold_at_ = log_.size() + long_log;
}

void DiskBay::note_newest() {
  crash::Log newest = disk_->take_log();
  std::move(newest.begin(), newest.end(), std::back_inserter(log_));
}

}  // namespace tapd::simulation
