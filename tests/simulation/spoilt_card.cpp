#include "spoilt_card.hpp"

#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Exception.h>
#include <SQLiteCpp/Statement.h>

#include "storage/backup.hpp"
#include "storage/restoring.hpp"
#include "tests/storage/files.hpp"

namespace tapd::simulation {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t page_size = 4'096;
constexpr int copied_at_once = 64;

/// Where a file of the simulated card lies among the real ones.
fs::path in(const fs::path& folder, const std::string& name) {
  return folder / fs::path{name}.relative_path();
}

/// The ledger and what belongs to it, from one medium to the other.
void write_out(const crash::Image& card, const fs::path& folder) {
  fs::create_directory(folder);
  for (const auto& [name, bytes] : card) {
    test::write_file(in(folder, name), {bytes.begin(), bytes.end()});
  }
}

crash::Image read_in(const fs::path& folder) {
  crash::Image card;
  for (const char* suffix : {"", "-wal", "-guard"}) {
    const std::string name = std::string{crash::ledger_name} + suffix;
    if (!fs::exists(in(folder, name))) continue;
    const std::string bytes = test::bytes_of(in(folder, name));
    card[name] = crash::Bytes{bytes.begin(), bytes.end()};
  }
  return card;
}

}  // namespace

bool SpoiltCard::back_up(storage::Ledger& ledger) {
  const fs::path copy = storage::unfinished_name(backup());
  if (!ledger.begin_copy(copy)) return false;
  for (;;) {
    const auto complete = ledger.continue_copy(copied_at_once);
    if (!complete) {
      ledger.drop_copy();
      return false;
    }
    if (*complete) break;
  }
  return storage::keep_copy(copy, backup()).has_value();
}

/// Asked of another copy: what was not opened as a ledger yet is to be spoilt.
std::vector<std::int64_t> SpoiltCard::pages_without_pours(const crash::Image& card) const {
  const fs::path folder = folder_ / "look";
  write_out(card, folder);
  std::vector<std::int64_t> pages;
  try {
    SQLite::Database ledger{in(folder, crash::ledger_name), SQLite::OPEN_READWRITE};
    // Not the rows of books that a later start needs, and that no server could tell.
    SQLite::Statement spoilable{
        ledger,
        "SELECT pageno FROM dbstat WHERE pagetype = 'internal' OR name IN (SELECT name FROM"
        " sqlite_schema WHERE type = 'index' OR tbl_name IN ('guests', 'cards', 'beverages',"
        " 'kegs', 'taps', 'system_states')) OR name = 'sqlite_schema' ORDER BY pageno"};
    while (spoilable.executeStep()) pages.push_back(spoilable.getColumn(0).getInt64());
  } catch (const SQLite::Exception&) {
    pages.clear();  // The power cut itself left something to be mended first.
  }
  fs::remove_all(folder);
  return pages;
}

std::optional<SpoiltCard::Restored> SpoiltCard::spoil(const crash::Image& card,
                                                      const model::BootId& boot,
                                                      const model::Moment& now) {
  const std::vector<std::int64_t> pages = pages_without_pours(card);
  crash::Image spoilt = card;
  crash::Bytes& bytes = spoilt[crash::ledger_name];
  bool touched = false;
  for (std::uint64_t blocks = 1 + random_.below(3); blocks > 0 && !pages.empty(); --blocks) {
    const auto page = static_cast<std::size_t>(pages[random_.below(pages.size())]);
    const bool zeroes = random_.chance(50);
    if (page * page_size > bytes.size()) continue;  // It is in the log only.
    touched = true;
    for (std::size_t i = (page - 1) * page_size; i < page * page_size; ++i) {
      bytes[i] = zeroes ? 0 : static_cast<unsigned char>(random_.next());
    }
  }
  if (!touched) return {};

  const fs::path folder = folder_ / "card";
  write_out(spoilt, folder);
  storage::RestoreOptions options;
  options.ledger.file = in(folder, crash::ledger_name);
  options.ledger.boot = boot;
  options.backup = backup();
  options.start_empty_after_loss = true;
  options.now = now;
  std::vector<std::string> told;
  static_cast<void>(storage::open_or_restore(options, told));
  Restored restored{read_in(folder), told.size()};
  if (planted_ == Planted::backup_alone && fs::exists(backup())) {
    fs::remove_all(folder);
    fs::create_directory(folder);
    fs::copy_file(backup(), options.ledger.file);
    restored = {read_in(folder), 1};
  }
  fs::remove_all(folder);
  return restored;
}

}  // namespace tapd::simulation
