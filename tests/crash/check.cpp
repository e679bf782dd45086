#include "check.hpp"

#include <algorithm>

#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Statement.h>
#include <fmt/format.h>

#include "storage/chain.hpp"

namespace tapd::crash {
namespace {

using storage::Error;

std::string chain_query() {
  std::string columns;
  for (const std::string_view column : storage::hashed_columns()) {
    columns += fmt::format("CAST({} AS TEXT), ", column);
  }
  return "SELECT " + columns + "hash FROM pours WHERE status <> 'open' ORDER BY chain_no";
}

// The file as SQLite alone sees it; empty when all is well.
std::string damage(const CrashDisk& disk) {
  try {
    SQLite::Database database{ledger_name, SQLite::OPEN_READWRITE, 0, disk.name().c_str()};
    database.exec("PRAGMA locking_mode = EXCLUSIVE");
    std::string answer = database.execAndGet("PRAGMA integrity_check(1)").getString();
    if (answer != "ok") return answer;
    static const std::string query = chain_query();
    SQLite::Statement rows{database, query};
    std::string previous{storage::chain_origin};
    for (std::int64_t number = 1; rows.executeStep(); ++number) {
      const auto width = static_cast<int>(storage::hashed_columns().size());
      std::vector<std::optional<std::string>> content;
      for (int i = 0; i < width; ++i) {
        const SQLite::Column column = rows.getColumn(i);
        content.push_back(column.isNull() ? std::nullopt : std::optional{column.getString()});
      }
      const std::string hash = rows.getColumn(width).getString();
      if (content.front() != std::to_string(number) || content.back() != previous ||
          storage::chain_hash(content) != hash) {
        return fmt::format("the hash chain breaks at pour {}", number);
      }
      previous = hash;
    }
  } catch (const SQLite::Exception& exception) {
    return exception.what();
  }
  return {};
}

// Every row of `found` was at some time what it is now.
bool existed(const Sheet& found, const std::vector<Sheet>& history) {
  return std::all_of(found.pours.begin(), found.pours.end(), [&](const auto& row) {
    return std::any_of(history.begin(), history.end(), [&](const Sheet& sheet) {
      const auto then = sheet.pours.find(row.first);
      return then != sheet.pours.end() && then->second == row.second;
    });
  });
}

Outcome kind_of_loss(const Sheet& acknowledged, const Sheet& found) {
  Outcome worst = Outcome::wrong;
  for (const auto& [number, pour] : acknowledged.pours) {
    const auto there = found.pours.find(number);
    if (there == found.pours.end()) return Outcome::lost;
    if (there->second.millilitres < pour.millilitres) worst = Outcome::behind;
  }
  return worst;
}

class Judge {
 public:
  Judge(const Image& medium, const Expectation& expectation, const DiskOptions& options,
        int medium_blocks)
      : expectation_{expectation}, disk_{medium, options}, medium_blocks_{medium_blocks} {
    finding_.acknowledged = expectation.possible.front().pours.size();
  }

  Finding judge(Recording* recovered) {
    try {
      Venue venue{disk_, expectation_.possible.front(), expectation_.server, medium_blocks_};
      go_on(venue);
      venue.close();
      if (finding_.outcome == Outcome::right || finding_.outcome == Outcome::rolled_back) {
        if (const std::string found = damage(disk_); !found.empty()) {
          note(expectation_.history.empty() ? Outcome::wrong : Outcome::told_later, found);
        }
      }
      if (recovered != nullptr) {
        recovered->steps = venue.steps();
        recovered->log = disk_.take_log();
      }
    } catch (const storage::OpenError& error) {
      note(told(error.kind()), error.what());
    } catch (const Stopped& stopped) {
      note(told(stopped.error.kind), stopped.error.message);
    }
    return finding_;
  }

 private:
  // What a medium that lies leaves behind may be refused for any reason.
  [[nodiscard]] Outcome told(Error::Kind kind) const {
    const bool damaged = kind == Error::Kind::corrupt || !expectation_.history.empty();
    return damaged ? Outcome::told : Outcome::wrong;
  }
  void note(Outcome outcome, const std::string& what) {
    finding_.outcome = outcome;
    finding_.what = what;
  }
  static Sheet read(Venue& venue) {
    auto sheet = read_sheet(venue.ledger());
    if (!sheet) throw Stopped{sheet.error()};
    return *std::move(sheet);
  }

  void go_on(Venue& venue) {
    venue.finish_open();
    const Sheet found = read(venue);
    const auto match =
        std::find_if(expectation_.possible.begin(), expectation_.possible.end(),
                     [&found](const Sheet& possible) { return possible.finished() == found; });
    if (match == expectation_.possible.end()) return mismatch(found);
    venue.settle_on(*match);
    venue.finish_open();
    if (!balances(venue, false)) return;
    recovery(venue);
    if (const auto wrong = difference(venue.sheet(), read(venue))) {
      return note(Outcome::wrong, "after the recovery " + *wrong);
    }
    if (charged_once(venue)) balances(venue, true);
  }

  void mismatch(const Sheet& found) {
    const Sheet acknowledged = expectation_.possible.front().finished();
    const std::string what = difference(acknowledged, found).value_or("");
    if (!expectation_.history.empty() && existed(found, expectation_.history)) {
      return note(Outcome::rolled_back, what);
    }
    note(kind_of_loss(acknowledged, found), what);
  }

  bool charged_once(const Venue& venue) {
    for (const auto& [number, pour] : venue.sheet().pours) {
      const int charges = venue.server().charges(number);
      const int wanted = venue.server().refused(number) ? 0 : 1;
      if (charges == wanted) continue;
      note(charges > wanted ? Outcome::doubled : Outcome::lost,
           fmt::format("pour {} was charged {} times", number, charges));
      return false;
    }
    return true;
  }

  // Never more than the truth; in the end, when everything is confirmed and heard, just that.
  bool balances(Venue& venue, bool in_the_end) {
    for (int guest = 1; guest <= guests; ++guest) {
      const auto facts = venue.ledger().facts(card_uid(guest), model::TapId{1});
      if (!facts) throw Stopped{facts.error()};
      if (!facts->guest && !in_the_end) continue;
      const std::int64_t available = facts->available.minor_units();
      const std::int64_t truth = true_balance(venue.sheet(), venue.server(), guest);
      if (in_the_end ? available == truth : available <= truth) continue;
      note(expectation_.history.empty() ? Outcome::balance : Outcome::rolled_back,
           fmt::format("guest {} has {} and not {} cents available", guest, available, truth));
      return false;
    }
    return true;
  }

  const Expectation& expectation_;
  CrashDisk disk_;
  int medium_blocks_;
  Finding finding_;
};

}  // namespace

Expectation expected_at(const Recording& recording, std::size_t until, bool acknowledges_early,
                        bool with_history) {
  std::size_t done = 0;
  std::size_t reached = 0;
  for (std::size_t i = 0; i < recording.steps.size(); ++i) {
    const Step& step = recording.steps[i];
    const bool early = acknowledges_early && step.progress && step.began <= until;
    if (step.ended <= until || early) done = i;
    if (step.began < until) reached = i;
  }
  Expectation expectation{{recording.steps[done].after}, recording.steps[done].server, {}};
  if (reached > done) expectation.possible.push_back(recording.steps[reached].after);
  if (!with_history) return expectation;
  for (std::size_t i = 0; i <= std::max(done, reached); ++i) {
    expectation.history.push_back(recording.steps[i].after);
    expectation.history.push_back(recording.steps[i].after.finished());
  }
  return expectation;
}

Finding check(const Image& medium, const Expectation& expectation, int medium_blocks,
              Recording* recovered) {
  if (recovered != nullptr) recovered->start = medium;
  const DiskOptions options{.promises_powersafe = false, .logs = recovered != nullptr};
  return Judge{medium, expectation, options, medium_blocks}.judge(recovered);
}

}  // namespace tapd::crash
