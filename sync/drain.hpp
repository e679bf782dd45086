// Which waiting pours go into the next request. When a request is refused as a whole, the row at
// fault is found by halving, stands alone in the end and spends an attempt; its neighbours go
// through. A 500 or silence may be the server's own trouble and accuses nobody so easily: the row
// that is left alone is set aside and its neighbours are tried. It is at fault only when it fails
// alone between two neighbours that go through. One request is in flight at most. Pure; the pours
// lane calls it.
//
//   outcome        | more than one row            | one row
//   ---------------+------------------------------+----------------------------------------------
//   judged         | those rows are done          | done
//   refused (4xx)  | halve                        | at fault
//   too large (413)| smaller batches from now on  | at fault
//   500            | again; the 2nd time: halve   | 2nd time: aside; between neighbours: at fault
//   no answer      | again; the 2nd time: halve   | 2nd time: aside; never at fault
//   not looked at  | nothing                      | nothing
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

  /// What a request may always hold. Past it a batch grows only while answers come quickly, because
  /// a server may need 14 ms a row and a request has a deadline; and it does grow then, because
  /// over a far link a request costs a second whatever it holds.
  static constexpr std::size_t modest_batch = 100;
  /// Rows set aside at once; past it a failing row stays in the way, and back-off paces it.
  static constexpr std::size_t most_aside = 64;

  explicit Drain(std::size_t batch_size);

  /// How many due rows to ask the ledger for. Rows that are suspected must be among them.
  [[nodiscard]] std::size_t wanted() const {
    const bool well = suspects_.empty() && last_failed_.empty();
    return (well ? limit_ : batch_size_) + aside_.size();
  }
  /// The rows of the next request, from the due rows, oldest first. Empty when nothing is due or a
  /// request is in flight.
  [[nodiscard]] Rows pick(const Rows& due);
  /// The request is on its way with these rows (picked, minus what cannot be sent at all).
  void started(Rows rows);
  [[nodiscard]] const Rows& in_flight() const { return in_flight_; }

  /// How long the answer took, against the request's deadline.
  enum class Pace : std::uint8_t { quick, fair, slow };
  /// The answer judged row by row. Answers rows set aside that are now known to be at fault.
  [[nodiscard]] Rows judged(Pace pace = Pace::quick);
  /// 4xx for the whole request; 413 when `too_large`. Answers the row at fault once it stood alone.
  [[nodiscard]] std::optional<model::ClientTxId> refused(bool too_large);
  enum class Failure : std::uint8_t { server_error, no_answer };
  /// The request failed as a whole and nothing was said about any row.
  void failed(Failure failure);
  /// The request did not reach the server, or the server did not look at it (token, 429).
  void not_looked_at();
  /// The server shows trouble of its own: what failed meanwhile says nothing about a row.
  void accuse_nobody();

 private:
  /// A row that failed alone, and what is known of it since.
  struct Aside {
    enum class Mark : std::uint8_t {
      none,     ///< To be tried again once a neighbour has gone through.
      between,  ///< It failed right after one had. At fault if the next one goes through.
      hangs,    ///< No answer even then: tried only when nothing else is due.
    };
    model::ClientTxId row;
    Mark mark{Mark::none};
  };

  [[nodiscard]] std::size_t next_limit(Pace pace) const;
  [[nodiscard]] Rows aside_rows() const;
  [[nodiscard]] Rows aside_rows(Aside::Mark mark) const;
  [[nodiscard]] bool is_aside(const model::ClientTxId& row) const;
  void set_aside(const model::ClientTxId& row, Aside::Mark mark);
  void take_back(const Rows& rows);
  void single_failed(const model::ClientTxId& row, Failure failure, bool again);

  std::size_t batch_size_;
  std::size_t most_;   ///< Below `batch_size_` after a 413; creeps up again.
  std::size_t limit_;  ///< Rows of the next request; doubles with each success, as the pace allows.
  Rows in_flight_;
  Rows suspects_;             ///< One of these made a request fail; halved next.
  std::vector<Aside> aside_;  ///< Oldest accusation first.
  bool went_through_{false};  ///< The last request with rows that are not aside did.
  Rows last_failed_;          ///< To see that the same batch failed twice.
};

}  // namespace tapd::sync
