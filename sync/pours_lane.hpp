// Carries waiting pours to the server: one request in flight, its rows marked sent before, its
// verdicts applied after. What goes into a request is Drain's decision, what an answer means is
// outcomes'; this joins them to the ledger and to time.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "sync/drain.hpp"
#include "sync/lane_context.hpp"

namespace tapd::sync {

class PoursLane {
 public:
  /// An empty queue is looked at this often even when nobody says that a pour waits: rows set aside
  /// fall due by time.
  static constexpr std::chrono::milliseconds queue_poll{10'000};

  /// How many of the oldest rows are looked through for those of a card that is laid on.
  static constexpr std::size_t most_looked_through = 2'048;

  explicit PoursLane(LaneContext& context)
      : context_{context}, drain_{context.options.batch_size}, backoff_{context.lane_backoff()} {}

  void look() { look_ = true; }
  void due(const model::Moment& now, std::vector<Outgoing>& outgoing);
  [[nodiscard]] model::SinceBoot wake_at() const;
  /// False: not a request of this lane.
  bool on_outcome(RequestId id, const HttpOutcome& outcome, const model::Moment& now);

 private:
  [[nodiscard]] storage::Result<storage::PourList> fetch(const model::Moment& now);
  void send(const std::vector<model::Pour>& pours, const model::Moment& now,
            std::vector<Outgoing>& outgoing);
  void on_answer(const Heard& heard, const model::Moment& now);
  void on_judgement(const Heard& heard, const model::Moment& now);
  void on_failure(const Heard& heard, Drain::Failure failure, const model::Moment& now);
  void on_refusal(const Heard& heard, const model::Moment& now);
  bool apply(const std::vector<storage::Verdict>& verdicts, const model::Moment& now);
  void release_given_up(const std::vector<storage::Verdict>& verdicts, const model::Moment& now);
  void wait(const model::Moment& now, std::optional<std::chrono::milliseconds> told = std::nullopt);
  void books_failed(const char* work, const storage::Error& error, const model::Moment& now);
  [[nodiscard]] Drain::Pace pace_of(model::SinceBoot took) const;
  [[nodiscard]] LaneContext::Row known_of(const model::ClientTxId& row) const;
  [[nodiscard]] std::vector<SentRow> sent_rows() const;
  [[nodiscard]] std::chrono::milliseconds row_delay(
      const std::vector<storage::Verdict>& verdicts) const;

  LaneContext& context_;
  Drain drain_;
  Backoff backoff_;
  RequestId in_flight_{0};
  model::SinceBoot sent_at_{};
  std::map<model::ClientTxId, LaneContext::Row> fetched_;  ///< The rows last fetched.
  int last_error_status_{0};  ///< Of the last 500, for the row that turns out to be at fault.
  ErrorBody last_error_;
  std::uint64_t troubles_seen_{0};
  bool look_{true};
  model::SinceBoot next_look_{};
  model::SinceBoot not_before_{};
};

}  // namespace tapd::sync
