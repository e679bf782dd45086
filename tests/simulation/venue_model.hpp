// The venue server as the wire contract has it, in memory: it books each client_tx_id once, keeps
// balances, judges rows one by one, authorizes, and tells snapshots. What it does wrong on purpose
// is done by the network around it; what no server may be asked to do (another content under a
// known id, a price that was never asked) it reports as a breach.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "plan.hpp"
#include "storage/model/records.hpp"
#include "sync/transport.hpp"
#include "told_snapshots.hpp"
#include "trace.hpp"

namespace tapd::simulation {

inline constexpr const char* venue_token = "token-of-the-simulation";

struct Account {
  model::CardUid card;
  std::int64_t balance{0};
  model::CardStatus status{model::CardStatus::active};
};

/// A row as the server has it.
struct Booking {
  std::string guest;
  std::string card;
  std::int64_t tap{0};
  std::int64_t volume_ml{0};
  std::int64_t tail_ml{0};
  std::int64_t price{0};
  bool charged{false};
  bool refused{false};  ///< Recorded, never charged.
  bool audited{false};  ///< Noted for staff, as nothing allowed it.
  int times_sent{0};
  bool operator==(const Booking&) const = default;
};

class VenueModel {
 public:
  VenueModel(const Plan& plan, const Agenda& agenda, Trace& trace);

  [[nodiscard]] sync::HttpResponse answer(const sync::HttpRequest& request);

  // What happens at the venue.
  void top_up(std::size_t guest, std::int64_t amount);
  void spend_elsewhere(std::size_t guest, std::int64_t amount);
  void set_card(std::size_t guest, model::CardStatus status);
  void set_emergency_stop(bool on);
  /// Two guests' cards are given out anew, each to the other.
  void exchange_cards(std::size_t guest, std::size_t other);
  void set_tap(std::size_t tap, model::TapStatus status);
  void set_price(std::int64_t minor_per_litre);
  void connect_keg(std::size_t tap, std::int64_t millilitres);
  bool refuses_token{false};
  /// Staff end the authorizations that nobody uses any more.
  void end_locks(const std::function<bool(const std::string& card, std::int64_t tap)>& in_use) {
    std::erase_if(locks_, [&](const auto& lock) { return !in_use(lock.first, lock.second.tap); });
  }

  [[nodiscard]] const std::map<std::string, Booking>& bookings() const { return bookings_; }
  [[nodiscard]] const std::vector<Account>& accounts() const { return accounts_; }
  /// Throws std::out_of_range when there is no such guest.
  [[nodiscard]] const Account& account_of(const model::GuestId& guest) const;
  /// Flow events that were told of and never ended.
  [[nodiscard]] std::vector<std::string> open_events() const;
  [[nodiscard]] bool emergency_stop() const { return emergency_stop_; }
  [[nodiscard]] std::int64_t highest_price() const { return highest_price_; }
  /// All that a litre ever cost here.
  [[nodiscard]] const std::set<std::int64_t>& prices() const { return prices_; }
  [[nodiscard]] std::int64_t opening_balances() const { return opening_balances_; }
  /// All that was ever put in and taken out but for pours.
  [[nodiscard]] std::int64_t other_movements() const { return other_movements_; }

  /// Called when a row is charged for the first time.
  std::function<void(const std::string& client_tx_id, const Booking&)> on_charge;
  /// Called when a card is allowed to pour.
  std::function<void(const std::string& card, std::int64_t tap)> on_allow;
  /// Called when a card may not pour.
  std::function<void(const std::string& card, std::int64_t tap)> on_deny;
  /// Called before, when that is because it has leave to pour at another tap.
  std::function<void(const std::string& card, std::int64_t tap)> on_in_use;

 private:
  struct Keg {
    std::string id;
    std::int64_t initial_ml{0};
    std::int64_t left_ml{0};
  };
  struct Tap {
    Keg keg;
    model::TapStatus status{model::TapStatus::active};
  };

  [[nodiscard]] Account* owner_of(const std::string& card);
  [[nodiscard]] sync::HttpResponse authorize(const nlohmann::json& asked);
  [[nodiscard]] sync::HttpResponse leave_for(const std::string& card, std::int64_t tap);
  [[nodiscard]] sync::HttpResponse pours(const nlohmann::json& asked);
  [[nodiscard]] sync::HttpResponse flow_event(const nlohmann::json& asked);
  [[nodiscard]] sync::HttpResponse snapshot(const sync::HttpRequest& request);
  [[nodiscard]] nlohmann::json whole() const;
  [[nodiscard]] std::optional<nlohmann::json> changes_for(const sync::HttpRequest& request,
                                                          const nlohmann::json& now) const;
  [[nodiscard]] nlohmann::json judge(const nlohmann::json& row);
  void unlock(const Booking& row);
  void charge(const std::string& id, Booking& booking);

  const Plan& plan_;
  const Agenda& agenda_;
  Trace& trace_;
  Random random_;
  std::vector<Account> accounts_;
  std::set<std::pair<std::string, std::string>> owners_;  ///< Guest and card, now or before.
  std::vector<Tap> taps_;
  std::map<std::string, Booking> bookings_;
  std::map<std::string, int> turned_down_;  ///< Rows that are refused so many times more.
  struct Lock {
    std::int64_t tap{0};
    Time until{};
  };
  /// Nothing where the card may pour anywhere.
  [[nodiscard]] std::optional<std::int64_t> tap_of(const std::string& card) const;
  std::map<std::string, Lock> locks_;  ///< By card: the authorizations that are live.
  struct ToldEvent {
    std::int64_t volume{0};
    bool stopped{false};
  };
  std::map<std::string, ToldEvent> told_;  ///< Each flow event.
  ToldSnapshots snapshots_;
  std::int64_t price_{650};
  std::int64_t highest_price_{650};
  std::set<std::int64_t> prices_{650};
  std::int64_t revision_{1};
  std::int64_t kegs_{0};
  std::int64_t other_movements_{0};
  std::int64_t opening_balances_{0};
  bool emergency_stop_{false};
};

[[nodiscard]] std::string guest_id(std::size_t guest);
[[nodiscard]] model::CardUid card_of(std::size_t guest);
/// Staff have one too, that opens the menu at the taps; the venue does not know it.
inline constexpr std::size_t staff_member = 60'001;

}  // namespace tapd::simulation
