// Rows that the server answered with an error of its own (500) while they were settled one by one:
// is the row at fault, or did all fare so? It is the row when its like went through right before
// and right after, and nothing else failed meanwhile. One that failed at the edge of an outage is
// not accused. Pure; the settle lane calls it.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <utility>

#include "storage/model/ids.hpp"
#include "storage/model/time.hpp"

namespace tapd::sync {

class Doubts {
 public:
  enum class Work : std::uint8_t { authorizing, booking };
  /// How the server has fared so far.
  struct Record {
    std::uint64_t done{0};           ///< How often it could do this work.
    std::uint64_t troubles_then{0};  ///< Requests of any kind that had failed at the last of those.
    std::uint64_t troubles{0};       ///< And now, with the failure that is told.
  };
  using Records = std::array<Record, 2>;  ///< By Work.
  struct Verdict {
    bool at_fault{false};
    std::int32_t failures{0};  ///< Before this one, since it was last judged.
  };

  /// The row got such an error. At fault: `judged` is to be called for it.
  Verdict failed(const model::ClientTxId& row, Work work, const Records& records) {
    const Record& record = of(work, records);
    Doubt& doubt = doubts_[row];
    if (doubt.failures > 0 && doubt.work == work && doubt.proven) return {true, doubt.failures};
    doubt.came_amid_others = doubt.failures > 0 && doubt.done != record.done;
    doubt.work = work;
    doubt.done = record.done;
    doubt.troubles = record.troubles;
    doubt.first_after_success = record.done > 0 && record.troubles == record.troubles_then + 1;
    doubt.proven = false;
    return {false, doubt.failures++};
  }
  /// It is tried again after the delay, or when its like has gone through; but not each time that
  /// happens. In the last quarter of the delay it waits only while its failure would prove nothing:
  /// two rows at fault would fall due together for ever.
  void look_later(const model::ClientTxId& row, const model::Moment& now,
                  std::chrono::milliseconds delay) {
    Doubt& doubt = doubts_[row];
    doubt.look_at = now.since_boot + delay * 3 / 4;
    doubt.overdue = now.since_boot + delay;
  }
  /// It was sent, and no answer came. Answers how often that was so while others were judged: it is
  /// tried ever more seldom then.
  std::int32_t silent(const model::ClientTxId& row, const Records& records) {
    const std::uint64_t done = of(Work::booking, records).done;
    Doubt& doubt = doubts_[row];
    if (std::exchange(doubt.silent_at, done) != done) ++doubt.silences;
    return doubt.silences;
  }

  /// To be called while a first success since a failure is fresh.
  void weigh(const Records& records) {
    for (auto& [row, doubt] : doubts_) {
      const Record& record = of(doubt.work, records);
      if (doubt.done == record.done) continue;
      doubt.proven |= doubt.first_after_success && doubt.troubles == record.troubles;
      doubt.first_after_success = false;
    }
  }
  [[nodiscard]] bool waits(const model::ClientTxId& row, const model::Moment& now,
                           const Records& records) const {
    const auto found = doubts_.find(row);
    if (found == doubts_.end()) return false;
    const Doubt& doubt = found->second;
    if (doubt.failures == 0) return now.since_boot < doubt.look_at;
    const Record& record = of(doubt.work, records);
    const bool clean = record.troubles == record.troubles_then;
    if (now.since_boot >= doubt.look_at) return !clean && now.since_boot < doubt.overdue;
    const bool is_new = doubt.done != record.done;
    return !is_new || !clean || (doubt.came_amid_others && !doubt.proven);
  }
  void judged(const model::ClientTxId& row) { doubts_.erase(row); }

 private:
  [[nodiscard]] static const Record& of(Work work, const Records& records) {
    return records.at(static_cast<std::size_t>(work));
  }
  struct Doubt {
    Work work{Work::authorizing};
    std::uint64_t done{0};      ///< When it failed last.
    std::uint64_t troubles{0};  ///< With that failure.
    std::int32_t failures{0};
    bool first_after_success{false};  ///< Its last failure, of all requests.
    bool came_amid_others{false};     ///< Others went through between its last two failures.
    bool proven{false};
    std::optional<std::uint64_t> silent_at;  ///< `done` when it had no answer last.
    std::int32_t silences{0};
    model::SinceBoot look_at{};
    model::SinceBoot overdue{};
  };
  std::map<model::ClientTxId, Doubt> doubts_;
};

}  // namespace tapd::sync
