// The chain of hashes over finished pours: each row carries the SHA-256 of what it says and of the
// hash before it, so that a row changed, removed or slipped in later can be told. Used by the
// ledger when a pour leaves `open`. It proves nothing against someone who rewrites the whole chain.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "storage/model/money.hpp"

namespace tapd::storage {

/// The hash before the first pour.
inline constexpr std::string_view chain_origin =
    "0000000000000000000000000000000000000000000000000000000000000000";

/// The immutable columns of `pours`, in the order in which they are hashed; `prev_hash` is the
/// last.
[[nodiscard]] std::span<const std::string_view> hashed_columns();

/// Lower-case hex SHA-256 of "tapd pour 1\n" followed by one line for each column, in order:
/// "name=length:text\n", or "name=-\n" for NULL. `texts` are the columns as SQLite casts them to
/// TEXT; the length is in bytes.
[[nodiscard]] std::string chain_hash(std::span<const std::optional<std::string>> texts);

/// The litre price is in no hash: it must be one, and make the price per millilitre that is.
[[nodiscard]] bool price_agrees(model::LitrePrice per_litre, std::string_view per_millilitre);

}  // namespace tapd::storage
