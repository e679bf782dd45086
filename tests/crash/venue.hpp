// A ledger at work with the oracle beside it: each call is made on both, and noted with the range
// of disk operations that it took, so that for a power cut at any operation it is known what was
// acknowledged by then and what was under way. A call that fails changes neither (a thrown Stopped
// ends the scenario).
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "crash_disk.hpp"
#include "oracle.hpp"
#include "tests/storage/random.hpp"

namespace tapd::crash {

/// A call has failed; `error` is the ledger's. The disk is told to fail, or is damaged.
struct Stopped {
  storage::Error error;
};

/// One call on the ledger: one commit.
struct Step {
  std::size_t began{0};  ///< Disk operations before it,
  std::size_t ended{0};  ///< and when it had returned.
  bool progress{false};  ///< Acknowledges volume (progress or the end of a pour).
  Sheet after;
  Server server;  ///< What the server knows by the time of the next step.
};

/// What a scenario left behind.
struct Recording {
  Image start;
  Log log;
  std::vector<Step> steps;  ///< The first stands for the time before the first call.
};

/// `storage.block_kib` as it ships.
inline constexpr int shipped_blocks = 16'384;

class Venue {
 public:
  /// Opens the ledger; throws storage::OpenError.
  Venue(CrashDisk& disk, Sheet sheet, Server server, int medium_blocks = shipped_blocks);

  void restart();
  /// Lets the ledger go as a clean end does.
  void close() { ledger_.reset(); }
  void begin(std::int32_t tap, int guest, std::int64_t hold);
  void progress(std::int32_t tap, std::int64_t millilitres);
  void end(std::int32_t tap, std::int64_t millilitres);
  void finish_open();
  /// Sends what is due; the answer may be lost, or may refuse the first row for good.
  void send(std::size_t most, bool answer_lost, bool refuses);
  void snapshot();
  void hear_balance(int guest);
  [[nodiscard]] bool pouring(std::int32_t tap) const { return open_on(tap).has_value(); }

  [[nodiscard]] storage::Ledger& ledger() { return *ledger_; }
  [[nodiscard]] const Sheet& sheet() const { return sheet_; }
  [[nodiscard]] const Server& server() const { return server_; }
  [[nodiscard]] const std::vector<Step>& steps() const { return steps_; }
  /// The ledger turned out to hold this (one of what it could hold) since it was opened.
  void settle_on(const Sheet& sheet);
  /// Called with the error of each call that fails: true to try it once more.
  void on_failure(std::function<bool(const storage::Error&)> decide) {
    decide_ = std::move(decide);
  }
  /// What the first call that failed would have led to.
  [[nodiscard]] const std::optional<Sheet>& in_doubt() const { return in_doubt_; }

 private:
  [[nodiscard]] std::optional<std::uint64_t> open_on(std::int32_t tap) const;
  void call(const Sheet& after, bool progress, const std::function<storage::Result<>()>& call);

  void open();

  CrashDisk& disk_;
  int medium_blocks_;
  Sheet sheet_;
  Server server_;
  std::optional<storage::Ledger> ledger_;
  std::vector<Step> steps_;
  std::function<bool(const storage::Error&)> decide_;
  std::optional<Sheet> in_doubt_;
  std::int64_t second_{100};
};

/// The reference scenario: an empty file, snapshot, pours on two taps, verdicts, a lost answer, a
/// checkpoint, a restart in the middle of a pour.
void reference_evening(Venue& venue);
/// `commits` random calls, restarts among them.
void random_evening(Venue& venue, test::Random& random, int commits);
/// What follows a start: open pours are finished, everything is sent, balances are heard again.
void recovery(Venue& venue);

}  // namespace tapd::crash
