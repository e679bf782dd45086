// The venue server's wire contract as pure functions: what tapd sends becomes JSON, what the server
// answers becomes values. Encoding checks every limit of the contract first, so that one row cannot
// make a whole request fail. Decoding trusts nothing: a wrong type, a missing field, an absurd
// amount, text that is not UTF-8 or not JSON at all gives an error that names the endpoint and the
// field, never an exception and never half a snapshot. No I/O, no time, any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "storage/ledger.hpp"
#include "storage/model/records.hpp"
#include "sync/authorize.hpp"

#include <tl/expected.hpp>

namespace tapd::sync {

/// The paths of the contract, below the server's base URL.
namespace endpoint {
inline constexpr const char* authorize = "/api/visits/authorize-pour";
inline constexpr const char* pours = "/api/sync/pours";
inline constexpr const char* register_controller = "/api/controllers/register";
inline constexpr const char* flow_events = "/api/controllers/flow-events";
inline constexpr const char* system_status = "/api/system/status";
/// "/api/controllers/{id}/snapshot".
[[nodiscard]] std::string snapshot(std::string_view controller_id);
/// A word for each path, for counts: "pours", "snapshot".
[[nodiscard]] const char* word(std::string_view path);
}  // namespace endpoint

/// An answer that makes no sense.
struct Unreadable {
  std::string endpoint;
  std::string why;  ///< "guests[3].balance_cents: 1e400 is not a whole number"; printable ASCII.
};
template<typename T>
using Decoded = tl::expected<T, Unreadable>;

// --- pours (contract, section 2) -----------------------------------------------------------------

/// A request with pours, ready to send.
struct PourRows {
  std::string body;
  std::vector<model::ClientTxId> rows;  ///< What `body` holds, in its order.
  /// Rows that no server could take (a volume past 32 bits, ...). They are final failures: nothing
  /// that the server does can mend them.
  std::vector<storage::Verdict> unsendable;
};
[[nodiscard]] PourRows encode_pours(const std::vector<model::Pour>& pours);

/// One entry of `results`, untranslated; texts cut and made printable.
struct RowResult {
  std::string client_tx_id;
  std::string status;
  std::string outcome;
  std::string reason;
};
struct PoursAnswer {
  std::vector<RowResult> results;
  std::size_t unreadable{0};  ///< Entries without a readable id.
};
[[nodiscard]] Decoded<PoursAnswer> decode_pours(std::string_view body);

// --- authorize (contract, section 1) -------------------------------------------------------------

[[nodiscard]] std::string encode_authorize(const model::CardUid& card, model::TapId tap);
/// A 200: leave to pour, or `allowed: false`.
[[nodiscard]] Decoded<std::variant<Allowed, Refused>> decode_authorize(std::string_view body);

/// What an answer with an error status says. Never fails: `detail` may be an object with a reason,
/// a list (of a validator), a string, or the body may be no JSON at all.
struct ErrorBody {
  std::string reason;   ///< `detail.reason`; empty: the server did not give one.
  std::string message;  ///< One printable line for the journal, may be empty.
};
[[nodiscard]] ErrorBody decode_error(std::string_view body);

// --- what the controller pulls and announces (contract, section 3) -------------------------------

/// The whole snapshot (changes are an error) or an error. Every list is bounded and every
/// identifier appears once. Names are cut rather than refused, and a reference may dangle: what the
/// cache lacks is denied anyway.
[[nodiscard]] Decoded<model::Snapshot> decode_snapshot(std::string_view body);

/// The whole snapshot, or the changes since the revision that was asked for; which of them, the
/// answer says by its field `since`. Changes from another revision are an error, and so is a row
/// that is both there and gone.
using SnapshotAnswer = std::variant<model::Snapshot, model::SnapshotChanges>;
[[nodiscard]] Decoded<SnapshotAnswer> decode_snapshot(std::string_view body,
                                                      std::optional<std::int64_t> since);

/// Whether a snapshot's system states say that the venue is stopped.
[[nodiscard]] bool emergency_stop(const model::Snapshot& snapshot);
/// The stop as the system state that a snapshot would hold.
[[nodiscard]] model::SystemState stop_state(bool on);

/// `emergency_stop` of the system status.
[[nodiscard]] Decoded<bool> decode_system_status(std::string_view body);

[[nodiscard]] std::string encode_flow_event(const model::FlowEvent& event);
/// Only that it is a JSON object, as for the registration.
[[nodiscard]] Decoded<std::monostate> decode_flow_event(std::string_view body);

[[nodiscard]] std::string encode_register(std::string_view controller_id,
                                          std::string_view ip_address,
                                          std::string_view firmware_version);
/// Only that it is a JSON object: a proxy's login page is not the venue server.
[[nodiscard]] Decoded<std::monostate> decode_register(std::string_view body);

}  // namespace tapd::sync
