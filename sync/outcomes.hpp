// What the server's answers mean for a row and for a whole request: the table of the wire contract,
// section 2, as pure functions. A word that is not in the table spends an attempt: it is the
// server's verdict on that row, and the cap parks the row for people instead of losing it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "storage/ledger.hpp"
#include "sync/transport.hpp"
#include "sync/wire.hpp"

namespace tapd::sync {

/// A row as it was sent.
struct SentRow {
  model::ClientTxId id;
  bool empty{false};  ///< No volume: it releases a lock and owes nothing.
};

/// The verdict on one row from its (status, outcome, reason).
[[nodiscard]] storage::Verdict verdict_of(const SentRow& row, const RowResult& result);

/// Whether a verdict leaves the venue without the money (and is told as PourNotBooked).
[[nodiscard]] bool is_unbilled(const storage::Verdict& verdict);
/// Whether the server judged the row without using up an authorization that was live for it: it
/// knew the id already, or the row did not get so far.
[[nodiscard]] bool leaves_authorization(const storage::Verdict& verdict);

/// The verdicts on all rows of a request that was judged row by row.
struct Judgement {
  std::vector<storage::Verdict> verdicts;  ///< One for each row asked, in the order asked.
  std::size_t strangers{
      0};  ///< Results for rows that were not asked, or asked once and told twice.
};
/// A row that the results do not name spends an attempt; results for other rows are ignored.
[[nodiscard]] Judgement judge(const std::vector<SentRow>& asked,
                              const std::vector<RowResult>& results);

/// The verdict on a row that stood alone in a request which was refused as a whole.
[[nodiscard]] storage::Verdict culprit_verdict(const model::ClientTxId& row, int status,
                                               const ErrorBody& said);

/// What an HTTP status says about the request as a whole.
enum class AnswerKind : std::uint8_t {
  usable,        ///< 200 to 204: read the body.
  unchanged,     ///< 304.
  not_found,     ///< 404, 405, 410: the server does not have this path.
  token,         ///< 401, 403: the token.
  refused,       ///< Other 4xx: this request, not the server, is at fault.
  too_many,      ///< 408, 425, 429: later, please.
  server_error,  ///< 500, 501: perhaps this request, perhaps the server.
  unavailable,   ///< 502 and up: nobody is at home.
  nonsense,      ///< Anything else: redirects, statuses that do not exist.
};
[[nodiscard]] AnswerKind kind_of(int status);

/// `Retry-After` of an answer, in words of the server or none; see backoff.hpp for its reading.
[[nodiscard]] std::optional<std::string_view> header(const HttpResponse& response,
                                                     const char* lower_case_name);

}  // namespace tapd::sync
