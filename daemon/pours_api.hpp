// The part of the local API about finished pours and the queue to the server. Answers like the rest
// of the API (see api.hpp).
//
//   GET  /pours?most=20&tap=N&card=UID&status=failed&before=ID   the newest that are meant, newest
//                           first; `before`: only older ones than that
//   GET  /queue?most=1000&after=ID   what the server has not confirmed, oldest first; `after`: only
//                           younger ones than that
//   POST /queue/retry   a receipt, a whole id, or "all", as text: failed rows are sent again
//   POST /queue/park    {"row": a receipt or a whole id, "why": words}: kept as failed, still owed;
//                       `was_sent` in the answer: the server may have booked it
//   POST /queue/booked  the same of a failed row that staff have booked at the venue by hand: it is
//                       owed no more, and never sent
//
// Where a list does not end, `next` in the answer is the ID to ask for the rest with.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "daemon/http_server.hpp"
#include "daemon/storage_desk.hpp"

namespace tapd {

struct PoursApiPorts {
  StorageDesk* storage{nullptr};
  std::function<model::Moment()> now;
  /// Rows wait that did not before.
  std::function<void()> pours_waiting;
  /// A row of this card at this tap is not sent any more.
  std::function<void(const model::CardUid&, model::TapId)> given_up;
};

/// What one page of the queue came to.
struct ChangedRows {
  std::vector<model::PourBegin> rows;
  std::string next;  ///< Where the next page begins; empty: this was the last.
};

/// Sends failed rows again, of the thousand after that id: `what` is a receipt, a whole id, or
/// "all". One commit, however many they are: taps wait for the disk meanwhile.
[[nodiscard]] storage::Result<ChangedRows> send_failed_again(storage::Ledger& ledger,
                                                             const std::string& what,
                                                             const std::string& who,
                                                             const model::Moment& now,
                                                             const std::string& after = {});

/// Answers a request about pours; nullopt: it is not.
[[nodiscard]] std::optional<ApiResponse> serve_pours(const PoursApiPorts& ports,
                                                     const ApiRequest& request);

}  // namespace tapd
