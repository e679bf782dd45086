// What a medium holds after the power went: every write that was not synced is kept, dropped or
// torn, each for itself, which is worse than any real file system does. A file that was made and
// never synced may be missing. The same random numbers give the same medium.
#pragma once

#include <cstdint>

#include "crash_disk.hpp"
#include "tests/storage/random.hpp"

namespace tapd::crash {

enum class Medium : std::uint8_t {
  ideal,     ///< A torn write leaves whole sectors of 512 bytes, and its neighbours alone.
  torn_4k,   ///< A torn write may spoil each block of 4 KiB that it touches, neighbours included.
  torn_16k,  ///< The same with 16 KiB.
  lies,      ///< Torn blocks of 4 KiB, and one sync in eight is acknowledged and not done.
};

/// How syncs in a log count.
enum class Syncs : std::uint8_t {
  all,
  /// Those of the WAL only right before a checkpoint writes into the database: what
  /// `synchronous = NORMAL` would have asked for.
  normal,
};

/// The medium when the power goes after the first `until` operations of `log`, the last of which
/// may still be under way; `start` was on it, safely, before the first.
[[nodiscard]] Image after_power_cut(const Image& start, const Log& log, std::size_t until,
                                    Medium medium, test::Random& random, Syncs syncs = Syncs::all);

}  // namespace tapd::crash
