// Any values in the rows of the ledger: what a damaged medium or a foreign hand may leave there.
// The input is a list of edits. Then the ledger is opened and everything is read. It may refuse, in
// words; it may not crash, and no sum of money that it tells is absurd.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <exception>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include <SQLiteCpp/SQLiteCpp.h>

#include "storage/ledger.hpp"
#include "tests/fuzz/promise.hpp"
#include "tests/storage/faulty_disk.hpp"
#include "tests/support/temp_dir.hpp"

namespace tapd::fuzz {
namespace {

namespace fs = std::filesystem;
using storage::Ledger;

const model::BootId boot{"boot"};
const model::CardUid ann = model::CardUid::parse("04a1b2c3d4e5f6").value();
const model::CardUid bob = model::CardUid::parse("04a1b2c3").value();

model::Moment at(std::int64_t second) {
  const std::chrono::seconds since_boot{second};
  return {since_boot, std::chrono::sys_days{std::chrono::year{2026} / 1 / 1} + since_boot, true};
}

model::ClientTxId id_of(std::uint8_t number) {
  return model::ClientTxId::from_random(std::array<std::uint8_t, 16>{number, 1, 2, 3, 4});
}

/// What the set-up does must work: otherwise the search would look at nothing.
template<typename T>
T must(storage::Result<T> result) {
  promise(result.has_value(), result ? "" : "the set-up fails: " + result.error().message);
  if constexpr (!std::is_void_v<T>) return *std::move(result);
}

void begin(Ledger& ledger, std::uint8_t number, std::int32_t tap) {
  model::PourBegin begun;
  begun.client_tx_id = id_of(number);
  begun.guest_id = model::GuestId{"g1"};
  begun.card_uid = ann;
  begun.tap_id = model::TapId{tap};
  begun.keg_id = model::KegId{"k1"};
  begun.price = model::LitrePrice{500};
  begun.authorized_by = model::AuthorizedBy::cache;
  begun.hold = model::Money{1000};
  begun.start = at(10);
  begun.calibration_id = 1;
  must(ledger.begin_pour(begun, boot));
  must(ledger.note_serving({begun.client_tx_id, "beer", model::Volume::millilitres(500), bob}));
}

model::PourProgress progress(std::uint8_t number) {
  model::PourProgress progress;
  progress.client_tx_id = id_of(number);
  progress.volume = model::Volume::millilitres(300);
  progress.price = model::price_of(progress.volume, model::LitrePrice{500});
  progress.pulses = 600;
  progress.at = at(12);
  return progress;
}

model::Snapshot snapshot() {
  model::Snapshot heard;
  heard.revision = 3;
  heard.guests.push_back(
      {.id = model::GuestId{"g1"}, .first_name = "Ann", .balance = model::Money{10'000}});
  heard.cards.push_back({.uid = ann, .guest_id = model::GuestId{"g1"}});
  heard.beverages.push_back({.id = model::BeverageId{"b1"},
                             .name = "Pils",
                             .brewery = "Brewery",
                             .style = "lager",
                             .price = model::LitrePrice{500}});
  heard.kegs.push_back({.id = model::KegId{"k1"},
                        .beverage_id = model::BeverageId{"b1"},
                        .initial_volume = model::Volume::millilitres(50'000),
                        .current_volume = model::Volume::millilitres(40'000)});
  heard.taps.push_back(
      {.id = model::TapId{1}, .keg_id = model::KegId{"k1"}, .display_name = "Left"});
  heard.system_states.push_back({.key = "emergency_stop", .value = "false"});
  return heard;
}

/// A ledger with a row of every kind in every state.
void fill(const fs::path& file, const std::string& disk) {
  Ledger ledger{{.file = file, .vfs = disk, .boot = boot}};
  must(ledger.calibration(model::TapId{1}, 1'000'000, "", "anna", at(1)));
  must(ledger.apply_snapshot(snapshot(), must(ledger.ask_marker()), at(2), boot));
  for (std::uint8_t number = 1; number <= 5; ++number) {
    begin(ledger, number, 1);
    must(ledger.end_pour({progress(number), model::StopReason::card_removed}));
  }
  using Kind = storage::Verdict::Kind;
  must(ledger.mark_sent({id_of(1), id_of(2), id_of(3)}, at(20)));
  must(ledger.apply_verdicts(
      {{id_of(1), Kind::confirmed, "accepted", ""}, {id_of(2), Kind::final_failure, "no", "no"}},
      10, at(21), at(30)));
  begin(ledger, 6, 2);
  must(ledger.record_progress(progress(6)));
  model::FlowEvent leak;
  leak.event_id = "leak-1";
  leak.event_status = "started";
  leak.tap_id = model::TapId{1};
  leak.at = at(30);
  must(ledger.record_flow_event(leak));
  must(ledger.note_clock(at(31), boot));
  must(ledger.set_meta("etag", "\"3\""));
  must(ledger.audit("anna", "looked", "tap 1", "", at(32)));
}

struct Table {
  std::string name;
  std::vector<std::string> columns;  ///< The first is the key.
};

/// The ledger that every input edits a copy of, without what would keep wrong values out.
class Template {
 public:
  Template() {
    fill(file(), disk_.name());
    SQLite::Database database{file().string(), SQLite::OPEN_READWRITE};
    database.exec(
        "PRAGMA journal_mode = DELETE; PRAGMA writable_schema = ON;"
        "DELETE FROM sqlite_schema WHERE type = 'trigger';"
        "UPDATE sqlite_schema SET sql = "
        "replace(replace(sql, 'STRICT, ', ''), 'STRICT', '') WHERE type = 'table'");
    SQLite::Statement names{database, "SELECT name FROM sqlite_schema WHERE type = 'table'"};
    while (names.executeStep()) {
      Table table{names.getColumn(0).getString(), {}};
      SQLite::Statement columns{database, "SELECT name FROM pragma_table_info(?)"};
      columns.bind(1, table.name);
      while (columns.executeStep()) table.columns.push_back(columns.getColumn(0).getString());
      tables_.push_back(std::move(table));
    }
  }
  [[nodiscard]] fs::path file() const { return folder_ / "template.db"; }
  [[nodiscard]] fs::path copy() const { return folder_ / "tapd.db"; }
  [[nodiscard]] const std::vector<Table>& tables() const { return tables_; }
  /// A disk that syncs nothing: the search is a hundred times as quick.
  [[nodiscard]] std::string disk() const { return disk_.name(); }

  /// A fresh copy, with nothing left of the last one.
  void renew() const {
    for (const char* suffix : {"", "-wal", "-shm", "-journal"}) {
      fs::remove(copy().string() + suffix);
    }
    // Not copy_file: it gives up when one of the search's own signals comes.
    std::ofstream{copy(), std::ios::binary} << std::ifstream{file(), std::ios::binary}.rdbuf();
  }

 private:
  test::FaultyDisk disk_;
  test::TempDir folder_;
  std::vector<Table> tables_;
};

/// The input, read from its beginning; zeros when it has ended.
class Bytes {
 public:
  Bytes(const std::uint8_t* data, std::size_t size) : data_{data}, size_{size} {}
  [[nodiscard]] bool at_end() const { return size_ == 0; }
  std::uint8_t byte() {
    if (at_end()) return 0;
    --size_;
    return *data_++;
  }
  template<typename Number>
  Number number() {
    std::array<std::uint8_t, sizeof(Number)> raw{};
    for (std::uint8_t& one : raw) one = byte();
    Number value{};
    std::memcpy(&value, raw.data(), sizeof value);
    return value;
  }
  std::string text(std::size_t length) {
    length = std::min(length, size_);
    std::string taken(data_, data_ + length);
    data_ += length;
    size_ -= length;
    return taken;
  }

 private:
  const std::uint8_t* data_;
  std::size_t size_;
};

void bind(SQLite::Statement& statement, Bytes& input) {
  switch (input.byte() % 6) {
    case 0:
      statement.bind(1, static_cast<std::int64_t>(static_cast<std::int8_t>(input.byte())));
      return;
    case 1:
      statement.bind(1, input.number<std::int64_t>());
      return;
    case 2:
      statement.bind(1, input.number<double>());
      return;
    case 3:
      statement.bind(1, input.text(input.byte()));
      return;
    case 4: {
      const std::string blob = input.text(input.byte());
      statement.bind(1, blob.data(), static_cast<int>(blob.size()));
      return;
    }
    default:
      statement.bind(1);  // NULL.
  }
}

/// One edit: a table, a column, a row and a value; or the row goes.
void edit(SQLite::Database& database, const std::vector<Table>& tables, Bytes& input) {
  const Table& table = tables[input.byte() % tables.size()];
  const std::string& column = table.columns[input.byte() % table.columns.size()];
  const std::uint8_t row = input.byte();
  const std::string& key = table.columns.front();
  const std::string where = " WHERE " + key + " = (SELECT " + key + " FROM " + table.name +
                            " ORDER BY 1 LIMIT 1 OFFSET " + std::to_string(row & 7U) + ")";
  try {
    if ((row & 0x80U) != 0) {
      database.exec("DELETE FROM " + table.name + where);
      return;
    }
    SQLite::Statement statement{database,
                                "UPDATE " + table.name + " SET " + column + " = ?1" + where};
    bind(statement, input);
    statement.exec();
  } catch (const SQLite::Exception&) {
    // A unique index, or a key that is a row number: this value cannot stand there.
    return;
  }
}

template<typename T>
bool told(const storage::Result<T>& result) {
  if (result) return true;
  promise(!result.error().message.empty(), "an error without a word");
  return false;
}

void read_queue(Ledger& ledger) {
  (void)told(ledger.newest_pours(100));
  (void)told(ledger.unconfirmed_pours(100));
  for (const auto which :
       {storage::DueRows::all, storage::DueRows::ready, storage::DueRows::to_settle}) {
    (void)told(ledger.due_pours(100, at(100), which));
  }
  if (const auto counts = ledger.queue_counts(); told(counts)) {
    promise(counts->owed.minor_units() >= 0 && counts->held.minor_units() >= 0,
            "the queue owes less than nothing");
  }
  (void)told(ledger.card_standing(ann, model::TapId{1}, at(5).since_boot, boot));
  (void)told(ledger.due_flow_events(100, at(100)));
}

void read_cache(Ledger& ledger) {
  for (const model::CardUid& card : {ann, bob}) {
    const auto facts = ledger.facts(card, model::TapId{1});
    if (!told(facts)) continue;
    // The limit of what a server may tell, and of what the books carry.
    constexpr std::int64_t most = 1'000'000'000'000'000;
    promise(facts->available.minor_units() <= most, "a card may spend more than there is");
  }
  (void)told(ledger.spenders(model::GuestId{""}, 100));
  (void)told(ledger.offline_spending());
  (void)told(ledger.taps());
  (void)told(ledger.emergency_stop());
  (void)told(ledger.recent_tails(model::TapId{1}, 10));
  (void)told(ledger.meta("etag"));
  (void)told(ledger.state_of_books());
}

/// As the daemon does between start and end.
void use(Ledger& ledger) {
  (void)told(ledger.finish_open_pours(at(50)));
  (void)told(ledger.stop_open_flow_events(at(51)));
  read_queue(ledger);
  read_cache(ledger);
  (void)told(ledger.note_clock(at(60), boot));
  (void)told(ledger.calibration(model::TapId{1}, 2'000'000, "", "anna", at(61)));
  (void)told(ledger.apply_snapshot(snapshot(), 1, at(62), boot));
  (void)told(ledger.mark_sent({id_of(4), id_of(5)}, at(63)));
  (void)told(ledger.apply_verdicts({{id_of(4), storage::Verdict::Kind::confirmed, "ok", ""}}, 10,
                                   at(64), at(70)));
  (void)told(ledger.verify_chain({}, 100));
  (void)told(ledger.forget_confirmed(at(1'000'000).wall, 0, 100));
  read_queue(ledger);
}

}  // namespace
}  // namespace tapd::fuzz

// The name that libFuzzer calls.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tapd::fuzz;
  static const Template bar;
  constexpr int most_edits = 12;
  bar.renew();
  {
    SQLite::Database database{bar.copy().string(), SQLite::OPEN_READWRITE};
    database.exec(
        "PRAGMA ignore_check_constraints = ON; PRAGMA synchronous = OFF;"
        "PRAGMA journal_mode = MEMORY; BEGIN");
    Bytes input{data, size};
    for (int i = 0; i < most_edits && !input.at_end(); ++i) edit(database, bar.tables(), input);
    database.exec("COMMIT");
  }
  try {
    Ledger ledger{{.file = bar.copy(), .vfs = bar.disk(), .boot = boot}};
    use(ledger);
  } catch (const tapd::storage::OpenError& refusal) {
    promise(std::strlen(refusal.what()) > 0, "a refusal without a word");
  }
  return 0;
}
