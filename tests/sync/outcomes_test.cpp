#include "sync/outcomes.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include "tests/sync/samples.hpp"

namespace tapd::sync {
namespace {

using Kind = storage::Verdict::Kind;
using test::tx;

struct Case {
  const char* status;
  const char* outcome;
  Kind kind;
  bool unbilled;
};

TEST_CASE("each line of the contract's table has its verdict", "[outcomes]") {
  const auto line = GENERATE(
      Case{"accepted", "pending_updated_to_synced", Kind::confirmed, false},
      Case{"accepted", "duplicate_existing", Kind::confirmed, false},
      Case{"accepted", "", Kind::confirmed, false},
      Case{"accepted", "never heard of", Kind::confirmed, false},
      Case{"audit_only", "audit_missing_pending", Kind::confirmed, true},
      Case{"conflict", "id_reused", Kind::final_failure, true},
      Case{"rejected", "rejected_zero_volume", Kind::confirmed, false},
      Case{"rejected", "rejected_insufficient_funds", Kind::final_failure, true},
      Case{"rejected", "rejected_insufficient_keg_volume", Kind::final_failure, true},
      Case{"rejected", "duplicate_existing_rejected", Kind::final_failure, true},
      Case{"rejected", "rejected_no_active_visit", Kind::spend_attempt, true},
      Case{"rejected", "price_mismatch", Kind::spend_attempt, true},
      Case{"rejected", "rejected_malformed", Kind::spend_attempt, true},
      Case{"rejected", "rejected_invalid_card_or_tap", Kind::spend_attempt, true},
      Case{"rejected", "rejected_inactive_guest_or_card", Kind::spend_attempt, true},
      Case{"rejected", "rejected_tap_or_keg_state", Kind::spend_attempt, true},
      Case{"rejected", "rejected_invalid_duration", Kind::spend_attempt, true},
      Case{"rejected", "rejected_for_a_new_reason", Kind::spend_attempt, true},
      Case{"rejected", "", Kind::spend_attempt, true}, Case{"", "", Kind::spend_attempt, true},
      Case{"ACCEPTED", "", Kind::spend_attempt, true},
      Case{"postponed", "busy", Kind::spend_attempt, true});
  CAPTURE(line.status, line.outcome);
  const auto verdict = verdict_of({tx(1)}, {tx(1).text(), line.status, line.outcome, "because"});
  CHECK(verdict.kind == line.kind);
  CHECK(verdict.client_tx_id == tx(1));
  CHECK(is_unbilled(verdict) == line.unbilled);
  CHECK_FALSE(verdict.outcome.empty());
}

TEST_CASE("a row noted for staff is findable by its outcome", "[outcomes]") {
  const auto verdict =
      verdict_of({tx(1)}, {tx(1).text(), "audit_only", "audit_missing_pending", ""});
  CHECK(verdict.outcome == "audit_only");
}

TEST_CASE("a release that the server has recorded owes nothing", "[outcomes]") {
  const RowResult again{tx(1).text(), "rejected", "duplicate_existing_rejected", "duplicate"};
  CHECK(verdict_of({tx(1), true}, again).kind == Kind::confirmed);
  CHECK(verdict_of({tx(1), false}, again).kind == Kind::final_failure);
}

TEST_CASE("only a row that the server booked or noted has used up its authorization",
          "[outcomes]") {
  const auto leaves = [](const char* status, const char* outcome) {
    return leaves_authorization(verdict_of({tx(1)}, {tx(1).text(), status, outcome, ""}));
  };
  CHECK_FALSE(leaves("accepted", "pending_updated_to_synced"));
  CHECK_FALSE(leaves("audit_only", "audit_missing_pending"));
  CHECK_FALSE(leaves("rejected", "rejected_insufficient_funds"));
  CHECK_FALSE(leaves("rejected", "rejected_zero_volume"));
  CHECK(leaves("accepted", "duplicate_existing"));
  CHECK(leaves("rejected", "duplicate_existing_rejected"));
  CHECK(leaves("rejected", "rejected_tap_or_keg_state"));
  CHECK(leaves_authorization(culprit_verdict(tx(1), 422, {})));
}

TEST_CASE("each asked row gets one verdict, in the order asked", "[outcomes]") {
  const std::vector<SentRow> asked{{tx(1)}, {tx(2)}, {tx(3)}};
  const auto judgement = judge(asked, {{tx(3).text(), "accepted", "", ""},
                                       {tx(1).text(), "rejected", "rejected_zero_volume", ""}});
  REQUIRE(judgement.verdicts.size() == 3);
  CHECK(judgement.verdicts[0].client_tx_id == tx(1));
  CHECK(judgement.verdicts[0].kind == Kind::confirmed);
  CHECK(judgement.verdicts[1].client_tx_id == tx(2));
  CHECK(judgement.verdicts[1].kind == Kind::spend_attempt);
  CHECK(judgement.verdicts[1].outcome == "not_in_results");
  CHECK(judgement.verdicts[2].kind == Kind::confirmed);
  CHECK(judgement.strangers == 0);
}

TEST_CASE("results for rows that were not asked are ignored and counted", "[outcomes]") {
  const auto judgement = judge({{tx(1)}}, {{tx(9).text(), "accepted", "", ""},
                                           {"", "accepted", "", ""},
                                           {tx(1).text(), "accepted", "", ""},
                                           {tx(1).text(), "rejected", "", ""}});
  REQUIRE(judgement.verdicts.size() == 1);
  CHECK(judgement.verdicts[0].kind == Kind::confirmed);
  CHECK(judgement.strangers == 3);
}

TEST_CASE("a culprit spends an attempt and keeps what the server said", "[outcomes]") {
  const auto verdict = culprit_verdict(tx(1), 409, {"card_in_use", "the visit is locked"});
  CHECK(verdict.kind == Kind::spend_attempt);
  CHECK(verdict.outcome == "card_in_use");
  CHECK(verdict.reason.find("409") != std::string::npos);
  CHECK(verdict.reason.find("the visit is locked") != std::string::npos);
  CHECK(culprit_verdict(tx(1), 500, {}).outcome == "http_500");
}

TEST_CASE("every status has a meaning, also those that do not exist", "[outcomes]") {
  CHECK(kind_of(200) == AnswerKind::usable);
  CHECK(kind_of(304) == AnswerKind::unchanged);
  for (const int status : {400, 409, 413, 422}) CHECK(kind_of(status) == AnswerKind::refused);
  for (const int status : {401, 403}) CHECK(kind_of(status) == AnswerKind::token);
  for (const int status : {404, 405, 410}) CHECK(kind_of(status) == AnswerKind::not_found);
  CHECK(kind_of(429) == AnswerKind::too_many);
  CHECK(kind_of(500) == AnswerKind::server_error);
  for (const int status : {502, 503, 504, 520}) CHECK(kind_of(status) == AnswerKind::unavailable);
  for (const int status : {-1, 0, 100, 299, 301, 302, 307, 600, 999}) {
    CHECK(kind_of(status) == AnswerKind::nonsense);
  }
}

}  // namespace
}  // namespace tapd::sync
