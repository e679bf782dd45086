#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/generators/catch_generators_range.hpp>
#include <nlohmann/json.hpp>

#include "tests/conformance/http_call.hpp"
#include "tests/conformance/kit.hpp"
#include "tests/conformance/served_bar.hpp"

namespace tapd::conformance {
namespace {

using nlohmann::json;

Bench bench() {
  return {.token = token,
          .card_uid = "0455aa10ff2380",
          .tap_id = 1,
          .other_tap_id = 3,
          .run_id = "00c0ffee"};
}

std::vector<std::string> rules_with(const std::vector<Finding>& findings, Verdict verdict) {
  std::vector<std::string> rules;
  for (const Finding& each : findings) {
    if (each.verdict == verdict) rules.push_back(each.rule);
  }
  return rules;
}

TEST_CASE("the reference server keeps every rule", "[conformance]") {
  ServedBar bar{false};
  const auto findings = examine(http_call(bar.url()), bench());
  INFO(table_of(findings));
  CHECK(passes(findings));
  CHECK(rules_with(findings, Verdict::differs).empty());
  CHECK(findings.size() > 20);
  CHECK(bar.number("SELECT count(*) FROM authorizations WHERE released_at IS NULL") == 0);
}

TEST_CASE("of the existing server the kit tells the known differences and no failure",
          "[conformance]") {
  ServedBar bar{true};
  const auto findings = examine(http_call(bar.url()), bench());
  INFO(table_of(findings));
  CHECK(passes(findings));
  CHECK(rules_with(findings, Verdict::differs) ==
        std::vector<std::string>{
            "the exact litre price is told", "a UID in capitals does not bring the server down",
            "an id with other content is a conflict", "one bad row does not spoil its batch",
            "an offline pour is charged", "there is a snapshot"});
  CHECK(bar.number("SELECT count(*) FROM authorizations WHERE released_at IS NULL") == 0);
}

/// One thing that a server does wrong, planted between the kit and a server that does it right.
struct Planted {
  const char* rule;  ///< The one that must fail.
  std::function<Answer(const Call&, const Question&)> fault;
};

bool is_pours(const Question& question) {
  return question.path == "/api/sync/pours";
}

std::vector<Planted> planted() {
  return {
      {"... and not debited again",
       [n = 0](const Call& call, Question question) mutable {
         // Forgets the ids it has booked.
         if (is_pours(question)) {
           json body = json::parse(question.body);
           for (json& row : body["pours"]) {
             row["client_tx_id"] = row["client_tx_id"].get<std::string>() + std::to_string(++n);
           }
           question.body = body.dump();
         }
         return call(question);
       }},
      {"a wrong token is refused",
       [](const Call& call, Question question) {
         if (question.headers.contains("X-Internal-Token")) {
           question.headers["X-Internal-Token"] = token;
         }
         return call(question);
       }},
      {"a pour is booked",
       [](const Call& call, const Question& question) {
         Answer answer = call(question);
         if (is_pours(question)) answer.body = R"({"results": []})";
         return answer;
       }},
      {"a card with money may pour, with limits and balance",
       [](const Call& call, const Question& question) {
         Answer answer = call(question);
         json body = json::parse(answer.body, nullptr, false);
         if (body.is_object() && body.contains("balance_cents")) {
           body["balance_cents"] = "100.00";
           answer.body = body.dump();
         }
         return answer;
       }},
      {"... that answers 304 while nothing has changed",
       [](const Call& call, Question question) {
         question.headers.erase("If-None-Match");
         return call(question);
       }},
      {"... and the changes make what the whole is",
       [](const Call& call, const Question& question) {
         Answer answer = call(question);
         json body = json::parse(answer.body, nullptr, false);
         if (body.is_object() && body.contains("gone")) {
           body["guests"] = json::array();
           answer.body = body.dump();
         }
         return answer;
       }},
      {"... and answers since with changes or the whole, rightly made",
       [](const Call& call, const Question& question) {
         Answer answer = call(question);
         json body = json::parse(answer.body, nullptr, false);
         if (body.is_object() && body.contains("gone")) {
           body["since"] = 1;
           answer.body = body.dump();
         }
         return answer;
       }},
      {"the system status needs no token and tells the emergency stop",
       [](const Call& call, const Question& question) {
         if (question.path != "/api/system/status") return call(question);
         return Answer{200, "<html>Welcome to the Wi-Fi</html>", {}};
       }},
  };
}

TEST_CASE("each planted fault fails its own rule", "[conformance]") {
  const auto fault = GENERATE(from_range(planted()));
  ServedBar bar{false};
  const Call honest = http_call(bar.url());
  const auto findings =
      examine([&](const Question& question) { return fault.fault(honest, question); }, bench());
  INFO(table_of(findings));
  const auto failed = rules_with(findings, Verdict::failed);
  INFO(fault.rule);
  CHECK(std::find(failed.begin(), failed.end(), fault.rule) != failed.end());
  CHECK_FALSE(passes(findings));
}

TEST_CASE("a server that is not there keeps no rule and breaks nothing", "[conformance]") {
  const auto findings =
      examine([](const Question&) { return Answer{.status = 0, .body = "no link", .headers = {}}; },
              bench());
  CHECK_FALSE(passes(findings));
}

}  // namespace
}  // namespace tapd::conformance
