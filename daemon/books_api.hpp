// The part of the local API that is about the books: whether the chain of pours is whole, what is
// owed and at stake, and backups. Answers like the rest of the API (see api.hpp).
//
//   GET  /verify?after=N&hash=H   walks the next rows of the chain; begin without a query
//   GET  /owed                    not yet confirmed, and the worst case if the network died now
//   POST /backup                  begins one, into the file that the body names or the usual one
//   GET  /backup                  how the one that was asked for stands
#pragma once

#include <functional>

#include "daemon/book_keeping_thread.hpp"
#include "daemon/core/policy.hpp"
#include "daemon/http_server.hpp"
#include "daemon/storage_desk.hpp"

namespace tapd {

/// What the books' part of the API needs of the program.
struct BooksApiPorts {
  StorageDesk* storage{nullptr};
  BookKeepingThread* keeper{nullptr};
  PolicyRules policy;
  model::BootId boot;
  std::function<model::Moment()> now;
};

/// What the books say of the money right now.
struct MoneyStanding {
  storage::QueueCounts queue;
  model::Money spendable;              ///< On cached balances, if the network died now.
  std::chrono::seconds oldest_age{0};  ///< Of the oldest row that waits; zero: none does.
  [[nodiscard]] model::Money worst_case() const { return queue.owed + queue.held + spendable; }
};
[[nodiscard]] storage::Result<MoneyStanding> money_standing(const BooksApiPorts& ports,
                                                            const model::Moment& now);

/// Walks a part of the chain, small enough that a commit waits some milliseconds at most.
[[nodiscard]] ApiResponse verify_books(const BooksApiPorts& ports, const ApiRequest& request);
[[nodiscard]] ApiResponse owed(const BooksApiPorts& ports);
[[nodiscard]] ApiResponse begin_backup(const BooksApiPorts& ports, const ApiRequest& request);
[[nodiscard]] ApiResponse backup_state(const BooksApiPorts& ports);

}  // namespace tapd
