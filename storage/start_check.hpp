// What a start looks at before anything sells. Reading every page of a year's pours takes minutes
// from an SD card, so a large file is looked at where the next hour needs it: its
// tables of few rows here (that it is cut off SQLite says by itself), the pours that still wait in
// the ledger; the rest is read while nobody pours (the backup's check, the daily walk). A small
// file, and one under suspicion, is read whole. Used by the connection and the ledger; changes
// nothing but the mark of suspicion.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include <SQLiteCpp/Database.h>

#include "storage/chain_walk.hpp"
#include "storage/commits.hpp"
#include "storage/pours.hpp"

namespace tapd::storage {

/// A file of more pages is not read whole at every start (4 MB, some 6,000 pours).
inline constexpr std::int64_t most_pages_read_whole = 1'024;

/// What is wrong with the file, in SQLite's words or ours; nothing: it may be used. `file` is empty
/// for a database that is not in the system's files.
[[nodiscard]] std::optional<std::string> fault_at_start(SQLite::Database& database,
                                                        const std::filesystem::path& file);

/// Throws OpenError for rows that no start can do with: one that is still to be charged and does
/// not prove itself, and one that was running and cannot be ended, which comes before the first
/// guest. Changes nothing.
void refuse_broken_rows(ChainWalk& chain, Pours& pours, Commits& commits, bool suspected,
                        const std::string& file);

/// Something contradicted the file while it was in use: the next start reads all of it. Best
/// effort: a medium that takes no mark is in trouble that shows by itself.
void suspect(const std::filesystem::path& ledger) noexcept;
[[nodiscard]] bool suspected(const std::filesystem::path& ledger);
/// The whole file was found good.
void clear_suspicion(const std::filesystem::path& ledger) noexcept;

}  // namespace tapd::storage
