// Pours for the storage benches: plain rows of one guest, told apart by their number.
#pragma once

#include <cstdint>

#include "storage/ledger.hpp"

namespace tapd::bench {

inline const model::BootId bench_boot{"cccccccc-0000-4000-8000-000000000009"};

[[nodiscard]] model::Moment bench_time(std::int64_t second);
[[nodiscard]] model::ClientTxId bench_pour_id(std::uint64_t number);
[[nodiscard]] model::PourBegin bench_begin(std::uint64_t number);
[[nodiscard]] model::PourProgress bench_progress(std::uint64_t number, std::int64_t millilitres);

/// Throws what a call on the ledger has to complain about.
void need(const storage::Result<>& result);
/// Begins, progresses `progresses` times and ends a pour, each in a commit of its own.
void pour_once(storage::Ledger& ledger, std::uint64_t number, int progresses);
/// Sends and confirms it.
void confirm_once(storage::Ledger& ledger, std::uint64_t number);

}  // namespace tapd::bench
