// The part of the local API about finished pours and the queue to the server. Answers like the rest
// of the API (see api.hpp).
//
//   GET  /pours?most=20&tap=N&card=UID&status=failed   the newest that are meant, newest first
//   GET  /queue?most=1000   what the server has not confirmed, oldest first
//   POST /queue/retry   a receipt, a whole id, or "all", as text: failed rows are sent again
//   POST /queue/park    {"row": a receipt or a whole id, "why": words}: kept as failed, still owed
#pragma once

#include <functional>
#include <optional>

#include "daemon/http_server.hpp"
#include "daemon/storage_thread.hpp"

namespace tapd {

struct PoursApiPorts {
  StorageThread* storage{nullptr};
  std::function<model::Moment()> now;
  /// Rows wait that did not before.
  std::function<void()> pours_waiting;
};

/// Sends failed rows again: `what` is a receipt, a whole id, or "all". One commit, however many
/// they are: taps wait for the disk meanwhile. Answers how many.
[[nodiscard]] storage::Result<std::int64_t> send_failed_again(storage::Ledger& ledger,
                                                              const std::string& what,
                                                              const std::string& who,
                                                              const model::Moment& now);

/// Answers a request about pours; nullopt: it is not.
[[nodiscard]] std::optional<ApiResponse> serve_pours(const PoursApiPorts& ports,
                                                     const ApiRequest& request);

}  // namespace tapd
