// tapctl pours and queue on a real tapd: what was poured, chosen, exported, and sent again.
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "lone_tapd.hpp"

namespace tapd::test {

using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::StartsWith;

TEST_CASE("pours are chosen by tap, card and state, and written as CSV", "[system]") {
  LoneTapd bar;
  bar.pour();
  const auto count = [&](const std::string& query) {
    return bar.get("/pours" + query).at("pours").size();
  };
  CHECK(count("") == 1);
  CHECK(count("?tap=1&card=04A1B2C3&status=new") == 1);
  CHECK(count("?tap=2") == 0);
  CHECK(count("?card=04ffffff") == 0);
  CHECK(count("?status=confirmed") == 0);
  const FinishedChild csv = bar.tapctl({"pours", "--csv"});
  CHECK(csv.status.success());
  CHECK_THAT(csv.output, StartsWith("client_tx_id,receipt,tap_id,card,") &&
                             ContainsSubstring(",..b2c3,") && ContainsSubstring("card_removed"));
  const FinishedChild queue = bar.tapctl({"queue", "list"});
  CHECK_THAT(queue.output, ContainsSubstring("..b2c3") && ContainsSubstring("new"));
  CHECK_THAT(bar.tapctl({"queue", "export"}).output, ContainsSubstring("card_removed"));
}

TEST_CASE("a pour that has not failed is not sent again, and the words say which are", "[system]") {
  LoneTapd bar;
  CHECK_THAT(bar.tapctl({"queue", "list"}).output, ContainsSubstring("confirmed everything"));
  bar.pour();
  const FinishedChild all = bar.tapctl({"queue", "retry", "all"});
  CHECK(all.status.code == 1);
  CHECK_THAT(all.output, ContainsSubstring("no failed pour") && ContainsSubstring("queue list"));
}

TEST_CASE("questions about pours that make no sense are refused", "[system]") {
  const LoneTapd bar;
  for (const char* query :
       {"?most=0", "?most=many", "?most=100000", "?tap=x", "?card=zz", "?status=drunk"}) {
    INFO(query);
    CHECK(bar.get(std::string{"/pours"} + query).contains("error"));
  }
  CHECK(bar.tapctl({"pours", "--csv", "--follow"}).status.code == 2);
  // What is being poured has no end yet, and is not among those that have.
  const FinishedChild open = bar.tapctl({"pours", "--status", "open"});
  CHECK(open.status.code == 1);
  CHECK_THAT(open.output, ContainsSubstring("new, sent, confirmed or failed") &&
                              ContainsSubstring("tapctl status"));
}

}  // namespace tapd::test
