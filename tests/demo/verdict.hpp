// The judgement on the evening: four witnesses are compared (the physics of the bar, tapd's ledger,
// the server's database, what was seen while pouring), and every way in which they could disagree
// becomes a sentence. Pure: all figures come in with the Books; nothing is assumed about them.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "tests/demo/answers.hpp"

namespace tapd::demo {

/// A pour as the server's database has it.
struct ServerPour {
  std::string client_tx_id{};
  std::string receipt{};
  std::int64_t tap{0};
  std::string guest_id{};
  std::string card_uid{};
  std::string started_at{};
  std::int64_t volume_ml{0};
  std::int64_t charged_cents{0};
};

/// A guest's balance at the server before the first and after the last pour.
struct Balance {
  std::string guest_id{};
  std::string name{};
  std::int64_t before_cents{0};
  std::int64_t after_cents{0};
};

/// What bounds the difference between what ran and what is recorded on one tap.
struct TapFacts {
  std::int64_t tap{0};
  std::int64_t ran_ul{0};  ///< Truth: liquid through the meter, valve open or just shut.
  std::int64_t pulses_per_litre{1};
  std::int64_t fastest_ml_per_s{0};  ///< The hardest that anybody pulled.
  std::int64_t cut_off_ml_per_s{0};  ///< The pull when tapd was killed; 0: nobody pulled.
};

/// All that the witnesses say.
struct Books {
  std::vector<TapFacts> taps{};
  std::vector<PourRecord> told{};    ///< By tapd's local API, before it was stopped.
  std::vector<PourRecord> ledger{};  ///< By the SQLite file, after.
  std::vector<ServerPour> server{};
  std::vector<Balance> balances{};
  std::set<std::string> seen{};             ///< Receipts of pours that were watched as they ran.
  std::set<std::string> must_not_pour{};    ///< Guests whose every visit had to be refused.
  std::int64_t foreseen_cut_off{0};         ///< Pours that ran when tapd was killed.
  std::vector<std::string> story_faults{};  ///< Visits that went otherwise than foreseen.
};

/// One column of the closing table: a tap, or all of them.
struct Column {
  std::int64_t tap{0};  ///< 0: the total.
  std::int64_t pours{0};
  std::int64_t cut_off{0};  ///< Found unfinished after the kill.
  std::int64_t ran_ul{0};
  std::int64_t recorded_ml{0};
  std::int64_t too_much_allowed_ul{0};    ///< Recorded may exceed what ran by so much.
  std::int64_t too_little_allowed_ul{0};  ///< What ran may exceed the record by so much.
  std::int64_t charged_here_cents{0};
  std::int64_t charged_there_cents{0};

  /// Recorded less what ran.
  [[nodiscard]] std::int64_t off_ul() const { return recorded_ml * 1000 - ran_ul; }
  [[nodiscard]] bool is_within_bounds() const {
    return off_ul() <= too_much_allowed_ul && -off_ul() <= too_little_allowed_ul;
  }
};

struct Verdict {
  std::vector<Column> columns{};  ///< The taps in order, then the total.
  std::int64_t lost{0};           ///< Receipts recorded or seen, not at the server.
  std::int64_t doubled{0};        ///< At the server more than once, under whatever id.
  std::int64_t unknown{0};        ///< At the server, but not in tapd's ledger.
  std::int64_t queue_left{0};     ///< In the ledger and not confirmed.
  std::int64_t guests_charged_wrong{0};
  std::int64_t guests_overdrawn{0};         ///< By more than is allowed.
  std::int64_t overdraft_cents{0};          ///< The deepest of the evening.
  std::int64_t overdraft_allowed_cents{0};  ///< The price of what runs in `overrun_ms`.
  std::int64_t empty{0};                    ///< Valve opened, nothing ran: nothing to book.
  std::int64_t from_cache{0};               ///< Pours that the cached balance allowed.
  std::vector<std::string> failures{};      ///< A sentence for everything that does not hold.

  [[nodiscard]] bool holds() const { return failures.empty(); }
};

/// tapd's promise for a pour that a kill cuts off: at most 50 ml or 1 s short.
inline constexpr std::int64_t progress_bound_ul = 50'000;
/// How far a meter may be off per pour, as time of flow: an impeller that needs 40 ms to stop turns
/// on for as much as ran in 20 ms; the drips after a pour are far less.
inline constexpr std::int64_t meter_slack_ms = 20;
/// How long beer may run on after the limit was reached: the coil and plunger of the simulated
/// valve need 50 ms, which a tap that has learnt its valve takes off beforehand; the rest is for a
/// busy machine that serves the meter late.
inline constexpr std::int64_t overrun_ms = 250;

[[nodiscard]] Verdict judge(const Books& books);

}  // namespace tapd::demo
