// What to do when a card reader gives trouble: ever stronger remedies, one after the other, then
// out of service with a try now and again, so that it heals without anybody. Pure: troubles, good
// looks and times go in, remedies and lines for the journal come out; Mfrc522 carries the remedies
// out. It promises one line for an incident, however many looks it lasted, and one more when the
// reader was given up meanwhile. (Hardware notes, section 1, "Health check".)
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "drivers/card_reader.hpp"

namespace tapd::drivers {

/// From the mildest to the strongest; each does what the ones before it do, and more.
enum class ReaderRemedy : std::uint8_t {
  initialise,  ///< The configuration is written again and read back.
  soft_reset,  ///< The chip's own reset command before it.
  reset_line,  ///< NRSTPD low and high again before it: also helps when SPI is wedged.
  reopen,      ///< The SPI device is closed and opened before it.
};

struct RecoveryRules {
  bool has_reset_line{false};
  int failures_to_fault{12};  ///< Within `failure_window`; at least 1.
  std::chrono::nanoseconds failure_window{std::chrono::minutes{1}};
  /// Out of service, the pause before the first try; each that fails doubles it, up to the longest.
  std::chrono::nanoseconds first_pause{std::chrono::milliseconds{500}};
  std::chrono::nanoseconds longest_pause{std::chrono::seconds{10}};
  /// So long without a failure, and the next pause is the first again.
  std::chrono::nanoseconds well_for{std::chrono::minutes{1}};
  /// So many in a row end an incident: one round of the health check.
  int good_looks_to_end{8};
};

class ReaderRecovery {
 public:
  explicit ReaderRecovery(RecoveryRules rules);

  /// A look or a remedy failed. `now` never goes backwards.
  void failed(const std::string& what, SinceBoot now);
  /// A look found no fault with the reader.
  void worked(SinceBoot now);
  /// The remedy to be applied now, counted as applied. nullopt: out of service, and the next try is
  /// not due. Without an incident: how a reader is started.
  [[nodiscard]] std::optional<ReaderRemedy> next(SinceBoot now);

  /// Given up for now: the field is to be off until `next` names a remedy.
  [[nodiscard]] bool out_of_service() const {
    return retry_at_ && incident_ && !incident_->works_since;
  }
  /// The newest trouble, in words.
  [[nodiscard]] const std::string& trouble() const { return trouble_; }
  /// Adds its share to the health.
  void report(ReaderHealth& health) const;
  /// Lines for the journal since the last call.
  [[nodiscard]] std::vector<ReaderNote> take_notes();

 private:
  struct Incident {
    std::string what;  ///< The first trouble; the later ones are often its consequences.
    SinceBoot began{};
    std::optional<ReaderRemedy> remedy;  ///< The last one applied.
    std::optional<SinceBoot> works_since;
    int good_looks{0};
  };

  [[nodiscard]] ReaderRemedy stronger_than(std::optional<ReaderRemedy> remedy) const;
  void count(ReaderRemedy remedy);
  void give_up(SinceBoot now);
  void pause(SinceBoot now);
  void end_incident();

  RecoveryRules rules_;
  std::optional<Incident> incident_;
  std::deque<SinceBoot> failures_;  ///< At most failures_to_fault.
  std::optional<SinceBoot> retry_at_;
  std::chrono::nanoseconds next_pause_;
  std::optional<SinceBoot> last_failure_;
  std::string trouble_;
  std::vector<ReaderNote> notes_;
  ReaderHealth counted_;
};

}  // namespace tapd::drivers
