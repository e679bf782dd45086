// The real engine, ledger and transport against the reference server on PostgreSQL, in both modes:
// what was poured here is what was charged there, each pour once.
#include <algorithm>
#include <array>
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <ctime>
#include <nlohmann/json.hpp>
#include <random>
#include <set>

#include <fmt/format.h>

#include "sync/curl_transport.hpp"
#include "sync/engine.hpp"
#include "tests/conformance/http_call.hpp"
#include "tests/conformance/served_bar.hpp"
#include "tests/support/deadline.hpp"
#include "tests/sync/ledger_books.hpp"
#include "tests/sync/samples.hpp"

namespace tapd::conformance {
namespace {

using namespace std::chrono_literals;

constexpr const char* eva = "a0000000-0000-4000-8000-000000000005";  // 100.00
constexpr const char* evas_card = "0455aa10ff2380";
constexpr const char* anns_card = "04ab7815cd6b80";

sync::EngineOptions engine_options() {
  sync::EngineOptions options;
  options.controller_id = "bar-1";
  options.firmware_version = "0.1.0";
  options.ip_address = "127.0.0.1";
  options.token = token;
  return options;
}

sync::CurlOptions curl_options(const std::string& url) {
  sync::CurlOptions options;
  options.base_url = url;
  return options;
}

/// A controller that pours nothing by itself.
class Controller {
 public:
  explicit Controller(const ServedBar& bar, sync::EngineOptions options = engine_options())
      : transport_{curl_options(bar.url())},
        engine_{std::move(options), books_, sync::test::random_from(7)} {}

  void pour(std::int64_t millilitres, model::AuthorizedBy by, const char* card = evas_card,
            const char* guest = eva) {
    model::Pour row;
    row.begin.client_tx_id = sync::test::tx(++last_);
    row.begin.guest_id = model::GuestId{guest};
    row.begin.card_uid = *model::CardUid::parse(card);
    row.begin.tap_id = model::TapId{1};
    row.begin.price = model::LitrePrice{1290};
    row.begin.authorized_by = by;
    row.begin.hold = model::Money{5'000};
    row.begin.start = now();
    row.volume = model::Volume::millilitres(millilitres);
    row.price = model::price_of(row.volume, row.begin.price);
    row.end = row.begin.start;
    row.end.since_boot += 5s;
    books_.add(row);
    poured_ += row.price.minor_units();
    engine_.pours_waiting();
  }

  template<typename Done>
  bool run_until(Done done) {
    const test::Deadline deadline{30s};
    while (!done()) {
      for (const sync::Outgoing& outgoing : engine_.due(now())) {
        transport_.start(outgoing.id, outgoing.request);
      }
      for (const sync::Completion& completion : transport_.wait(5ms)) {
        engine_.on_outcome(completion.id, completion.outcome, now());
      }
      for (sync::Notice& notice : engine_.take_notices()) notices.push_back(std::move(notice));
      if (!deadline.pause(0ms)) return false;
    }
    return true;
  }
  bool run_for(std::chrono::milliseconds time) {
    const test::Deadline deadline{time};
    return run_until([&] { return deadline.passed(); });
  }
  bool drain() {
    return run_until([this] { return books_.ledger().queue_counts()->waiting == 0; });
  }
  void ask(const char* card) {
    engine_.ask({1, *model::CardUid::parse(card), model::TapId{1}}, now());
  }
  template<typename Kind>
  [[nodiscard]] bool was_told() const {
    return std::any_of(notices.begin(), notices.end(), [](const sync::Notice& notice) {
      return std::holds_alternative<Kind>(notice);
    });
  }

  storage::Ledger& ledger() { return books_.ledger(); }
  [[nodiscard]] std::int64_t poured() const { return poured_; }
  std::vector<sync::Notice> notices;

 private:
  // Real sockets need real time.
  static model::Moment now() {
    timespec time{};
    ::clock_gettime(CLOCK_BOOTTIME, &time);
    const auto since = std::chrono::seconds{time.tv_sec} + std::chrono::nanoseconds{time.tv_nsec};
    constexpr auto day = std::chrono::sys_days{std::chrono::year{2026} / 11 / 21};
    return {since, model::WallTime{day}, true};
  }

  sync::test::LedgerBooks books_;
  sync::CurlTransport transport_;
  std::uint64_t last_{0};
  sync::Engine engine_;
  std::int64_t poured_{0};
};

void misbehave(const ServedBar& bar, const std::vector<std::string>& modes) {
  const Call call = http_call(bar.url());
  Question question;
  question.path = "/test/misbehave";
  question.headers = {{"X-Internal-Token", token}};
  question.body = nlohmann::json{{"modes", modes}}.dump();
  REQUIRE(call(question).status == 200);
}

constexpr const char* charged = "SELECT coalesce(sum(amount_charged) * 100, 0)::bigint FROM pours";
constexpr const char* open_locks = "SELECT count(*) FROM authorizations WHERE released_at IS NULL";

TEST_CASE("offline pours are charged in both modes, each once", "[central]") {
  ServedBar bar{GENERATE(false, true)};
  Controller controller{bar};
  for (int i = 1; i <= 12; ++i) controller.pour(20 + i, model::AuthorizedBy::cache);
  REQUIRE(controller.drain());
  CHECK(controller.ledger().queue_counts()->confirmed == 12);
  CHECK(bar.number(charged) == controller.poured());
  CHECK(bar.number("SELECT count(*) FROM pours") == 12);
  CHECK(bar.number(open_locks) == 0);
}

TEST_CASE("a pour with leave and the offline ones before it are all charged", "[central]") {
  ServedBar bar{GENERATE(false, true)};
  Controller controller{bar};
  controller.ask(evas_card);
  REQUIRE(controller.run_until([&] { return controller.was_told<sync::AuthorizeAnswered>(); }));
  controller.pour(100, model::AuthorizedBy::cache);
  controller.pour(120, model::AuthorizedBy::server);
  REQUIRE(controller.drain());
  CHECK(bar.number(charged) == controller.poured());
  CHECK(bar.number(open_locks) == 0);
}

TEST_CASE("a card handed on makes nobody pay on a server that charges by card", "[central]") {
  ServedBar bar{true};
  Controller controller{bar};
  // Eva poured with the card that is Ann's by now.
  controller.pour(200, model::AuthorizedBy::cache, anns_card, eva);
  REQUIRE(controller.drain());
  CHECK(controller.ledger().queue_counts()->failed == 1);
  CHECK(bar.number(charged) == 0);
  // The lock goes next, with a request of its own.
  CHECK(controller.run_until([&] { return bar.number(open_locks) == 0; }));
}

TEST_CASE("each misbehaviour of either server costs no row and doubles none", "[central]") {
  const bool strict = GENERATE(false, true);
  const char* const mode =
      GENERATE("slow:700@60", "cut@60", "status:503@60", "status:500@60", "status:429@60",
               "late:504@60", "garbage@60", "portal@60", "duplicate@100");
  CAPTURE(strict, mode);
  ServedBar bar{strict};
  // Each fault waits for its end: short ones, so that a minute holds many.
  sync::EngineOptions hasty = engine_options();
  hasty.request_deadline = 500ms;
  hasty.settle_wait = 50ms;
  hasty.first_backoff = 20ms;
  hasty.longest_backoff = 100ms;
  hasty.first_row_retry = 20ms;
  hasty.longest_row_retry = 100ms;
  hasty.batch_size = 3;
  Controller controller{bar, hasty};
  misbehave(bar, {mode});
  for (int i = 1; i <= 12; ++i) controller.pour(20 + i, model::AuthorizedBy::cache);
  (void)controller.run_for(800ms);
  misbehave(bar, {});
  REQUIRE(controller.drain());
  CHECK(controller.ledger().queue_counts()->confirmed == 12);
  CHECK(bar.number(charged) == controller.poured());
  CHECK(bar.number("SELECT count(*) FROM pours") == 12);
}

/// What the cache says of every card that was ever there, in words.
std::vector<std::string> cached(storage::Ledger& ledger, const std::set<std::string>& cards) {
  std::vector<std::string> all;
  for (const std::string& uid : cards) {
    const auto facts = ledger.facts(*model::CardUid::parse(uid), model::TapId{1});
    REQUIRE(facts);
    std::string line = uid;
    if (facts->card) {
      line += fmt::format(" {} {}", model::to_text(facts->card->status),
                          facts->card->guest_id ? facts->card->guest_id->text() : "nobody's");
    }
    if (facts->guest) {
      line += fmt::format(" {} {} {}", facts->guest->first_name, facts->guest->active,
                          facts->guest->balance.minor_units());
    }
    if (facts->keg) line += fmt::format(" {} ml", facts->keg->current_volume.in_millilitres());
    if (facts->beverage) line += fmt::format(" {}", facts->beverage->price.minor_per_litre());
    all.push_back(line + (facts->emergency_stop ? " stopped" : ""));
  }
  return all;
}

/// Until the newest revision is in the ledger.
bool catch_up(Controller& controller, ServedBar& bar) {
  const std::int64_t revision = bar.number("SELECT revision FROM venue");
  return controller.run_until([&] {
    return std::any_of(controller.notices.begin(), controller.notices.end(), [&](const auto& each) {
      const auto* const applied = std::get_if<sync::SnapshotApplied>(&each);
      return applied != nullptr && applied->revision == revision;
    });
  });
}

TEST_CASE("by changes the cache becomes what it would by the whole, whatever answers are lost",
          "[central]") {
  ServedBar bar{false};
  sync::EngineOptions hasty = engine_options();
  hasty.snapshot_interval = 5ms;
  hasty.request_deadline = 500ms;
  hasty.first_backoff = 5ms;
  hasty.longest_backoff = 20ms;
  Controller controller{bar, hasty};
  REQUIRE(catch_up(controller, bar));
  const std::array changes{
      "UPDATE guests SET balance = balance + 1 WHERE first_name < 'F'",
      "UPDATE guests SET is_active = NOT is_active WHERE first_name > 'L'",
      "DELETE FROM cards WHERE card_uid = (SELECT min(card_uid) FROM cards)",
      "UPDATE cards SET status = 'lost' WHERE card_uid = (SELECT max(card_uid) FROM cards)",
      "INSERT INTO cards SELECT '04' || lpad(to_hex(count(*)), 12, '0'), NULL, 'active' FROM cards"
      " ON CONFLICT DO NOTHING",
      "UPDATE kegs SET current_volume_ml = current_volume_ml - 10",
      "UPDATE beverages SET sell_price_per_liter = sell_price_per_liter + 0.10",
      "UPDATE system_states SET value = CASE value WHEN 'true' THEN 'false' ELSE 'true' END"};
  central::Connection database{bar.database_url()};
  std::set<std::string> cards;
  std::mt19937 random{20261121};
  for (int round = 0; round < 40; ++round) {
    const central::Rows all = database.run("SELECT card_uid FROM cards");
    for (int row = 0; row < all.count(); ++row) cards.insert(all.text(row, 0));
    if (round % 4 == 0) misbehave(bar, {"cut@20", "late:504@20", "garbage@10", "duplicate@20"});
    if (round % 4 == 3) misbehave(bar, {});
    database.run(changes.at(random() % changes.size()));
    // The last answer is long there before the end: a late one would bring an older balance.
    if (round < 15) controller.ask(evas_card);
    (void)controller.run_for(20ms);
  }
  misbehave(bar, {});
  database.run("UPDATE taps SET status = 'active'");
  REQUIRE(catch_up(controller, bar));
  CHECK(std::any_of(controller.notices.begin(), controller.notices.end(), [](const auto& notice) {
    const auto* const applied = std::get_if<sync::SnapshotApplied>(&notice);
    return applied != nullptr && applied->since.has_value();
  }));
  Controller fresh{bar};
  REQUIRE(catch_up(fresh, bar));
  CHECK(cached(controller.ledger(), cards) == cached(fresh.ledger(), cards));
}

TEST_CASE("a flow event arrives in both modes", "[central]") {
  ServedBar bar{GENERATE(false, true)};
  Controller controller{bar};
  model::FlowEvent leak;
  leak.event_id = "boot-1-1";
  leak.event_status = "stopped";
  leak.tap_id = model::TapId{1};
  leak.volume = model::Volume::millilitres(70);
  leak.session_state = "idle";
  leak.reason = "flow_with_valve_closed";
  REQUIRE(controller.ledger().record_flow_event(leak));
  const char* const told = "SELECT coalesce(max(volume_ml), 0) FROM flow_events";
  REQUIRE(controller.run_until([&] { return bar.number(told) == 70; }));
}

}  // namespace
}  // namespace tapd::conformance
