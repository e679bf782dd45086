#include "campaign.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "spread.hpp"
#include "storage/block_guard.hpp"

namespace tapd::crash {
namespace {

using test::Random;

Random random_for(std::uint64_t seed, std::uint64_t what, std::uint64_t number) {
  Random mix{seed ^ (what << 48U)};
  return Random{mix.next() ^ (number * 0x9E3779B97F4A7C15U)};
}

/// A setting that is not what the ledger ships with.
struct Fault {
  bool promises_powersafe{false};
  int medium_blocks{shipped_blocks};
  Syncs syncs{Syncs::all};
  bool unique_key{true};
  bool acknowledges_early{false};
  bool guards_blocks{true};
};

Recording record(const Fault& fault, const std::function<void(Venue&)>& evening) {
  CrashDisk disk{{}, {.promises_powersafe = fault.promises_powersafe, .logs = true}};
  Recording recording;
  {
    Venue venue{disk, {}, Server{fault.unique_key}, fault.medium_blocks};
    evening(venue);
    recording.steps = venue.steps();
  }  // A clean end: its checkpoint is cut as well.
  recording.log = disk.take_log();
  return recording;
}

Finding cut(const Recording& recording, std::size_t until, Medium medium, Random& random,
            const Fault& fault = {}, Recording* recovered = nullptr) {
  Image left = after_power_cut(recording.start, recording.log, until, medium, random, fault.syncs);
  if (!fault.guards_blocks) left.erase(storage::guard_of(ledger_name).string());
  return check(left,
               expected_at(recording, until, fault.acknowledges_early, medium == Medium::lies),
               fault.medium_blocks, recovered);
}

struct Surface {
  const char* name;
  Medium medium;
  Expected expected;
  Fault settings;
};
constexpr int narrow_blocks = 4'096;
const std::array surfaces{
    Surface{"ideal", Medium::ideal, Expected::nothing, {}},
    Surface{"torn 4 KiB", Medium::torn_4k, Expected::nothing, {}},
    Surface{"torn 16 KiB", Medium::torn_16k, Expected::nothing, {}},
    Surface{"torn 4 KiB, block_kib = 4",
            Medium::torn_4k,
            Expected::nothing,
            {.medium_blocks = narrow_blocks}},
    Surface{"lying sync", Medium::lies, Expected::lies, {}},
};

constexpr std::uint64_t cuts_per_evening = 250;

std::uint64_t kind(Medium medium) {
  return static_cast<std::uint64_t>(medium);
}

Tally at_every_operation(const CampaignOptions& options, const std::string& name, Medium medium,
                         const Fault& fault, std::uint64_t sample, const Progress& progress) {
  const Recording recording = record(fault, reference_evening);
  const std::uint64_t jobs = recording.log.size() / sample + 1;
  return spread(options, name, progress, jobs, [&](std::uint64_t number) {
    Random random = random_for(options.seed, kind(medium), number);
    Tally tally;
    const std::size_t until = number * sample;
    tally.add(cut(recording, until, medium, random, fault),
              fmt::format("{}: seed {}, operation {}", name, options.seed, until));
    return tally;
  });
}

// One random evening, cut again and again.
Tally random_evening_cut(const CampaignOptions& options, const Surface& surface,
                         const std::string& name, std::uint64_t number) {
  const Medium medium = surface.medium;
  Random random = random_for(options.seed, 32 + kind(medium), number);
  const int commits = static_cast<int>(random.between(10, 200));
  const Recording evening =
      record(surface.settings, [&](Venue& venue) { random_evening(venue, random, commits); });
  Tally tally;
  for (std::uint64_t i = 0; i < cuts_per_evening; ++i) {
    const auto until = static_cast<std::size_t>(random.below(evening.log.size() + 1));
    const bool twice = medium != Medium::lies && random.chance(25);
    Recording recovery;
    const std::string how =
        fmt::format("{}: --seed {} --evening {}, cut {}", name, options.seed, number, i);
    const Finding first =
        cut(evening, until, medium, random, surface.settings, twice ? &recovery : nullptr);
    tally.add(first, how);
    if (!twice || first.outcome != Outcome::right) continue;
    const auto again = static_cast<std::size_t>(random.below(recovery.log.size() + 1));
    tally.add(cut(recovery, again, medium, random, surface.settings), how + ", cut again");
  }
  return tally;
}

}  // namespace

std::vector<Row> every_operation(const CampaignOptions& options, const Progress& progress) {
  std::vector<Row> rows;
  for (const Surface& surface : surfaces) {
    const std::string name = fmt::format("every operation, {}", surface.name);
    rows.push_back(
        {name, surface.expected,
         at_every_operation(options, name, surface.medium, surface.settings, 1, progress)});
  }
  return rows;
}

std::vector<Row> every_recovery(const CampaignOptions& options, const Progress& progress) {
  constexpr std::uint64_t recoveries = 48;
  std::vector<Row> rows;
  for (const Surface& surface : surfaces) {
    if (surface.expected == Expected::lies) continue;
    const Medium medium = surface.medium;
    const Recording evening = record(surface.settings, reference_evening);
    const std::string name = fmt::format("recovery, {}", surface.name);
    const auto job = [&](std::uint64_t number) {
      Random random = random_for(options.seed, 16 + kind(medium), number);
      Tally tally;
      const auto until = static_cast<std::size_t>(random.below(evening.log.size() + 1));
      Recording recovery;
      const std::string how = fmt::format("{}: seed {}, recovery {}", name, options.seed, number);
      const Finding first = cut(evening, until, medium, random, surface.settings, &recovery);
      tally.add(first, how);
      if (first.outcome != Outcome::right) return tally;
      for (std::size_t again = 0; again <= recovery.log.size(); again += options.sample) {
        tally.add(cut(recovery, again, medium, random, surface.settings),
                  fmt::format("{}, at {}", how, again));
      }
      return tally;
    };
    const std::uint64_t jobs = std::max<std::uint64_t>(2, recoveries / options.sample);
    rows.push_back({name, surface.expected, spread(options, name, progress, jobs, job)});
  }
  return rows;
}

std::vector<Row> random_cuts(const CampaignOptions& options, const Progress& progress) {
  std::vector<Row> rows;
  for (const Surface& surface : surfaces) {
    const std::string name = fmt::format("random, {}", surface.name);
    const auto job = [&](std::uint64_t number) {
      const std::uint64_t evening = options.only_evening != 0 ? options.only_evening : number + 1;
      return random_evening_cut(options, surface, name, evening);
    };
    const std::uint64_t share = options.cuts / surfaces.size();
    const std::uint64_t jobs =
        options.only_evening != 0 ? 1 : (share + cuts_per_evening - 1) / cuts_per_evening;
    rows.push_back({name, surface.expected, spread(options, name, progress, jobs, job)});
  }
  return rows;
}

std::vector<Row> mutants(const CampaignOptions& options, const Progress& progress) {
  struct Mutant {
    const char* name;
    Medium medium;
    Fault fault;
    Expected expected{Expected::caught};
  };
  const std::array known{
      Mutant{"mutant: synchronous = NORMAL", Medium::ideal, {.syncs = Syncs::normal}},
      Mutant{"mutant: without psow=0", Medium::torn_4k, {.promises_powersafe = true}},
      Mutant{
          "mutant: block_kib = 4, torn 16 KiB", Medium::torn_16k, {.medium_blocks = narrow_blocks}},
      Mutant{"mutant: pages beside not kept, 16 KiB",
             Medium::torn_16k,
             {.guards_blocks = false},
             Expected::spoilt},
      Mutant{"mutant: no unique key at the server", Medium::ideal, {.unique_key = false}},
      Mutant{"mutant: acknowledged before commit", Medium::ideal, {.acknowledges_early = true}},
  };
  std::vector<Row> rows;
  for (const Mutant& mutant : known) {
    // Denser than the rest: the rarest violation shows in one cut of thirty, and spoilt pages,
    // which only a cut in a checkpoint brings, in one of four hundred.
    const std::uint64_t sample =
        mutant.expected == Expected::spoilt ? 1 : std::max<std::uint64_t>(1, options.sample / 4);
    rows.push_back(
        {mutant.name, mutant.expected,
         at_every_operation(options, mutant.name, mutant.medium, mutant.fault, sample, progress)});
  }
  return rows;
}

}  // namespace tapd::crash
