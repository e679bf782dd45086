#include "tests/storage/bar.hpp"

#include <fmt/format.h>
#include <catch2/catch_test_macros.hpp>

namespace tapd::test {
namespace {

const model::WallTime boot_began =
    std::chrono::sys_days{std::chrono::year{2026} / 11 / 21} + std::chrono::hours{10};

}  // namespace

model::Moment at_milliseconds(std::int64_t milliseconds) {
  const std::chrono::milliseconds since_boot{milliseconds};
  return model::Moment{since_boot, boot_began + since_boot, true};
}

model::Moment at(std::int64_t seconds) {
  return at_milliseconds(seconds * 1000);
}

model::ClientTxId pour_id(std::uint64_t number) {
  std::array<std::uint8_t, 16> bytes{};
  for (std::size_t i = 0; i < 8; ++i) {
    bytes.at(i) = static_cast<std::uint8_t>(number >> (8U * (7U - i)));
    bytes.at(15 - i) = static_cast<std::uint8_t>(number * 0x9E37U >> (8U * i));
  }
  return model::ClientTxId::from_random(bytes);
}

model::GuestId guest(std::int64_t number) {
  return model::GuestId{fmt::format("aaaaaaaa-0000-4000-8000-{:012}", number)};
}

model::CardUid card(std::int64_t number) {
  return model::CardUid::parse(fmt::format("{:014x}", number)).value();
}

model::KegId keg(std::int64_t number) {
  return model::KegId{fmt::format("bbbbbbbb-0000-4000-8000-{:012}", number)};
}

model::PourBegin beginning(std::uint64_t number) {
  model::PourBegin begin;
  begin.client_tx_id = pour_id(number);
  begin.guest_id = guest(1);
  begin.card_uid = card(1);
  begin.tap_id = model::TapId{1};
  begin.keg_id = keg(1);
  begin.price = model::LitrePrice{500};
  begin.authorized_by = model::AuthorizedBy::server;
  begin.hold = model::Money{1000};
  begin.start = at(10);
  begin.calibration_id = 1;
  return begin;
}

model::PourProgress progress(std::uint64_t number, std::int64_t millilitres, std::int64_t second) {
  model::PourProgress progress;
  progress.client_tx_id = pour_id(number);
  progress.volume = model::Volume::millilitres(millilitres);
  progress.price = model::price_of(progress.volume, model::LitrePrice{500});
  progress.pulses = 2 * millilitres;
  progress.at = at(second);
  return progress;
}

model::PourEnd ending(std::uint64_t number, std::int64_t millilitres, std::int64_t second) {
  return model::PourEnd{progress(number, millilitres, second), model::StopReason::card_removed};
}

storage::Verdict verdict(std::uint64_t number, storage::Verdict::Kind kind) {
  return storage::Verdict{pour_id(number), kind, "accepted", ""};
}

void pour(storage::Ledger& ledger, std::uint64_t number, std::int64_t millilitres) {
  REQUIRE(outcome(ledger.begin_pour(beginning(number), this_boot)) == "ok");
  REQUIRE(outcome(ledger.end_pour(ending(number, millilitres))) == "ok");
}

void confirm(storage::Ledger& ledger, std::uint64_t number) {
  REQUIRE(outcome(ledger.mark_sent({pour_id(number)}, at(20))) == "ok");
  REQUIRE(outcome(ledger.apply_verdicts({verdict(number, storage::Verdict::Kind::confirmed)}, 10,
                                        at(21), at(30))) == "ok");
}

Bar::Bar() {
  open();
}

void Bar::open(const model::BootId& boot) {
  ledger_.emplace(storage::LedgerOptions{file(), disk_.name(), boot});
}

std::string Bar::value(const std::string& query) const {
  SQLite::Database database{file().string(), SQLite::OPEN_READONLY};
  SQLite::Statement statement{database, query};
  return statement.executeStep() ? statement.getColumn(0).getString() : "no row";
}

std::string Bar::value_after_cut(const std::string& query) const {
  const TempDir left;
  for (const char* suffix : {"", "-wal"}) {
    std::filesystem::copy_file(file().string() + suffix, (left / "cut.db").string() + suffix);
  }
  SQLite::Database database{(left / "cut.db").string(), SQLite::OPEN_READWRITE};
  return database.execAndGet(query).getString();
}

std::optional<std::string> Bar::refusal(const std::string& statement) const {
  SQLite::Database database{file().string(), SQLite::OPEN_READWRITE};
  database.exec("PRAGMA recursive_triggers = ON");
  try {
    database.exec(statement);
  } catch (const SQLite::Exception& exception) {
    return exception.what();
  }
  return std::nullopt;
}

}  // namespace tapd::test
