// Every disk operation failing, once or from then on, while the real ledger is at work.
#include <algorithm>
#include <array>
#include <optional>

#include <fmt/format.h>

#include "campaign.hpp"
#include "spread.hpp"

namespace tapd::crash {
namespace {

struct Failure {
  const char* name;
  int code;
  bool persists;
};

constexpr std::array failures{
    Failure{"write error once", SQLITE_IOERR_WRITE, false},
    Failure{"write error for ever", SQLITE_IOERR_WRITE, true},
    Failure{"sync error once", SQLITE_IOERR_FSYNC, false},
    Failure{"sync error for ever", SQLITE_IOERR_FSYNC, true},
    Failure{"disk full once", SQLITE_FULL, false},
    Failure{"disk full for ever", SQLITE_FULL, true},
};

// A call that failed is made once more when the disk works again: it must then succeed. With a disk
// that stays broken the power goes after the first failure, and what that call wrote is in doubt.
Finding fail_at(std::size_t nth, const Failure& failure, test::Random& random) {
  CrashDisk disk;
  disk.fail(nth, failure.code, failure.persists);
  Expectation expectation{{Sheet{}}, Server{}, {}};
  std::optional<Venue> venue;
  bool failed_again = false;
  std::string error;
  try {
    venue.emplace(disk, Sheet{}, Server{});
    venue->on_failure([&](const storage::Error& told) {
      error = told.message;
      return !failure.persists;
    });
    reference_evening(*venue);
  } catch (const Stopped& stopped) {
    failed_again = !failure.persists;
    error = stopped.error.message;
  } catch (const storage::OpenError& stopped) {
    error = stopped.what();
  }
  if (failed_again) return {Outcome::wrong, "the call failed again: " + error, 0};
  if (disk.has_failed() && failure.persists && error.empty()) {
    return {Outcome::wrong, "a disk that fails for ever went unnoticed", 0};
  }
  if (venue) {
    expectation = {{venue->sheet()}, venue->server(), {}};
    if (failure.persists && venue->in_doubt()) {
      expectation.possible.push_back(*venue->in_doubt());
    }
  }
  const Image left = after_power_cut({}, disk.log(), disk.log().size(), Medium::ideal, random);
  venue.reset();
  return check(left, expectation, shipped_blocks);
}

std::size_t operations_of_the_evening() {
  CrashDisk disk;
  Venue venue{disk, {}, Server{}};
  reference_evening(venue);
  return disk.operations();
}

}  // namespace

std::vector<Row> every_failure(const CampaignOptions& options, const Progress& progress) {
  std::vector<Row> rows;
  const std::size_t operations = operations_of_the_evening();
  for (const Failure& failure : failures) {
    const std::string name = fmt::format("every operation: {}", failure.name);
    const auto job = [&](std::uint64_t number) {
      const std::size_t nth = number * options.sample + 1;
      test::Random random{options.seed + nth};
      Tally tally;
      tally.add(fail_at(nth, failure, random),
                fmt::format("{}: seed {}, operation {}", name, options.seed, nth));
      return tally;
    };
    rows.push_back({name, Expected::nothing,
                    spread(options, name, progress, operations / options.sample, job)});
  }
  return rows;
}

}  // namespace tapd::crash
