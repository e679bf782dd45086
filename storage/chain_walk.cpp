#include "storage/chain_walk.hpp"

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "storage/chain.hpp"
#include "storage/model/money.hpp"
#include "storage/model/whole_number.hpp"

namespace tapd::storage {

struct ChainWalk::Row {
  std::int64_t pour_seq{0};
  std::int64_t chain_no{0};
  std::string client_tx_id;
  std::string hash;
  std::string prev_hash;
  std::optional<std::string> fault;  ///< Why the row does not prove itself.
};

namespace {

std::string row_query(std::string_view condition) {
  std::string columns;
  for (const std::string_view column : hashed_columns()) {
    columns += fmt::format(", CAST({} AS TEXT)", column);
  }
  return fmt::format(
      "SELECT pour_seq, coalesce(chain_no, 0), client_tx_id, coalesce(hash, ''), "
      "coalesce(prev_hash, ''),"
      " price_per_ml_at_pour, price_cents_per_litre{} FROM pours {}",
      columns, condition);
}

}  // namespace

std::string gap_key(std::int64_t chain_no) {
  return fmt::format("chain_gap.{}", chain_no);
}

std::string to_text(const DeclaredGap& gap) {
  return fmt::format("{} {}", gap.next_no, gap.prev_hash);
}

ChainWalk::ChainWalk(SQLite::Database& database)
    : rows_{database, row_query("WHERE chain_no > ?1 ORDER BY chain_no LIMIT ?2")},
      unconfirmed_{database, row_query("WHERE status <> 'confirmed' AND status <> 'open'"
                                       " ORDER BY pour_seq LIMIT ?1")},
      kept_{database,
            "SELECT chain_no, hash, pour_seq FROM pours WHERE chain_no <= ?1"
            " ORDER BY chain_no DESC LIMIT 1"},
      gap_{database, "SELECT value FROM meta WHERE key = ?1"},
      unnumbered_{database,
                  "SELECT client_tx_id FROM pours WHERE pour_seq BETWEEN ?1 AND ?2"
                  " AND chain_no IS NULL AND status <> 'open' LIMIT 1"} {}

ChainWalk::Row ChainWalk::read(Use& use) {
  Row row;
  row.pour_seq = use.integer();
  row.chain_no = use.integer();
  row.client_tx_id = use.text();
  row.hash = use.text();
  row.prev_hash = use.text();
  const std::string per_millilitre = use.text();
  const model::LitrePrice per_litre{use.integer()};
  std::vector<std::optional<std::string>> content;
  for (std::size_t i = 0; i < hashed_columns().size(); ++i) content.push_back(use.text_or_null());
  if (chain_hash(content) != row.hash) {
    row.fault = "it does not say what its hash says: it was changed after it was written";
  } else if (!price_agrees(per_litre, per_millilitre)) {
    row.fault = "its price per litre is not its price per millilitre: it was changed";
  }
  return row;
}

std::optional<DeclaredGap> ChainWalk::gap_after(std::int64_t chain_no) {
  Use use{gap_, gap_key(chain_no)};
  if (!use.next()) return std::nullopt;
  const std::string text = use.text();
  const auto space = text.find(' ');
  if (space == std::string::npos) return std::nullopt;
  const auto next_no = model::whole_number(std::string_view{text}.substr(0, space));
  if (!next_no) return std::nullopt;
  return DeclaredGap{.next_no = *next_no, .prev_hash = text.substr(space + 1)};
}

std::optional<std::string> ChainWalk::fault_of_link(const ChainPosition& before, const Row& row,
                                                    ChainSlice& slice) {
  const bool follows = row.chain_no - before.chain_no == 1;
  if (follows && row.prev_hash == before.hash) return std::nullopt;
  const auto gap = gap_after(before.chain_no);
  if (gap && gap->next_no == row.chain_no && gap->prev_hash == row.prev_hash) {
    ++slice.gaps;
    return std::nullopt;
  }
  if (follows) return fmt::format("it does not follow row {}: one was exchanged", before.chain_no);
  return fmt::format("rows {} to {} before it are missing", before.chain_no + 1, row.chain_no - 1);
}

// Old rows may have been forgotten since the last slice, the one it ended with among them: then it
// goes on behind the newest row before that which is still kept.
ChainWalk::Start ChainWalk::still_kept(const ChainPosition& from) {
  if (Use row{kept_, from.chain_no}; row.next()) {
    ChainPosition kept{row.integer(), row.text()};
    const std::int64_t pour_seq = row.integer();
    return {kept.chain_no == from.chain_no ? from : std::move(kept), pour_seq};
  }
  return {{0, std::string{chain_origin}}, INT64_MIN};
}

// Pours end nearly in the order in which they began: the rows that began between the first and the
// last of a slice are looked at with it, and no row is between two slices, because the next one
// begins with a row of this one. No index would find them that costs nothing while a tap pours.
std::optional<BrokenLink> ChainWalk::unnumbered(std::int64_t first_seq, std::int64_t last_seq) {
  Use use{unnumbered_, first_seq, last_seq};
  if (!use.next()) return std::nullopt;
  return BrokenLink{0, use.text(), "it is finished but not part of the chain"};
}

ChainSlice ChainWalk::slice(const ChainPosition& from, std::size_t most) {
  ChainSlice slice;
  Start start = still_kept(from);
  slice.reached = std::move(start.behind);
  std::int64_t last_seq = start.pour_seq;
  {
    Use rows{rows_, slice.reached.chain_no, static_cast<std::int64_t>(most)};
    while (rows.next()) {
      const Row row = read(rows);
      auto fault = row.fault ? row.fault : fault_of_link(slice.reached, row, slice);
      if (fault) {
        slice.broken = BrokenLink{row.chain_no, row.client_tx_id, *std::move(fault)};
        return slice;
      }
      slice.reached = ChainPosition{row.chain_no, row.hash};
      last_seq = std::max(last_seq, row.pour_seq);
      ++slice.rows;
    }
  }
  slice.at_end = static_cast<std::size_t>(slice.rows) < most;
  slice.broken = unnumbered(start.pour_seq, slice.at_end ? INT64_MAX : last_seq);
  return slice;
}

std::optional<BrokenLink> ChainWalk::broken_at_start(bool suspected) {
  constexpr std::size_t most_at_start = 20'000;
  constexpr auto all = static_cast<std::size_t>(INT64_MAX);
  if (auto broken = broken_unconfirmed(most_at_start)) return broken;
  return suspected ? slice({}, all).broken : std::nullopt;
}

std::optional<BrokenLink> ChainWalk::broken_unconfirmed(std::size_t most) {
  Use rows{unconfirmed_, static_cast<std::int64_t>(most)};
  while (rows.next()) {
    Row row = read(rows);
    if (row.fault) return BrokenLink{row.chain_no, row.client_tx_id, *std::move(row.fault)};
  }
  return std::nullopt;
}

}  // namespace tapd::storage
