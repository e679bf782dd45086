// A small bar to test the ledger with: guests, cards, taps and moments by number, and short ways to
// write a pour. Also a second look at the ledger's file, from outside, while no ledger holds it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include <SQLiteCpp/SQLiteCpp.h>
#include <catch2/catch_tostring.hpp>

#include "storage/ledger.hpp"
#include "tests/storage/faulty_disk.hpp"
#include "tests/support/temp_dir.hpp"

namespace tapd::test {

inline const model::BootId this_boot{"11111111-2222-4333-8444-555555555555"};
inline const model::BootId next_boot{"99999999-2222-4333-8444-555555555555"};

/// `seconds` after the boot, which began at 2026-11-21T10:00:00Z; the clock is trusted.
[[nodiscard]] model::Moment at(std::int64_t seconds);
[[nodiscard]] model::Moment at_milliseconds(std::int64_t milliseconds);

[[nodiscard]] model::ClientTxId pour_id(std::uint64_t number);
[[nodiscard]] model::GuestId guest(std::int64_t number);
[[nodiscard]] model::CardUid card(std::int64_t number);
[[nodiscard]] model::KegId keg(std::int64_t number);

/// A pour of guest and card 1 on tap 1 at 5.00 per litre with a hold of 10.00, begun at second 10.
[[nodiscard]] model::PourBegin beginning(std::uint64_t number);
/// Progress of that pour: priced by its volume, 2 pulses per millilitre, no tail.
[[nodiscard]] model::PourProgress progress(std::uint64_t number, std::int64_t millilitres,
                                           std::int64_t second = 12);
[[nodiscard]] model::PourEnd ending(std::uint64_t number, std::int64_t millilitres,
                                    std::int64_t second = 15);
/// A verdict on that pour.
[[nodiscard]] storage::Verdict verdict(std::uint64_t number, storage::Verdict::Kind kind);

/// Begins and ends pour `number` with `millilitres`; requires that both work.
void pour(storage::Ledger& ledger, std::uint64_t number, std::int64_t millilitres);
/// Sends and confirms it.
void confirm(storage::Ledger& ledger, std::uint64_t number);

/// A ledger in a folder of its own, which can be closed and opened again. Nothing is synced to the
/// medium: that makes the tests quick, and faults have a test of their own.
class Bar {
 public:
  Bar();
  [[nodiscard]] std::filesystem::path file() const { return folder_ / "tap.db"; }
  [[nodiscard]] storage::Ledger& ledger() { return *ledger_; }
  void close() { ledger_.reset(); }
  void open(const model::BootId& boot = this_boot);
  void reopen(const model::BootId& boot = this_boot) {
    close();
    open(boot);
  }

  /// One value from the file. Only while the ledger is closed.
  [[nodiscard]] std::string value(const std::string& query) const;
  /// The same as if the power had gone just now. Only while the ledger is open.
  [[nodiscard]] std::string value_after_cut(const std::string& query) const;
  /// Runs a statement on the file; the error's text, or nothing when it worked. Only while closed.
  [[nodiscard]] std::optional<std::string> refusal(const std::string& statement) const;

 private:
  FaultyDisk disk_;
  TempDir folder_;
  std::optional<storage::Ledger> ledger_;
};

/// "refused: ..." for an error, "ok" for success: readable in a failed check.
template<typename T>
[[nodiscard]] std::string outcome(const storage::Result<T>& result) {
  if (result) return "ok";
  switch (result.error().kind) {
    case storage::Error::Kind::refused:
      return "refused: " + result.error().message;
    case storage::Error::Kind::io:
      return "io: " + result.error().message;
    case storage::Error::Kind::full:
      return "full: " + result.error().message;
    case storage::Error::Kind::corrupt:
      return "corrupt: " + result.error().message;
  }
  return "?";
}

}  // namespace tapd::test

namespace Catch {
template<>
struct StringMaker<tapd::model::Money> {
  static std::string convert(tapd::model::Money value) { return tapd::model::to_text(value); }
};
template<>
struct StringMaker<tapd::model::Volume> {
  static std::string convert(tapd::model::Volume value) {
    return std::to_string(value.in_microlitres()) + " ul";
  }
};
template<>
struct StringMaker<tapd::model::PourStatus> {
  static std::string convert(tapd::model::PourStatus value) {
    return std::string{tapd::model::to_text(value)};
  }
};
template<>
struct StringMaker<tapd::model::StopReason> {
  static std::string convert(tapd::model::StopReason value) {
    return std::string{tapd::model::to_text(value)};
  }
};
}  // namespace Catch
