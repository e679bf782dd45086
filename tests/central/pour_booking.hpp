// Section 2 of the wire contract: books pours. Each row is judged by itself; rows that follow each
// other share a transaction: pours, debits, the kegs' loss, the release of locks and the audit rows
// come together or not at all. A batch answers one result per row, in order. The balance may go
// below zero: the liquid is gone, and a record that is refused would only hide it.
#pragma once

#include <string>

#include "tests/central/database.hpp"
#include "tests/central/pour_row.hpp"
#include "tests/central/reply.hpp"

namespace tapd::central {

/// The most rows of one batch; more is answered 413.
inline constexpr std::size_t largest_batch = 1000;

/// Answers one batch. Throws DatabaseError when the database goes away in between: rows before it
/// are booked, and a repeat of the batch says so.
[[nodiscard]] Reply sync_pours(Connection& connection, const std::string& body);

/// Books one row, or says why not. Safe from several threads at once, also for the same id.
[[nodiscard]] RowVerdict book_pour(Connection& connection, const PourRow& row);

}  // namespace tapd::central
