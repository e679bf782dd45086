// A venue server in memory that keeps the wire contract: it books each client_tx_id once, keeps
// balances, tells snapshots with ETags, and does on request what servers do wrong. It judges rows
// one by one like the reference server; `poison` makes whole requests fail as on the existing one.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "storage/model/records.hpp"
#include "sync/transport.hpp"

namespace tapd::sync::test {

class Venue {
 public:
  Venue() = default;
  virtual ~Venue() = default;
  Venue(const Venue&) = delete;
  Venue& operator=(const Venue&) = delete;
  Venue(Venue&&) = delete;
  Venue& operator=(Venue&&) = delete;

  /// How a row spoils its request, or is turned down.
  struct Poison {
    int whole_status{0};  ///< Not 0: the whole request gets this status.
    int rejections{0};    ///< So many times `rejected_tap_or_keg_state`, then accepted.
    std::string outcome;  ///< Not empty: always rejected with this.
  };

  /// Makes guest test::guest_uuid(number) with card test::card(number).
  void add_guest(std::uint64_t number, std::int64_t balance);
  void change_balance(std::uint64_t number, std::int64_t by);

  /// A day begins; the guests are there.
  virtual void open(std::uint64_t /*seed*/) {}
  /// Whether each of its pours has an answer that stays the same.
  [[nodiscard]] bool has_recorded(const HttpRequest& request) const;
  /// Carries the request out and answers.
  [[nodiscard]] virtual HttpResponse answer(const HttpRequest& request);
  /// What else its books say at the end of a day; empty: nothing is wrong.
  [[nodiscard]] virtual std::string objection() { return objection_; }

  bool has_snapshot{true};
  int snapshot_status{0};  ///< Not 0: what a request for the snapshot gets.
  bool knows_since{true};  ///< Else it answers whole snapshots only.
  int since_status{0};     ///< Not 0: what a request for changes gets.
  int since_says{0};       ///< Not 0: the revision that changes pretend to start from.
  int since_asked{0};      ///< Requests for changes.
  bool emergency_stop{false};
  int status_status{0};  ///< Not 0: what a request for the system status gets.
  /// Charges a row only when an authorization of its card at its tap is live, and uses that up.
  bool demands_leave{false};
  /// Locks a card to the tap it was authorized at until a row of both comes, as the reference
  /// server does; one that demands leave does in any case.
  bool locks_cards{false};
  std::string token{"secret"};
  std::map<std::string, Poison> poison;       ///< By client_tx_id.
  std::map<std::string, std::string> denied;  ///< Card UID to reason of a 403.
  std::map<std::string, int> no_leave;        ///< Card UID to the status its authorizations get.

  struct Booking {
    std::int64_t price{0};
    std::int64_t volume{0};
    std::int64_t tail{0};
    std::string guest;
    int times_sent{0};
    std::string content{};  ///< Empty: not known.
  };
  std::map<std::string, Booking> booked;
  std::map<std::string, std::int64_t> balances;  ///< By guest id.
  std::map<std::string, int> requests;           ///< By path.
  int changes_told{0};                           ///< Snapshots that were changes only.
  std::vector<std::string> versions;             ///< As announced.
  std::vector<std::string> noted;                ///< Pours that were `audit_only`.
  std::vector<std::string> releases;             ///< Ids of rows without a volume, as they came.
  std::vector<std::string> flow_events;          ///< "event_id status volume", as told.
  int pours_status{0};                           ///< Not 0: what every request with pours gets.
  int register_status{0};
  int flow_status{0};                         ///< Not 0: what every flow event gets.
  std::string flow_poison;                    ///< The event that gets a 500.
  std::map<std::string, std::int64_t> locks;  ///< Live authorizations: card UID to tap.
  /// Gives a card to another guest.
  void hand_on(std::uint64_t card_number, std::uint64_t guest);

 private:
  HttpResponse pours(const HttpRequest& request);
  [[nodiscard]] bool is_locked_elsewhere(const nlohmann::json& row) const;
  nlohmann::json judge(const nlohmann::json& row);
  [[nodiscard]] std::string content_of(const nlohmann::json& row) const;
  void book(const nlohmann::json& row);
  HttpResponse authorize(const HttpRequest& request);
  HttpResponse flow_event(const HttpRequest& request);
  HttpResponse snapshot(const HttpRequest& request);
  [[nodiscard]] nlohmann::json snapshot_body() const;

  std::map<std::string, std::string> told_;   ///< Whole snapshots, by ETag.
  std::map<std::string, std::string> cards_;  ///< Card UID to guest id.
  std::set<std::string> turned_down_;         ///< Ids recorded without a charge.
  std::int64_t revision_{1};
  std::string objection_;
};

}  // namespace tapd::sync::test
