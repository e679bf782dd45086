// The invariants: what must be true of a medium after the power came back. Opens it with the real
// ledger, compares with what was acknowledged, lets the venue go on until everything is confirmed,
// compares with the server, and reads the file with SQLite alone: integrity and the hash chain.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "venue.hpp"

namespace tapd::crash {

enum class Outcome : std::uint8_t {
  right,
  told,         ///< Refused as damaged, at start or by the first call that met the damage.
  told_later,   ///< Opened; integrity_check or the hash chain tells the damage.
  rolled_back,  ///< Whole, but older than what was acknowledged.
  lost,         ///< An acknowledged pour is not there.
  behind,       ///< An acknowledged progress is not there.
  doubled,      ///< A pour was charged twice.
  balance,      ///< More is available than the truth, or something else in the end.
  wrong,        ///< Anything else that must not be.
};

struct Finding {
  Outcome outcome{Outcome::right};
  std::string what;
  std::size_t acknowledged{0};  ///< Pours that had to be there.
};

/// What a medium may hold after a cut.
struct Expectation {
  std::vector<Sheet> possible;  ///< What was acknowledged; and with the call that was under way.
  Server server;
  std::vector<Sheet> history;  ///< Only for a medium that lies: all that ever was.
};
/// `acknowledges_early`: the caller took a call for done when it began (a known fault).
[[nodiscard]] Expectation expected_at(const Recording& recording, std::size_t until,
                                      bool acknowledges_early, bool with_history);

/// Recovers the medium and judges it. `recovered`, when given, receives the recording of the
/// recovery, to be cut in its turn.
[[nodiscard]] Finding check(const Image& medium, const Expectation& expectation, int medium_blocks,
                            Recording* recovered = nullptr);

}  // namespace tapd::crash
