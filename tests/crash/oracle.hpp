// The truth, kept beside the ledger in a few lines of its own: which pours there are and how far
// they have come, and what the venue server has booked. The crash tests compare the ledger with it
// after every power cut. It knows nothing of SQLite.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "storage/ledger.hpp"

namespace tapd::crash {

inline constexpr int guests = 3;
inline constexpr int taps = 2;
inline constexpr std::int64_t opening_balance = 20'000;
inline constexpr model::LitrePrice litre_price{500};

[[nodiscard]] model::Moment at(std::int64_t second);
[[nodiscard]] model::ClientTxId pour_id(std::uint64_t number);
[[nodiscard]] model::GuestId guest_id(int number);
[[nodiscard]] model::CardUid card_uid(int number);

/// One pour as it must be in the ledger.
struct TruePour {
  int guest{1};
  std::int32_t tap{1};
  std::int64_t hold{0};
  std::int64_t millilitres{0};
  model::PourStatus status{model::PourStatus::open};
  bool operator==(const TruePour&) const = default;
};
[[nodiscard]] std::int64_t price(const TruePour& pour);

/// Every pour by its number, and the marker of what the server was told.
struct Sheet {
  std::map<std::uint64_t, TruePour> pours;
  bool operator==(const Sheet&) const = default;
  /// As a restart must leave it: what was open is finished with its last progress.
  [[nodiscard]] Sheet finished() const;
};

/// The venue server: books each id once, unless it is the one that forgets to look.
class Server {
 public:
  explicit Server(bool unique_key = true) : unique_key_{unique_key} {}
  /// Books the pour and answers the verdict; a repeated one gets the first answer.
  storage::Verdict::Kind judge(std::uint64_t pour, const TruePour& facts, bool refuses);
  [[nodiscard]] bool judged(std::uint64_t pour) const { return judged_.contains(pour); }
  /// How often the pour was charged.
  [[nodiscard]] int charges(std::uint64_t pour) const;
  [[nodiscard]] bool refused(std::uint64_t pour) const;
  [[nodiscard]] std::int64_t balance(int guest) const;
  [[nodiscard]] model::Snapshot snapshot() const;

 private:
  struct Judgement {
    storage::Verdict::Kind kind;
    int charges;
  };
  bool unique_key_;
  std::map<std::uint64_t, Judgement> judged_;
  std::map<int, std::int64_t> spent_;
};

/// What the guest may still spend, if the server knew everything that is on the sheet.
[[nodiscard]] std::int64_t true_balance(const Sheet& sheet, const Server& server, int guest);

/// The finished pours of a ledger as a sheet; empty when it cannot be read.
[[nodiscard]] storage::Result<Sheet> read_sheet(const storage::Ledger& ledger);

/// The first difference in words: "pour 7 is lost"; nothing when they are the same.
[[nodiscard]] std::optional<std::string> difference(const Sheet& expected, const Sheet& found);

}  // namespace tapd::crash
