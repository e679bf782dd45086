// Loads a bar from a JSON file (see bar.json): beverages, kegs, taps, guests, cards. Rows that are
// there already stay as they are, so that a restart with the same file gives no money back.
#pragma once

#include <filesystem>

#include "tests/central/database.hpp"

namespace tapd::central {

/// Loads the file in one transaction. Throws std::runtime_error that names the file and what is
/// wrong in it, or DatabaseError.
void load_seed_file(Connection& connection, const std::filesystem::path& file);

/// The same from text; `name` is for messages.
void load_seed(Connection& connection, const std::string& text, const std::string& name);

}  // namespace tapd::central
