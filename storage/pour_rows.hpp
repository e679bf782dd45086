// Rows of `pours` and `clock_marks` as values. Used by the ledger's parts.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "storage/model/records.hpp"
#include "storage/row_words.hpp"
#include "storage/statement.hpp"

namespace tapd::storage {

/// "SELECT <the columns that read_pour reads> FROM pours".
extern const char* const select_pours;

/// SQL for a row that staff send again: it has had its verdict, and begins anew with its attempts.
/// The word before what the server says keeps that known once the first of these is spent.
inline const std::string sent_again = "(server_outcome LIKE '" + std::string{again_word} +
                                      "%' OR (attempts = 0 AND server_outcome <> ''))";

/// SQL for a row that the server authorized, and whose authorization nothing has used up since.
inline const std::string live_leave = "(authorized_by = 'server' AND NOT " + sent_again + ")";

/// Reads the current row of a statement that begins with `select_pours`. Throws BadRow. Wall times
/// of a pour from before the clock was set are corrected when its boot's clock is known by now.
[[nodiscard]] model::Pour read_pour(Use& row);

/// Reads a time that to_iso8601 wrote. Throws BadRow.
[[nodiscard]] model::WallTime read_wall_time(const std::string& text);

/// Moves an untrusted reading onto the clock of its boot, once that is known (clock_marks).
void correct_wall_time(model::Moment& moment, std::optional<std::int64_t> boot_wall_ms);

/// Wall time in whole milliseconds since 1970.
[[nodiscard]] std::int64_t milliseconds_of(model::WallTime time);

/// The wall time at which the boot began.
[[nodiscard]] model::WallTime wall_time_of_boot(const model::Moment& moment);

}  // namespace tapd::storage
