// Which waiting pours go into the next request. When a request is refused as a whole, the row at
// fault is found by halving, stands alone in the end and spends an attempt; its neighbours go
// through. What may be the server's own trouble (500, no answer) accuses nobody so easily: the row
// that is left alone is set aside, its neighbours are tried, and only when they went through and it
// fails again is it at fault. One request is in flight at most. Pure; the pours lane calls it.
//
//   outcome        | more than one row            | one row
//   ---------------+------------------------------+---------------------------------------------
//   judged         | those rows are done          | done
//   refused (4xx)  | halve                        | culprit
//   too large (413)| smaller batches from now on  | culprit
//   500            | again; the 2nd time: halve   | 2nd time: aside; after a neighbour: culprit
//   no answer      | again; the 2nd time: halve   | 2nd time: aside; never a culprit
//   not sent       | nothing                      | nothing
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "storage/model/ids.hpp"

namespace tapd::sync {

class Drain {
 public:
  using Rows = std::vector<model::ClientTxId>;

  /// Rows set aside at once; past it a failing row stays in the way, and back-off paces it.
  static constexpr std::size_t most_aside = 64;

  explicit Drain(std::size_t batch_size);

  /// How many due rows to ask the ledger for.
  [[nodiscard]] std::size_t wanted() const { return batch_size_ + aside_.size(); }
  /// The rows of the next request, from the due rows, oldest first. Empty when nothing is due or a
  /// request is in flight.
  [[nodiscard]] Rows pick(const Rows& due);
  /// The request is on its way with these rows (picked, minus what cannot be sent at all).
  void started(Rows rows);
  [[nodiscard]] const Rows& in_flight() const { return in_flight_; }

  /// The answer judged row by row.
  void judged();
  /// 4xx for the whole request; 413 when `too_large`. Answers the culprit once it stood alone.
  [[nodiscard]] std::optional<model::ClientTxId> refused(bool too_large);
  enum class Failure : std::uint8_t { server_error, no_answer };
  /// The request failed as a whole and nothing was said about any row.
  [[nodiscard]] std::optional<model::ClientTxId> failed(Failure failure);
  /// The request did not reach the server, or the server did not look at it (token, 429).
  void not_looked_at() { in_flight_.clear(); }

 private:
  [[nodiscard]] std::optional<model::ClientTxId> single_failed(const model::ClientTxId& row,
                                                               Failure failure, bool again);
  void several_failed(const Rows& rows, bool again);

  std::size_t batch_size_;
  std::size_t most_;   ///< Below `batch_size_` after a 413; creeps up again.
  std::size_t limit_;  ///< Rows of the next request; doubles with each success.
  Rows in_flight_;
  Rows suspects_;              ///< One of these made a request fail; halved next.
  Rows aside_;                 ///< Failed alone; oldest accusation first.
  bool recheck_aside_{false};  ///< A neighbour went through since: try those set aside again.
  Rows last_failed_;           ///< To see that the same batch failed twice.
};

}  // namespace tapd::sync
