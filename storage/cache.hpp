// What the venue server told, and what follows from it for one card at one tap. Used by the ledger;
// throws Refusal, BadRow and SQLite's exceptions. It answers questions and decides nothing: whether
// a guest may pour is the daemon's policy.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Statement.h>

#include "storage/hearings.hpp"
#include "storage/ledger.hpp"
#include "storage/marks.hpp"
#include "storage/told_rows.hpp"

namespace tapd::storage {

class Cache {
 public:
  Cache(SQLite::Database& database, Marks& marks, Hearings& hearings, ToldRows& told);

  // Meanings are those of the ledger's functions of the same names.
  void hear_balance(const HeardBalance& heard, const model::BootId& boot);
  void hear_card_status(const model::CardUid& card, model::CardStatus status,
                        const model::Moment& at);
  void hear_system_state(const model::SystemState& state, const model::Moment& at);
  [[nodiscard]] AuthorizationFacts facts(const model::CardUid& card, model::TapId tap);
  [[nodiscard]] std::vector<AuthorizationFacts> spenders(const model::GuestId& after,
                                                         std::size_t most);
  [[nodiscard]] std::vector<model::Tap> taps();
  [[nodiscard]] bool emergency_stop();

 private:
  [[nodiscard]] std::optional<model::Card> card(const model::CardUid& uid);
  [[nodiscard]] std::optional<model::Tap> tap(model::TapId id);
  [[nodiscard]] std::optional<model::Keg> keg(const model::KegId& id);
  [[nodiscard]] std::optional<model::Beverage> beverage(const model::BeverageId& id);
  void add_guest(AuthorizationFacts& facts, const model::GuestId& id);
  /// Charges and holds of the guest that a balance asked for at `asked` does not contain.
  [[nodiscard]] model::Money not_contained(const model::GuestId& guest, Marker asked);
  [[nodiscard]] bool newer_balance_known(const model::GuestId& guest, Marker asked);

  Marks& marks_;
  Hearings& hearings_;
  ToldRows& told_;
  SQLite::Statement card_;
  SQLite::Statement guest_;
  SQLite::Statement charges_;
  SQLite::Statement spenders_;
  SQLite::Statement tap_;
  SQLite::Statement taps_;
  SQLite::Statement keg_;
  SQLite::Statement beverage_;
  SQLite::Statement stop_;
  SQLite::Statement put_guest_;
  SQLite::Statement put_card_;
  SQLite::Statement refusal_;
  SQLite::Statement refuse_card_;
  SQLite::Statement admit_card_;
  SQLite::Statement put_state_;
};

}  // namespace tapd::storage
