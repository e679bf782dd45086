// Changes from one revision of the venue's snapshot to another: whatever way the cache came to a
// revision, it holds what the whole snapshot of that revision makes of it.
#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <map>
#include <vector>

#include "tests/storage/bar.hpp"
#include "tests/storage/random.hpp"
#include "tests/storage/told.hpp"

using namespace tapd;
using namespace tapd::test;
using Catch::Matchers::StartsWith;
using model::CardStatus;
using model::Snapshot;
using model::SnapshotChanges;

namespace {

template<typename Row, typename Id, typename Same>
void compare(const std::vector<Row>& before, const std::vector<Row>& after, Id Row::* id,
             std::vector<Row>& put, std::vector<Id>& gone, Same same) {
  const auto find = [id](const std::vector<Row>& rows, const Row& wanted) {
    return std::find_if(rows.begin(), rows.end(),
                        [&](const Row& row) { return row.*id == wanted.*id; });
  };
  for (const Row& row : after) {
    const auto known = find(before, row);
    if (known == before.end() || !same(*known, row)) put.push_back(row);
  }
  for (const Row& row : before) {
    if (find(after, row) == after.end()) gone.push_back(row.*id);
  }
}

SnapshotChanges changes_between(const Snapshot& before, const Snapshot& after) {
  SnapshotChanges changes;
  changes.since = before.revision;
  changes.now.revision = after.revision;
  changes.now.system_states = after.system_states;
  auto& [beverages, kegs, taps, guests, cards] = changes.gone;
  compare(before.beverages, after.beverages, &model::Beverage::id, changes.now.beverages, beverages,
          [](const auto& a, const auto& b) { return a.name == b.name && a.price == b.price; });
  compare(before.kegs, after.kegs, &model::Keg::id, changes.now.kegs, kegs,
          [](const auto& a, const auto& b) { return a.current_volume == b.current_volume; });
  compare(
      before.taps, after.taps, &model::Tap::id, changes.now.taps, taps,
      [](const auto& a, const auto& b) { return a.status == b.status && a.keg_id == b.keg_id; });
  compare(before.guests, after.guests, &model::Guest::id, changes.now.guests, guests,
          [](const auto& a, const auto& b) {
            return a.balance == b.balance && a.active == b.active && a.first_name == b.first_name;
          });
  compare(before.cards, after.cards, &model::Card::uid, changes.now.cards, cards,
          [](const auto& a, const auto& b) {
            return a.guest_id == b.guest_id && a.status == b.status;
          });
  return changes;
}

std::string hear(storage::Ledger& ledger, const SnapshotChanges& changes, storage::Marker asked = 0,
                 std::int64_t second = 8) {
  return outcome(ledger.apply_changes(changes, asked, at(second), this_boot));
}

/// The cache and when it was heard, every column of it.
std::string cache_of(const Bar& bar) {
  return bar.value_after_cut(
      "SELECT (SELECT json_group_array(json_array(guest_id, first_name, is_active, balance_cents,"
      "  balance_asked, balance_heard_at, balance_heard_mono_ns, balance_heard_boot))"
      "  FROM (SELECT * FROM guests ORDER BY guest_id))"
      " || (SELECT json_group_array(json_array(card_uid, guest_id, status, heard_asked,"
      "  refused_marker, heard_at)) FROM (SELECT * FROM cards ORDER BY card_uid))"
      " || (SELECT json_group_array(json_array(beverage_id, name, price_cents_per_litre, heard_at))"
      "  FROM (SELECT * FROM beverages ORDER BY beverage_id))"
      " || (SELECT json_group_array(json_array(keg_id, current_volume_ml, status, heard_at))"
      "  FROM (SELECT * FROM kegs ORDER BY keg_id))"
      " || (SELECT json_group_array(json_array(tap_id, keg_id, status, heard_at))"
      "  FROM (SELECT * FROM taps ORDER BY tap_id))"
      " || (SELECT json_group_array(json_array(key, value, heard_at))"
      "  FROM (SELECT * FROM system_states ORDER BY key))"
      " || (SELECT json_array(marker, snapshot_revision, snapshot_asked, snapshot_heard_mono_ns)"
      "  FROM server_knowledge)");
}

Snapshot next_of(Snapshot snapshot) {
  ++snapshot.revision;
  return snapshot;
}

/// A venue that changes at random and remembers every revision.
class Venue {
 public:
  explicit Venue(Random& random) : random_{random} {
    Snapshot first = small_snapshot();
    first.system_states = {{"emergency_stop_enabled", "false"}};
    for (int number = 2; number <= guests; ++number) {
      first.guests.push_back({guest(number), "Guest", model::Money{100 * number}, true});
      first.cards.push_back({card(number), guest(number), CardStatus::active});
    }
    all_.push_back(first);
  }

  void change() {
    Snapshot next = next_of(newest());
    for (auto times = random_.between(1, 3); times > 0; --times) change(next);
    all_.push_back(next);
  }
  [[nodiscard]] const Snapshot& newest() const { return all_.back(); }
  [[nodiscard]] const Snapshot& any() { return all_[random_.below(all_.size())]; }

  static constexpr std::int64_t guests = 6;

 private:
  void change(Snapshot& now) {
    const auto number = random_.between(1, guests);
    const auto is_guest = [&](const auto& row) { return row.id == guest(number); };
    const auto is_card = [&](const auto& row) { return row.uid == card(number); };
    switch (random_.below(8)) {
      case 0:
        std::erase_if(now.guests, is_guest);
        return;
      case 1:
      case 2:
        std::erase_if(now.guests, is_guest);
        now.guests.push_back({guest(number), "Guest", model::Money{random_.between(-500, 9'000)},
                              random_.chance(80)});
        return;
      case 3:
        std::erase_if(now.cards, is_card);
        return;
      case 4:
        std::erase_if(now.cards, is_card);
        now.cards.push_back({card(number), guest(random_.between(1, guests)),
                             random_.chance(60) ? CardStatus::active : CardStatus::lost});
        return;
      case 5:
        now.system_states[0].value = random_.chance(30) ? "true" : "false";
        return;
      case 6:
        now.kegs.clear();
        if (random_.chance(80)) {
          now.kegs = {{keg(1), model::BeverageId{"pils"}, model::Volume::millilitres(30'000),
                       model::Volume::millilitres(random_.between(-50, 12'000)),
                       model::KegStatus::in_use}};
        }
        return;
      default:
        now.taps.clear();
        if (random_.chance(80)) {
          now.taps = {{tap_one, keg(1), "Tap 1",
                       random_.chance(70) ? model::TapStatus::active : model::TapStatus::locked}};
        }
        now.beverages.clear();
        if (random_.chance(90)) {
          now.beverages = {{model::BeverageId{"pils"}, "Pils", "Brewery", "Lager",
                            model::LitrePrice{random_.between(400, 600)}}};
        }
    }
  }

  Random& random_;
  std::vector<Snapshot> all_;
};

/// Two controllers hear the same; one takes changes whenever it can, the other whole snapshots
/// only.
class Twins {
 public:
  explicit Twins(std::uint64_t seed) : random_{seed}, venue_{random_} {}

  void run(int steps) {
    take_whole(venue_.newest());
    for (int step = 0; step < steps; ++step) {
      ++second_;
      act();
    }
    take(venue_.newest());
    CHECK(changes_taken_ > 0);
  }

 private:
  void act() {
    switch (random_.below(10)) {
      case 0:
      case 1:
      case 2:
        return venue_.change();
      case 3:
        return authorize_one();
      case 4:
        return refuse_one();
      case 5:
        return settle_a_pour();
      case 6:
        return repeat_an_answer();
      case 7:
        return restart();
      default:
        return take(venue_.newest());
    }
  }

  // Asked before something else was heard, as answers overtake each other.
  void take(const Snapshot& now) {
    if (!base_ || random_.chance(10)) return take_whole(now);
    const storage::Marker asked = random_.chance(70) ? marker() : asked_;
    last_ = changes_between(*base_, now);
    CAPTURE(last_->since, now.revision, asked, second_);
    REQUIRE(hear(one_.ledger(), *last_, asked, second_) == "ok");
    ++changes_taken_;
    keep(now, asked);
  }
  void take_whole(const Snapshot& now) {
    const storage::Marker asked = marker();
    test::hear(one_.ledger(), now, asked, second_);
    keep(now, asked);
  }
  void keep(const Snapshot& now, storage::Marker asked) {
    test::hear(other_.ledger(), now, asked, second_);
    base_ = now;
    asked_ = asked;
    REQUIRE(cache_of(one_) == cache_of(other_));
  }
  storage::Marker marker() { return *one_.ledger().ask_marker(); }

  // Changes that come again, or late, do not start from what is there.
  void repeat_an_answer() {
    if (!last_ || (base_ && last_->since == base_->revision)) return;
    const std::string before = cache_of(one_);
    CHECK_THAT(hear(one_.ledger(), *last_, marker(), second_), StartsWith("refused"));
    CHECK(cache_of(one_) == before);
  }

  template<typename Work>
  void both(Work work) {
    for (Bar* bar : {&one_, &other_}) REQUIRE(outcome(work(bar->ledger())) == "ok");
  }
  void authorize_one() {
    const auto number = random_.between(1, Venue::guests + 2);
    const model::Money balance{random_.between(0, 9'000)};
    const storage::Marker asked = random_.chance(50) ? marker() : asked_;
    both([&](storage::Ledger& ledger) {
      return ledger.hear_balance(
          {card(number), guest(number), "Heard", balance, asked, at(second_)}, this_boot);
    });
  }
  void refuse_one() {
    const auto number = random_.between(1, Venue::guests + 2);
    const auto status = random_.chance(30) ? CardStatus::active : CardStatus::lost;
    both([&](storage::Ledger& ledger) {
      return ledger.hear_card_status(card(number), status, at(second_));
    });
  }
  void settle_a_pour() {
    ++pours_;
    for (Bar* bar : {&one_, &other_}) {
      pour(bar->ledger(), pours_, 100);
      confirm(bar->ledger(), pours_);
    }
  }
  void restart() {
    if (!random_.chance(30)) return;
    one_.reopen();
    other_.reopen();
    if (base_) {
      const auto refused = hear(one_.ledger(), changes_between(*base_, venue_.newest()), marker());
      CHECK_THAT(refused, StartsWith("refused"));
    }
    base_.reset();
  }

  Random random_;
  Venue venue_;
  Bar one_;
  Bar other_;
  std::optional<Snapshot> base_;
  storage::Marker asked_{0};
  std::optional<SnapshotChanges> last_;
  std::uint64_t pours_{0};
  std::int64_t second_{10};
  int changes_taken_{0};
};

}  // namespace

TEST_CASE("whatever mixture of changes and whole snapshots came, the cache is that of the whole",
          "[changes][property]") {
  constexpr std::uint64_t evenings = 25;
  for (std::uint64_t seed = 1; seed <= evenings; ++seed) {
    CAPTURE(seed);
    Twins{seed}.run(80);
  }
}

TEST_CASE("changes start from the snapshot that is here, or are refused", "[changes]") {
  Bar bar;
  const Snapshot first = small_snapshot();
  Snapshot second = next_of(first);
  second.guests[0].balance = model::Money{700};
  const auto changes = changes_between(first, second);
  CHECK_THAT(hear(bar.ledger(), changes), StartsWith("refused"));
  test::hear(bar.ledger(), first);
  SECTION("from another revision") {
    SnapshotChanges other = changes;
    other.since = 2;
    CHECK_THAT(hear(bar.ledger(), other), StartsWith("refused"));
    CHECK(facts(bar.ledger()).available == model::Money{5000});
  }
  SECTION("after a restart, when what was heard meanwhile is not known any more") {
    bar.reopen();
    CHECK_THAT(hear(bar.ledger(), changes), StartsWith("refused"));
  }
  SECTION("twice") {
    REQUIRE(hear(bar.ledger(), changes) == "ok");
    CHECK_THAT(hear(bar.ledger(), changes), StartsWith("refused"));
    CHECK(facts(bar.ledger()).available == model::Money{700});
  }
  SECTION("after a commit that was given up") {
    const auto undone = bar.ledger().in_one_commit([&]() -> storage::Result<> {
      REQUIRE(hear(bar.ledger(), changes) == "ok");
      return tl::make_unexpected(storage::Error{storage::Error::Kind::refused, "no"});
    });
    CHECK_FALSE(undone.has_value());
    CHECK(facts(bar.ledger()).available == model::Money{5000});
    CHECK(hear(bar.ledger(), changes) == "ok");
    CHECK(facts(bar.ledger()).available == model::Money{700});
  }
}

TEST_CASE("changes with nonsense in them change nothing", "[changes]") {
  Bar bar;
  test::hear(bar.ledger(), small_snapshot());
  SnapshotChanges bad = changes_between(small_snapshot(), next_of(small_snapshot(1)));
  SECTION("a negative price") {
    bad.now.beverages = {{model::BeverageId{"pils"}, "Pils", "", "", model::LitrePrice{-1}}};
  }
  SECTION("a balance beyond all money") {
    bad.now.guests[0].balance = model::Money{INT64_MIN};
  }
  SECTION("a tap that cannot be") {
    bad.now.taps = {{model::TapId{5000}, std::nullopt, "Tap", model::TapStatus::active}};
  }
  SECTION("a card without a UID") {
    bad.now.cards = {{model::CardUid{}, guest(1), CardStatus::active}};
  }
  CHECK_THAT(hear(bar.ledger(), bad), StartsWith("refused"));
  CHECK(facts(bar.ledger()).available == model::Money{5000});
  CHECK(facts(bar.ledger()).heard_at->since_boot == at(5).since_boot);
}

// The venue said 50.00 in its snapshot. An answer from before it, come late, says 90.00.
TEST_CASE("changes that do not name a guest do not leave a late balance in place", "[changes]") {
  Bar bar;
  test::hear(bar.ledger(), small_snapshot());
  authorize(bar.ledger(), 9000);
  REQUIRE(facts(bar.ledger()).available == model::Money{9000});
  REQUIRE(hear(bar.ledger(), changes_between(small_snapshot(), next_of(small_snapshot()))) == "ok");
  CHECK(facts(bar.ledger()).available == model::Money{5000});
}

TEST_CASE("a card that was refused later than changes were asked for stays refused", "[changes]") {
  Bar bar;
  test::hear(bar.ledger(), small_snapshot());
  const storage::Marker asked = *bar.ledger().ask_marker();
  REQUIRE(outcome(bar.ledger().hear_card_status(card(1), CardStatus::lost, at(6))) == "ok");
  Snapshot second = next_of(small_snapshot());
  second.cards[0].guest_id = guest(2);
  REQUIRE(hear(bar.ledger(), changes_between(small_snapshot(), second), asked) == "ok");
  CHECK(facts(bar.ledger()).card->status == CardStatus::lost);
  // The next ones were asked for after the refusal, and the venue says that the card is well.
  const Snapshot third = next_of(second);
  REQUIRE(hear(bar.ledger(), changes_between(second, third), asked + 1) == "ok");
  CHECK(facts(bar.ledger()).card->status == CardStatus::active);
  CHECK(facts(bar.ledger()).card->guest_id == guest(2));
}
