// Random evenings of pours, sends, lost answers, verdicts, snapshots and restarts against a model
// of the venue server of a few lines: what the ledger says is available is never more than the
// truth, and exactly the truth once everything is settled.
#include <catch2/catch_test_macros.hpp>
#include <map>
#include <optional>
#include <vector>

#include "tests/storage/bar.hpp"
#include "tests/storage/random.hpp"

using namespace tapd;
using namespace tapd::test;
using model::Money;
using storage::Marker;
using storage::Verdict;

namespace {

constexpr int guests = 3;
constexpr int taps = 2;

/// The venue server: books each id once, and says what each guest has left.
class Server {
 public:
  Server() {
    for (int number = 1; number <= guests; ++number) balances_[guest(number)] = Money{20'000};
  }
  /// Books a pour, or notes that this guest cannot pay it (never below zero, if so wished).
  Verdict::Kind judge(const model::Pour& pour, bool refuses) {
    const auto known = judged_.find(pour.begin.client_tx_id);
    if (known != judged_.end()) return known->second;
    const auto kind = refuses ? Verdict::Kind::final_failure : Verdict::Kind::confirmed;
    if (!refuses) balances_[pour.begin.guest_id] -= pour.price;
    return judged_[pour.begin.client_tx_id] = kind;
  }
  /// What is still to be booked of a pour that exists: nothing once it was judged.
  [[nodiscard]] bool judged(const model::ClientTxId& id) const { return judged_.contains(id); }
  void top_up(const model::GuestId& id, Money amount) { balances_[id] += amount; }
  [[nodiscard]] Money balance(const model::GuestId& id) const { return balances_.at(id); }
  [[nodiscard]] model::Snapshot snapshot() const {
    model::Snapshot snapshot;
    for (int number = 1; number <= guests; ++number) {
      snapshot.guests.push_back({guest(number), "Guest", balance(guest(number)), true});
      snapshot.cards.push_back({card(number), guest(number), model::CardStatus::active});
    }
    return snapshot;
  }

 private:
  std::map<model::GuestId, Money> balances_;
  std::map<model::ClientTxId, Verdict::Kind> judged_;
};

struct Running {
  model::PourBegin begin;
  std::int64_t millilitres{0};
};
struct Finished {
  model::ClientTxId id;
  model::GuestId guest;
  Money price;
};
struct SnapshotOnItsWay {
  model::Snapshot snapshot;
  Marker asked{0};
};
struct AnswerOnItsWay {
  storage::HeardBalance heard;
};

class Evening {
 public:
  explicit Evening(std::uint64_t seed) : random_{seed} {}

  void run(int steps) {
    ask_snapshot();
    deliver_snapshot();
    for (int step = 0; step < steps; ++step) {
      ++second_;
      act();
      check();
    }
    settle();
  }

 private:
  void act() {
    switch (random_.below(12)) {
      case 0:
      case 1:
        return begin();
      case 2:
      case 3:
        return go_on();
      case 4:
      case 5:
        return end();
      case 6:
      case 7:
        return send(random_.chance(30));
      case 8:
        return random_.chance(50) ? ask_snapshot() : deliver_snapshot();
      case 9:
        return random_.chance(50) ? ask_authorization() : deliver_authorization();
      case 10:
        return server_.top_up(guest(random_.between(1, guests)), Money{random_.between(0, 500)});
      default:
        return random_.chance(20) ? restart() : send_parked_again();
    }
  }

  void begin() {
    const model::TapId tap{static_cast<std::int32_t>(random_.between(1, taps))};
    if (running_.contains(tap)) return;
    model::PourBegin begin = beginning(++pours_);
    const auto number = random_.between(1, guests);
    begin.tap_id = tap;
    begin.guest_id = guest(number);
    begin.card_uid = card(number);
    begin.hold = Money{random_.between(0, 300)};
    begin.start = at(second_);
    REQUIRE(outcome(bar_.ledger().begin_pour(begin, this_boot)) == "ok");
    running_[tap] = {begin, 0};
  }

  void go_on() {
    if (running_.empty()) return;
    Running& pour = running_.begin()->second;
    pour.millilitres += random_.between(0, 300);
    REQUIRE(outcome(bar_.ledger().record_progress(progress_of(pour))) == "ok");
  }

  void end() {
    if (running_.empty()) return;
    const auto last = std::prev(running_.end());
    const auto ended =
        bar_.ledger().end_pour({progress_of(last->second), model::StopReason::card_removed});
    REQUIRE(outcome(ended) == "ok");
    finished_.push_back({ended->begin.client_tx_id, ended->begin.guest_id, ended->price});
    running_.erase(last);
  }

  // A batch goes out. The server books what arrives; its answer may be lost, and a row may come
  // back unjudged or as an attempt spent although it was booked.
  void send(bool answer_lost) {
    const auto due = bar_.ledger().due_pours(3, at(second_));
    REQUIRE(due.has_value());
    std::vector<model::ClientTxId> ids;
    std::vector<Verdict> verdicts;
    for (const model::Pour& pour : *due) {
      ids.push_back(pour.begin.client_tx_id);
      Verdict verdict{pour.begin.client_tx_id, Verdict::Kind::not_judged, "", ""};
      if (!random_.chance(15)) verdict.kind = server_.judge(pour, random_.chance(10));
      if (random_.chance(10)) verdict.kind = Verdict::Kind::spend_attempt;
      verdicts.push_back(verdict);
    }
    REQUIRE(outcome(bar_.ledger().mark_sent(ids, at(second_))) == "ok");
    if (random_.chance(10)) ask_snapshot();  // While the answer is on its way.
    if (answer_lost) return;
    REQUIRE(outcome(bar_.ledger().apply_verdicts(verdicts, 3, at(second_), at(second_ + 5))) ==
            "ok");
  }

  void ask_snapshot() {
    const Marker asked = *bar_.ledger().ask_marker();
    snapshots_.push_back({server_.snapshot(), asked});
  }

  // Answers may overtake each other.
  void deliver_snapshot() {
    if (snapshots_.empty()) return;
    const auto which = static_cast<std::ptrdiff_t>(random_.below(snapshots_.size()));
    const SnapshotOnItsWay answer = snapshots_[static_cast<std::size_t>(which)];
    snapshots_.erase(snapshots_.begin() + which);
    REQUIRE(outcome(bar_.ledger().apply_snapshot(answer.snapshot, answer.asked, at(second_),
                                                 this_boot)) == "ok");
  }

  void ask_authorization() {
    const auto number = random_.between(1, guests);
    const Marker asked = *bar_.ledger().ask_marker();
    authorizations_.push_back({{card(number), guest(number), "Guest",
                                server_.balance(guest(number)), asked, at(second_)}});
  }

  void deliver_authorization() {
    if (authorizations_.empty()) return;
    const auto which = static_cast<std::ptrdiff_t>(random_.below(authorizations_.size()));
    REQUIRE(outcome(bar_.ledger().hear_balance(
                authorizations_[static_cast<std::size_t>(which)].heard, this_boot)) == "ok");
    authorizations_.erase(authorizations_.begin() + which);
  }

  void send_parked_again() {
    const auto newest = bar_.ledger().newest_pours(1000);
    REQUIRE(newest.has_value());
    for (const model::Pour& pour : *newest) {
      if (pour.status != model::PourStatus::failed) continue;
      REQUIRE(outcome(bar_.ledger().send_again(pour.begin.client_tx_id, "anna", at(second_))) ==
              "ok");
    }
  }

  void restart() {
    bar_.reopen();
    const auto recovered = bar_.ledger().finish_open_pours(at(second_));
    REQUIRE(outcome(recovered) == "ok");
    for (const auto& [pour] : *recovered) {
      finished_.push_back({pour.begin.client_tx_id, pour.begin.guest_id, pour.price});
    }
    running_.clear();
  }

  [[nodiscard]] model::PourProgress progress_of(const Running& pour) const {
    model::PourProgress now = progress(1, pour.millilitres, second_);
    now.client_tx_id = pour.begin.client_tx_id;
    return now;
  }

  [[nodiscard]] Money available(int number) {
    const auto facts = bar_.ledger().facts(card(number), model::TapId{1});
    REQUIRE(outcome(facts) == "ok");
    REQUIRE(facts->guest.has_value());
    return facts->available;
  }

  // What the guest could spend if the server knew everything that has happened here.
  [[nodiscard]] Money truth(int number) const {
    Money left = server_.balance(guest(number));
    for (const Finished& pour : finished_) {
      if (pour.guest == guest(number) && !server_.judged(pour.id)) left -= pour.price;
    }
    for (const auto& [tap, pour] : running_) {
      if (pour.begin.guest_id != guest(number)) continue;
      left -= std::max(pour.begin.hold, progress_of(pour).price);
    }
    return left;
  }

  void check() {
    for (int number = 1; number <= guests; ++number) REQUIRE(available(number) <= truth(number));
  }

  // The network is well, every answer arrives, and a snapshot is asked for after it all.
  void settle() {
    while (!running_.empty()) end();
    send_parked_again();
    second_ += 1000;
    for (int round = 0; round < 1000; ++round) {
      const auto due = bar_.ledger().due_pours(50, at(second_));
      REQUIRE(due.has_value());
      if (due->empty()) break;
      std::vector<model::ClientTxId> ids;
      std::vector<Verdict> verdicts;
      for (const model::Pour& pour : *due) {
        ids.push_back(pour.begin.client_tx_id);
        verdicts.push_back({pour.begin.client_tx_id, server_.judge(pour, false), "", ""});
      }
      REQUIRE(outcome(bar_.ledger().mark_sent(ids, at(second_))) == "ok");
      REQUIRE(outcome(bar_.ledger().apply_verdicts(verdicts, 3, at(second_), at(second_))) == "ok");
      check();
    }
    while (!snapshots_.empty()) deliver_snapshot();
    while (!authorizations_.empty()) deliver_authorization();
    check();
    ask_snapshot();
    deliver_snapshot();
    for (int number = 1; number <= guests; ++number) REQUIRE(available(number) == truth(number));
    REQUIRE(bar_.ledger().queue_counts()->waiting == 0);
  }

  Random random_;
  Bar bar_;
  Server server_;
  std::uint64_t pours_{0};
  std::int64_t second_{10};
  std::map<model::TapId, Running> running_;
  std::vector<Finished> finished_;
  std::vector<SnapshotOnItsWay> snapshots_;
  std::vector<AnswerOnItsWay> authorizations_;
};

}  // namespace

TEST_CASE("what is available is never more than the truth, and the truth in the end",
          "[balance][property]") {
  constexpr std::uint64_t evenings = 40;
  for (std::uint64_t seed = 1; seed <= evenings; ++seed) {
    CAPTURE(seed);
    Evening{seed}.run(120);
  }
}
