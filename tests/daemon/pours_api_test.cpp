#include "daemon/pours_api.hpp"

#include <catch2/catch_test_macros.hpp>
#include <nlohmann/json.hpp>

#include "tests/storage/bar.hpp"

namespace tapd::test {
namespace {

using nlohmann::json;

constexpr std::uint64_t more_than_a_page = 1'005;

/// The API over a ledger with so many pours that the server has turned down.
class Till {
 public:
  explicit Till(std::uint64_t failed) {
    const auto poured = bar_.ledger().in_one_commit([&]() -> storage::Result<> {
      for (std::uint64_t number = 1; number <= failed; ++number) {
        pour(bar_.ledger(), number, 100);
        turn_down(number);
      }
      return {};
    });
    REQUIRE(poured);
  }
  void send(std::uint64_t number) {
    REQUIRE(outcome(bar_.ledger().mark_sent({pour_id(number)}, at(20))) == "ok");
  }
  void turn_down(std::uint64_t number) {
    send(number);
    storage::Ledger& ledger = bar_.ledger();
    REQUIRE(outcome(ledger.apply_verdicts({verdict(number, storage::Verdict::Kind::final_failure)},
                                          10, at(21), at(30))) == "ok");
  }
  json get(const std::string& path, std::map<std::string, std::string> query) {
    return answer({"GET", path, std::move(query), {}, "anna"});
  }
  json post(const std::string& path, const std::string& body) {
    return answer({"POST", path, {}, body, "anna"});
  }
  /// The status of what is not to be done.
  int refused(const std::string& path, const std::string& body) {
    return asked({"POST", path, {}, body, "anna"}).status;
  }
  /// What is wrong, in words.
  std::string problem(const std::string& path, const std::string& body) {
    const ApiResponse said = asked({"POST", path, {}, body, "anna"});
    REQUIRE(said.status >= 400);
    return said.body;
  }
  /// No row of the ledger can be written from that one on.
  void break_from(std::uint64_t number) {
    bar_.close();
    REQUIRE_FALSE(bar_.refusal(
        "CREATE TRIGGER broken BEFORE UPDATE ON pours WHEN NEW.pour_seq >= " +
        std::to_string(number) + " BEGIN SELECT raise(ABORT, 'the card is worn'); END"));
    bar_.open();
  }
  std::vector<model::TapId> given_up;
  int told_of_waiting{0};

 private:
  json answer(const ApiRequest& request) {
    const ApiResponse said = asked(request);
    CAPTURE(said.body);
    REQUIRE(said.status == 200);
    return json::parse(said.body);
  }
  ApiResponse asked(const ApiRequest& request) {
    StorageThread storage{bar_.ledger(), this_boot, [](const StorageAnswer&) {}};
    StorageDesk desk{storage};
    const PoursApiPorts ports{
        .storage = &desk,
        .now = [] { return at(40); },
        .pours_waiting = [this] { ++told_of_waiting; },
        .given_up = [this](const model::CardUid&, model::TapId tap) { given_up.push_back(tap); }};
    const auto said = serve_pours(ports, request);
    REQUIRE(said.has_value());
    return *said;
  }

  Bar bar_;
};

}  // namespace

// Found by reading: on a slow card each commit takes tens of milliseconds, and the taps wait.
TEST_CASE("failed pours are sent again in one commit, however many they are", "[pours_api]") {
  constexpr std::uint64_t failed = 50;
  FaultyDisk disk;
  const TempDir folder;
  storage::Ledger ledger{{folder / "tapd.db", disk.name(), this_boot}};
  for (std::uint64_t number = 1; number <= failed; ++number) {
    pour(ledger, number, 100);
    REQUIRE(outcome(ledger.mark_sent({pour_id(number)}, at(20))) == "ok");
    REQUIRE(outcome(ledger.apply_verdicts({verdict(number, storage::Verdict::Kind::final_failure)},
                                          10, at(21), at(30))) == "ok");
  }
  const auto before = disk.syncs();
  REQUIRE(send_failed_again(ledger, pour_id(1).text(), "anna", at(40))->rows.size() == 1);
  const auto for_one = disk.syncs() - before;
  REQUIRE(for_one > 0);
  CHECK(send_failed_again(ledger, "all", "anna", at(41))->rows.size() == failed - 1);
  CHECK(disk.syncs() - before < 6 * for_one);  // A checkpoint may fall due.
  CHECK(ledger.queue_counts()->waiting == static_cast<std::int64_t>(failed));
  CHECK(send_failed_again(ledger, "all", "anna", at(42))->rows.empty());
}

// Found by reading: what came after the first thousand could be neither seen nor sent again.
TEST_CASE("a queue of any length is listed in pages and sent again as a whole", "[pours_api]") {
  Till till{more_than_a_page};
  const json first = till.get("/queue", {});
  REQUIRE(first.at("pours").size() == 1'000);
  const json rest = till.get("/queue", {{"after", first.at("next")}});
  REQUIRE(rest.at("pours").size() == 5);
  CHECK_FALSE(rest.contains("next"));
  CHECK(till.post("/queue/retry", pour_id(more_than_a_page).text()).at("sent_again") == 1);
  CHECK(till.post("/queue/retry", "all").at("sent_again") == more_than_a_page - 1);
}

// Found by reading: it said "failed", nothing more, and what it had done waited for the next look.
TEST_CASE("sending again says how far it came before the ledger failed", "[pours_api]") {
  Till till{more_than_a_page};
  till.break_from(more_than_a_page);
  const std::string said = till.problem("/queue/retry", "all");
  CHECK(said.find("1000 pours are sent again, the rest is as it was: ") != std::string::npos);
  CHECK(said.find("the card is worn") != std::string::npos);
  CHECK(till.told_of_waiting == 1);
  CHECK(till.problem("/queue/retry", "all").find("1000") == std::string::npos);
}

TEST_CASE("pours with a status are found behind a thousand others", "[pours_api]") {
  Till till{more_than_a_page};
  REQUIRE(till.post("/queue/retry", pour_id(1).text()).at("sent_again") == 1);
  const json first = till.get("/pours", {{"status", "new"}});
  CHECK(first.at("pours").empty());
  const json rest = till.get("/pours", {{"status", "new"}, {"before", first.at("next")}});
  REQUIRE(rest.at("pours").size() == 1);
  CHECK(rest.at("pours")[0].at("client_tx_id") == pour_id(1).text());
  CHECK_FALSE(rest.contains("next"));
  const json some = till.get("/pours", {{"most", "3"}, {"status", "failed"}});
  CHECK(some.at("pours").size() == 3);
  const json others = till.get("/pours", {{"most", "3"}, {"before", some.at("next")}});
  CHECK(others.at("pours")[0].at("client_tx_id") == pour_id(more_than_a_page - 3).text());
}

// Found by reading: the lock of its authorization stayed at the server, and the card in use.
TEST_CASE("a parked row gives up its lock, wherever it stands in the queue", "[pours_api]") {
  Till till{more_than_a_page};
  const std::string last = pour_id(more_than_a_page).text();
  REQUIRE(till.post("/queue/retry", last).at("sent_again") == 1);
  CHECK(till.given_up.empty());
  CHECK(till.post("/queue/park", json{{"row", last}}.dump()).at("parked") == 1);
  CHECK(till.given_up == std::vector{model::TapId{1}});
}

TEST_CASE("a long reason is cut between two letters", "[pours_api]") {
  Till till{1};
  REQUIRE(till.post("/queue/retry", "all").at("sent_again") == 1);
  const std::string why = std::string(199, 'x') + "\u00FC, and more";
  till.post("/queue/park", json{{"row", pour_id(1).text()}, {"why", why}}.dump());
  const json rows = till.get("/pours", {{"status", "failed"}});
  const auto kept = rows.at("pours").at(0).at("last_error").get<std::string>();
  CHECK(kept.ends_with(": " + std::string(199, 'x')));
}

// Found by reading: staff booked by hand what the server had booked already.
TEST_CASE("who parks a pour is told when the server may have it", "[pours_api]") {
  Till till{2};
  REQUIRE(till.post("/queue/retry", "all").at("sent_again") == 2);
  till.send(2);
  const auto park = [&till](std::uint64_t number) {
    return till.post("/queue/park", json{{"row", pour_id(number).text()}}.dump());
  };
  CHECK_FALSE(park(1).contains("was_sent"));
  CHECK(park(2).at("was_sent") == true);
}

// What was exported and booked by hand was owed for ever, or charged a second time.
TEST_CASE("a failed row that was booked by hand is owed no more and never sent", "[pours_api]") {
  Till till{2};
  const std::string row = pour_id(1).text();
  CHECK(till.post("/queue/booked", json{{"row", row}, {"why", "by till 3"}}.dump()).at("booked") ==
        1);
  const json left = till.get("/queue", {});
  REQUIRE(left.at("pours").size() == 1);
  CHECK(left.at("pours")[0].at("client_tx_id") == pour_id(2).text());
  // Neither again, nor while it still may be sent, nor sent again afterwards.
  CHECK(till.refused("/queue/booked", json{{"row", row}}.dump()) == 409);
  REQUIRE(till.post("/queue/retry", "all").at("sent_again") == 1);
  CHECK(till.refused("/queue/booked", json{{"row", pour_id(2).text()}}.dump()) == 409);
  CHECK(till.refused("/queue/retry", row) == 409);
  CHECK(till.refused("/queue/booked", "7") == 400);
}

}  // namespace tapd::test
