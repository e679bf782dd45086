// Books pours by the set: a handful of statements for all rows of a request instead of a dozen for
// each. Judges every row as if the rows before it had been booked one by one. Called by
// pour_booking with rows that were read and whose price was checked; knows nothing of HTTP.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "tests/central/database.hpp"
#include "tests/central/pour_row.hpp"

namespace tapd::central {

/// The ids that were booked before, and whether with the same content (content_of).
using Repeats = std::map<std::string, bool>;
[[nodiscard]] Repeats find_repeats(Connection& connection, std::span<const PourRow> rows);
[[nodiscard]] RowVerdict repeat_verdict(bool same_content);

/// Books the rows, which all have another id and a volume, in one transaction: pours, debits, kegs,
/// locks and audit rows of all that are accepted come together or not at all. One verdict per row,
/// in order; nothing when a race for an id was lost and the rows must be looked at again. Throws
/// DatabaseError; nothing is booked then, or, when the connection was lost, all or nothing.
[[nodiscard]] std::optional<std::vector<RowVerdict>> try_to_book(Connection& connection,
                                                                 std::span<const PourRow> rows);

}  // namespace tapd::central
