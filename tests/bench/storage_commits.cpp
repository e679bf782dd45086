#include <algorithm>
#include <filesystem>
#include <optional>
#include <stdexcept>
#include <tuple>

#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Statement.h>
#include <fmt/format.h>

#include "drivers/clock.hpp"
#include "storage/medium_blocks.hpp"
#include "storage_bench.hpp"
#include "storage_pours.hpp"
#include "tests/storage/faulty_disk.hpp"
#include "tests/support/temp_dir.hpp"

namespace tapd::bench {
namespace {

template<typename Work>
double milliseconds_of(Work work) {
  const auto began = drivers::since_boot_now();
  work();
  return static_cast<double>((drivers::since_boot_now() - began).count()) / 1e6;
}

storage::LedgerOptions options_for(const std::filesystem::path& file) {
  return {file, std::nullopt, bench_boot};
}
storage::LedgerOptions file_in(const test::TempDir& folder) {
  return options_for(folder / "tap.db");
}

/// The ledger's own schema and pragmas, and the two statements, without the ledger.
class Bare {
 public:
  explicit Bare(const std::filesystem::path& file)
      : database_{made(file), SQLite::OPEN_READWRITE | SQLite::OPEN_URI} {
    for (const char* pragma :
         {"locking_mode = EXCLUSIVE", "journal_mode = WAL", "synchronous = FULL",
          "foreign_keys = ON", "recursive_triggers = ON", "trusted_schema = OFF",
          "cell_size_check = ON", "wal_autocheckpoint = 200", "temp_store = MEMORY"}) {
      SQLite::Statement statement{database_, fmt::format("PRAGMA {}", pragma)};
      statement.executeStep();
    }
    insert_.emplace(
        database_,
        "INSERT INTO pours (client_tx_id, short_id, guest_id, card_uid, tap_id, authorized_by,"
        " price_per_ml_at_pour, price_cents_per_litre, hold_cents, calibration_id, boot_id,"
        " start_ts, start_mono_ns, created_at, end_ts, end_mono_ns, clock_trusted)"
        " VALUES (?1, '12345678', 'aaaaaaaa-0000-4000-8000-000000000001', '04ab7815cd6b80', 1,"
        " 'server', '0.005', 500, 1000, 1, 'cccccccc-0000-4000-8000-000000000009',"
        " '2026-11-21T00:00:10.000Z', 10000000000, '2026-11-21T00:00:10.000Z',"
        " '2026-11-21T00:00:10.000Z', 10000000000, 1)");
    update_.emplace(database_,
                    "UPDATE pours SET volume_ml = ?2, price_cents = ?2 / 2, pulses = ?2 * 2,"
                    " end_mono_ns = 12000000000, checkpoints = checkpoints + 1"
                    " WHERE client_tx_id = ?1");
  }
  void begin(std::uint64_t number) {
    insert_->reset();
    insert_->bind(1, bench_pour_id(number).text());
    insert_->exec();
  }
  void progress(std::uint64_t number, std::int64_t millilitres) {
    update_->reset();
    update_->bind(1, bench_pour_id(number).text());
    update_->bind(2, millilitres);
    update_->exec();
  }

 private:
  static std::string made(const std::filesystem::path& file) {
    {
      const storage::Ledger ledger{{file, std::nullopt, bench_boot}};
    }
    // One open pour a tap: here every pour stays open, on the same tap.
    SQLite::Database database{file.string(), SQLite::OPEN_READWRITE};
    database.exec("DROP INDEX pours_one_open_per_tap");
    database.exec("CREATE INDEX pours_open_per_tap ON pours (tap_id) WHERE status = 'open'");
    return "file:" + file.string() + "?psow=0";
  }

  SQLite::Database database_;
  std::optional<SQLite::Statement> insert_;
  std::optional<SQLite::Statement> update_;
};

void add(const Report& report, const std::string& name, const Spread& ours, const Spread& bare,
         const std::string& conditions) {
  report.add({name + " p50", ours.p50, "ms", conditions});
  report.add({name + " p99", ours.p99, "ms", conditions});
  report.add({name + " SQLite alone p50", bare.p50, "ms", conditions});
  report.add({name + " SQLite alone p99", bare.p99, "ms", conditions});
  report.add({name + " ratio p50", ours.p50 / bare.p50, "", "ledger / SQLite alone"});
  report.add({name + " ratio p99", ours.p99 / bare.p99, "", "ledger / SQLite alone"});
}

/// The statement for the next batch, without the ledger: every column of every row is read.
std::size_t bare_batch(SQLite::Statement& statement) {
  std::size_t rows = 0;
  std::size_t bytes = 0;
  while (statement.executeStep()) {
    for (int column = 0; column < statement.getColumnCount(); ++column) {
      bytes += statement.getColumn(column).getString().size();
    }
    ++rows;
  }
  statement.reset();
  return bytes > 0 ? rows : 0;
}

constexpr std::chrono::milliseconds sync_of_a_card{4};  // A quick one's.
constexpr std::uint64_t pours_logged = 8;  // Too few for the log to be moved into the file.

/// By the growth of the log of a ledger that was just opened.
double pages_logged_for_a_pour(storage::Ledger& ledger, const std::filesystem::path& file,
                               std::uint64_t number) {
  const std::filesystem::path log = file.string() + "-wal";
  pour_once(ledger, number, 2);
  const auto before = std::filesystem::file_size(log);
  for (std::uint64_t i = 1; i < pours_logged; ++i) pour_once(ledger, number + i, 2);
  constexpr double frame = 4'120;
  return static_cast<double>(std::filesystem::file_size(log) - before) / frame /
         static_cast<double>(pours_logged - 1);
}

struct Medium {
  int block;
  std::chrono::milliseconds sync;  ///< 0: as long as this disk takes.
  int pours;

  [[nodiscard]] std::string text() const {
    return fmt::format("{} bytes a block{}", block,
                       sync.count() > 0 ? fmt::format(", a sync takes {} ms", sync.count()) : "");
  }
};

/// Pours into the large file and into an empty one, in turns. Answers the last one's number.
std::uint64_t bench_pours(const std::filesystem::path& file, std::uint64_t number,
                          const Medium& medium, const Report& report) {
  const test::TempDir folder;
  test::FaultyDisk slow;
  slow.sync_takes(medium.sync);
  const auto opened = [&](const std::filesystem::path& path) {
    storage::LedgerOptions wanted = options_for(path);
    wanted.medium_blocks = medium.block;
    if (medium.sync.count() > 0) wanted.vfs = slow.name();
    return wanted;
  };
  storage::Ledger large{opened(file)};
  storage::Ledger empty{opened(folder / "tap.db")};
  for (const auto& [ledger, path, of] :
       {std::tuple{&large, file, "large"}, std::tuple{&empty, folder / "tap.db", "an empty"}}) {
    report.add({fmt::format("logged for a pour in {} file", of),
                pages_logged_for_a_pour(*ledger, path, number + 1), "pages", medium.text()});
  }
  number += pours_logged;
  std::vector<double> in_large;
  std::vector<double> in_empty;
  for (int i = 1; i <= medium.pours; ++i) {
    ++number;
    in_large.push_back(milliseconds_of([&] { pour_once(large, number, 2); }));
    in_empty.push_back(milliseconds_of([&] { pour_once(empty, number, 2); }));
  }
  const std::string conditions =
      fmt::format("begin, 2 x progress, end; {} in turns; {}", medium.pours, medium.text());
  report.add("a pour", spread(in_large), "ms", conditions);
  report.add("a pour in an empty file", spread(in_empty), "ms", conditions);
  report.add({"a pour ratio p50", spread(in_large).p50 / spread(in_empty).p50, "",
              "large / empty; " + conditions});
  return number;
}

/// In turns: the file belongs to one of them alone.
void bench_batches(const std::filesystem::path& file, std::optional<storage::Ledger>& ledger,
                   const StorageBenchOptions& options, const Report& report) {
  constexpr int turns = 8;
  constexpr int batches_a_turn = 50;
  const auto full = std::min<std::size_t>(50, static_cast<std::size_t>(options.pours));
  const auto need_full = [full](std::size_t rows) {
    if (rows != full) throw std::runtime_error{"the batch is not full"};
  };
  std::vector<double> ours;
  std::vector<double> bare;
  for (int turn = 0; turn < turns; ++turn) {
    ledger.emplace(options_for(file));
    need_full(ledger->due_pours(50, bench_time(100))->size());
    for (int i = 0; i < batches_a_turn; ++i) {
      ours.push_back(
          milliseconds_of([&] { need_full(ledger->due_pours(50, bench_time(100))->size()); }));
    }
    ledger.reset();
    SQLite::Database database{file.string(), SQLite::OPEN_READWRITE};
    SQLite::Statement statement{
        database,
        "SELECT * FROM pours WHERE status <> 'confirmed' AND status IN ('new', 'sent') AND"
        " (next_attempt_at IS NULL OR next_attempt_at <= 100000000000)"
        " ORDER BY pour_seq LIMIT 50"};
    need_full(bare_batch(statement));
    for (int i = 0; i < batches_a_turn; ++i) {
      bare.push_back(milliseconds_of([&] { need_full(bare_batch(statement)); }));
    }
  }
  ledger.emplace(options_for(file));
  const std::string conditions =
      fmt::format("50 rows; {} batches, in turns with SQLite alone", turns * batches_a_turn);
  add(report, "next batch to send", spread(ours), spread(bare), conditions);
  report.add({"next batch to send max", spread(ours).max, "ms", conditions});
  report.add({"next batch to send SQLite alone max", spread(bare).max, "ms", conditions});
}

}  // namespace

void bench_commits(const StorageBenchOptions& options, const Report& report) {
  report.section("A durable commit on this disk");
  Report::progress(fmt::format("{} commits of each kind ...", 4 * options.commits));
  const test::TempDir folder;
  storage::Ledger ledger{file_in(folder)};
  Bare bare{folder / "bare.db"};
  std::vector<double> begun;
  std::vector<double> bare_begun;
  std::vector<double> progressed;
  std::vector<double> bare_progressed;
  for (int i = 1; i <= options.commits; ++i) {
    const auto number = static_cast<std::uint64_t>(i);
    begun.push_back(
        milliseconds_of([&] { need(ledger.begin_pour(bench_begin(number), bench_boot)); }));
    bare_begun.push_back(milliseconds_of([&] { bare.begin(number); }));
    progressed.push_back(
        milliseconds_of([&] { need(ledger.record_progress(bench_progress(number, 50))); }));
    bare_progressed.push_back(milliseconds_of([&] { bare.progress(number, 50); }));
    const auto ended =
        ledger.end_pour({bench_progress(number, 60), model::StopReason::card_removed});
    if (!ended) throw std::runtime_error{ended.error().message};
  }
  const std::string conditions =
      fmt::format("{} commits, in turns, same disk and pragmas", options.commits);
  add(report, "pour begun", spread(begun), spread(bare_begun), conditions);
  add(report, "progress", spread(progressed), spread(bare_progressed), conditions);
}

void bench_large_file(const StorageBenchOptions& options, const Report& report) {
  report.section(fmt::format("A file of {} pours", options.pours));
  const test::TempDir folder;
  constexpr std::int64_t pours_a_commit = 5'000;
  {
    storage::Ledger ledger{file_in(folder)};
    for (std::int64_t first = 1; first <= options.pours; first += pours_a_commit) {
      if (first % 50'000 == 1) Report::progress(fmt::format("{} pours made ...", first - 1));
      need(ledger.in_one_commit([&]() -> storage::Result<> {
        for (std::int64_t i = first; i < first + pours_a_commit && i <= options.pours; ++i) {
          pour_once(ledger, static_cast<std::uint64_t>(i), 0);
          // The last thousand wait, as after a night without the network.
          if (i <= options.pours - 1'000) confirm_once(ledger, static_cast<std::uint64_t>(i));
        }
        return {};
      }));
    }
  }
  const auto size = std::filesystem::file_size(folder / "tap.db");
  report.add({"file", static_cast<double>(size) / 1e6, "MB", "confirmed but for the last 1,000"});

  std::optional<storage::Ledger> ledger;
  std::vector<double> starts;
  for (int i = 0; i < 5; ++i) {
    ledger.reset();
    starts.push_back(milliseconds_of([&] { ledger.emplace(file_in(folder)); }));
  }
  report.add({"start to ready p50", spread(starts).p50, "ms", "opening, page cache warm"});
  report.add({"start to ready max", spread(starts).max, "ms", "opening, page cache warm"});

  bench_batches(folder / "tap.db", ledger, options, report);
  ledger.reset();
  std::uint64_t number = static_cast<std::uint64_t>(options.pours);
  using std::chrono::milliseconds;
  const int pours = options.commits / 4;
  for (const Medium& medium : {Medium{storage::wide_blocks, milliseconds{0}, pours},
                               Medium{storage::narrow_blocks, milliseconds{0}, pours},
                               Medium{storage::wide_blocks, sync_of_a_card, pours / 4}}) {
    number = bench_pours(folder / "tap.db", number, medium, report);
  }
}

}  // namespace tapd::bench
