// The engine, a venue and a network with faults, in virtual time: one thread, one queue of events,
// everything from one seed. It checks at every step what must hold at every moment and stops at the
// first breach.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "sync/engine.hpp"
#include "tests/sync/samples.hpp"
#include "tests/sync/test_books.hpp"
#include "tests/sync/venue.hpp"

namespace tapd::sync::test {

/// How often each thing goes wrong, per thousand requests.
struct Faults {
  std::uint64_t lost_before{0};  ///< The request never arrives.
  std::uint64_t lost_after{0};   ///< The server did it, the answer is lost.
  std::uint64_t duplicated{0};   ///< It arrives twice, the second time much later.
  std::uint64_t unavailable{0};  ///< 503, nothing was done.
  std::uint64_t late_error{0};   ///< 504, though it was done.
  std::uint64_t throttled{0};    ///< 429 with Retry-After.
  std::uint64_t garbage{0};      ///< Done, but the answer is damaged.
  std::uint64_t web_page{0};     ///< A portal's login page, nothing was done.
  std::uint64_t slow{0};         ///< Done, answered after up to 20 s.
};

/// A time in which every request meets the same fate.
struct Outage {
  enum class Kind : std::uint8_t {
    no_link,
    black_hole,
    unavailable,
    server_error,
    web_page,
    token,
    fixed,
    overdue,  ///< Somebody on the way answers `fixed`, and the server does it all the same, later.
  };
  std::chrono::milliseconds from{};
  std::chrono::milliseconds until{};
  Kind kind{Kind::no_link};
  HttpOutcome fixed{};                  ///< What everybody gets, for Kind::fixed and overdue.
  std::string only_path{};              ///< Empty: all.
  std::chrono::milliseconds overdue{};  ///< So much later.
};

class Play {
 public:
  Play(std::uint64_t seed, TestBooks& books, Venue& venue, EngineOptions options);

  /// Does `what` at that time.
  void at_time(std::chrono::milliseconds when, std::function<void()> what);
  /// The pour ends at that time.
  void pour_at(std::chrono::milliseconds when, model::Pour pour);
  void ask_at(std::chrono::milliseconds when, std::uint64_t guest);
  /// The guest of the pour lays the card on, and pours for so long when the server allows it or the
  /// cache decides. `then` happens at the end, or at
  /// once when nothing was poured.
  struct Visit {
    std::uint64_t guest;
    model::Pour pour;
    std::chrono::milliseconds length;
    std::function<void(bool poured)> then;
  };
  void visit_at(std::chrono::milliseconds when, Visit visit);
  /// The daemon dies and starts again: what was in flight is forgotten.
  void restart_at(std::chrono::milliseconds when);
  void run_until(std::chrono::milliseconds when);
  /// The one that runs.
  [[nodiscard]] Engine& engine() { return *engine_; }

  Faults faults;
  std::vector<Outage> outages;
  std::vector<std::uint64_t> watched_guests;  ///< Whose available balance is checked.

  [[nodiscard]] std::chrono::milliseconds now() const;
  /// Everything told so far, with its time.
  [[nodiscard]] const std::vector<std::pair<std::chrono::milliseconds, Notice>>& told() const {
    return told_;
  }
  template<typename Kind>
  [[nodiscard]] std::vector<Kind> told_of() const {
    std::vector<Kind> found;
    for (const auto& [when, notice] : told_) {
      if (const auto* const kind = std::get_if<Kind>(&notice)) found.push_back(*kind);
    }
    return found;
  }
  /// Requests the engine started, by path.
  [[nodiscard]] int started(const std::string& path) const;
  /// What was poured so far, by guest id.
  [[nodiscard]] const std::map<std::string, std::vector<model::Pour>>& poured() const {
    return poured_;
  }
  /// The first breach of what must always hold; empty: none.
  [[nodiscard]] const std::string& breach() const { return breach_; }

 private:
  using Key = std::pair<model::SinceBoot, std::uint64_t>;

  void pump();
  void carry(const Outgoing& outgoing);
  void repeat(const Outgoing& outgoing, model::SinceBoot latest);
  void arrive(const HttpRequest& request, RequestId id, model::SinceBoot answer_at);
  void deliver(RequestId id, HttpOutcome outcome, model::SinceBoot when);
  void take(Notice notice);
  void ended(const model::Pour& pour);
  void begin_visit(const AuthorizeAnswered& answered);
  void check_asks();
  void check_balances();
  [[nodiscard]] std::int64_t not_booked(std::uint64_t guest) const;
  void breached(std::string what);
  [[nodiscard]] const Outage* outage(const std::string& path) const;
  void be_quiet();
  void meet(const Outage& outage, const Outgoing& outgoing);
  [[nodiscard]] model::SinceBoot within(std::chrono::milliseconds most);

  TestBooks& books_;
  Venue& venue_;
  EngineOptions options_;
  Dice dice_;
  std::unique_ptr<Engine> engine_;
  std::map<Key, std::function<void()>> events_;
  std::uint64_t sequence_{0};
  std::uint64_t life_{0};
  model::SinceBoot now_{};
  struct Carried {
    std::string path;
    bool books{false};  ///< Its answer, whatever becomes of it, is of pours that cost something.
  };
  std::map<RequestId, Carried> in_flight_;
  std::set<std::pair<std::uint64_t, RequestId>> answered_;  ///< By life and request.
  model::SinceBoot quiet_until_{};  ///< No pours before, see EngineOptions::settle_wait.
  std::map<std::uint64_t, model::SinceBoot> asks_;  ///< Ticket to deadline.
  std::uint64_t ticket_{0};
  std::map<std::uint64_t, Visit> visits_;                   ///< By the ticket of what was asked.
  std::map<std::string, std::vector<model::Pour>> poured_;  ///< By guest id.
  std::map<std::string, int> started_;
  std::vector<std::pair<std::chrono::milliseconds, Notice>> told_;
  int pumps_at_once_{0};
  model::SinceBoot pumped_at_{-1};
  std::string breach_;
};

}  // namespace tapd::sync::test
