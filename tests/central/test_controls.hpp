// What tests and the demo do to the venue, and what they ask it to compare with: the bartender's
// and the auditor's hands. Served under /test/... and only when the server was started with test
// controls; a venue that serves guests must not have them.
#pragma once

#include <string>

#include "tests/central/database.hpp"
#include "tests/central/reply.hpp"

namespace tapd::central {

/// {"enabled": bool}
[[nodiscard]] Reply set_emergency_stop(Connection& connection, const std::string& body);
/// {"status": "active|locked|cleaning|empty"} and optionally {"keg_id": uuid}.
[[nodiscard]] Reply set_tap(Connection& connection, const std::string& tap_id,
                            const std::string& body);
/// {"amount_cents": n}: books a top-up (negative: a correction) and answers the new balance.
[[nodiscard]] Reply top_up_guest(Connection& connection, const std::string& guest_id,
                                 const std::string& body);
/// {"is_active": bool}
[[nodiscard]] Reply set_guest_active(Connection& connection, const std::string& guest_id,
                                     const std::string& body);
/// {"status": "active|inactive|lost"} and optionally {"guest_id": uuid} to hand the card on.
[[nodiscard]] Reply set_card(Connection& connection, const std::string& card_uid,
                             const std::string& body);
/// Sums over all pours, and what each guest and keg has left. One moment, consistent.
[[nodiscard]] Reply totals(Connection& connection);
/// Every pour in the order of booking, for comparison with a controller's ledger.
[[nodiscard]] Reply list_pours(Connection& connection);
/// The notes of every booking that has any, newest last.
[[nodiscard]] Reply list_audit(Connection& connection);

}  // namespace tapd::central
