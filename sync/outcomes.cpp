#include "sync/outcomes.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <string_view>

#include <fmt/format.h>

#include "storage/row_words.hpp"

namespace tapd::sync {
namespace {

using Kind = storage::Verdict::Kind;
using namespace std::string_view_literals;
using storage::audit_only;

struct Rule {
  std::string_view status;
  std::string_view outcome;  ///< Empty: any.
  Kind kind;
};

constexpr std::string_view known = "duplicate_existing";
constexpr std::string_view known_and_refused = "duplicate_existing_rejected";

// First match wins. What is missing here spends an attempt.
constexpr std::array rules{
    Rule{"accepted"sv, ""sv, Kind::confirmed},
    Rule{audit_only, ""sv, Kind::confirmed},
    Rule{"conflict"sv, ""sv, Kind::final_failure},
    Rule{"rejected"sv, "rejected_zero_volume"sv, Kind::confirmed},
    Rule{"rejected"sv, "rejected_insufficient_funds"sv, Kind::final_failure},
    Rule{"rejected"sv, "rejected_insufficient_keg_volume"sv, Kind::final_failure},
    // Its first answer was one of the two above, and was lost.
    Rule{"rejected"sv, known_and_refused, Kind::final_failure},
    Rule{"rejected"sv, "rejected_no_active_visit"sv, Kind::spend_attempt},
    Rule{"rejected"sv, "rejected_invalid_card_or_tap"sv, Kind::spend_attempt},
    Rule{"rejected"sv, "rejected_inactive_guest_or_card"sv, Kind::spend_attempt},
    Rule{"rejected"sv, "rejected_tap_or_keg_state"sv, Kind::spend_attempt},
    Rule{"rejected"sv, "rejected_invalid_duration"sv, Kind::spend_attempt},
};

// What people look for in `server_outcome`.
std::string outcome_text(const RowResult& result) {
  if (result.status == audit_only) return std::string{audit_only};
  if (!result.outcome.empty()) return result.outcome;
  return result.status.empty() ? "no status" : result.status;
}

storage::Verdict unnamed(const model::ClientTxId& row) {
  return {row, Kind::spend_attempt, "not_in_results", "the server's answer does not name this row"};
}

}  // namespace

storage::Verdict verdict_of(const SentRow& row, const RowResult& result) {
  const auto* const rule = std::find_if(rules.begin(), rules.end(), [&result](const Rule& each) {
    return each.status == result.status && (each.outcome.empty() || each.outcome == result.outcome);
  });
  if (rule != rules.end()) {
    const bool was_release = row.empty && result.outcome == known_and_refused;
    const Kind kind = was_release ? Kind::confirmed : rule->kind;
    return {row.id, kind, outcome_text(result), result.reason};
  }
  const bool status_known = result.status == "rejected";
  return {row.id, Kind::spend_attempt, outcome_text(result),
          status_known ? result.reason
                       : fmt::format("unknown status \"{}\": {}", result.status, result.reason)};
}

bool is_unbilled(const storage::Verdict& verdict) {
  return verdict.kind == Kind::spend_attempt || verdict.kind == Kind::final_failure ||
         verdict.outcome == audit_only;
}

bool leaves_authorization(const storage::Verdict& verdict) {
  return verdict.kind == Kind::spend_attempt || verdict.outcome == known ||
         verdict.outcome == known_and_refused;
}

Judgement judge(const std::vector<SentRow>& asked, const std::vector<RowResult>& results) {
  std::map<std::string_view, const RowResult*> by_id;
  for (const SentRow& row : asked) by_id.emplace(row.id.text(), nullptr);
  Judgement judgement;
  for (const RowResult& result : results) {
    const auto found = by_id.find(result.client_tx_id);
    if (found == by_id.end() || found->second != nullptr) {
      ++judgement.strangers;
    } else {
      found->second = &result;
    }
  }
  for (const SentRow& row : asked) {
    const RowResult* result = by_id.at(row.id.text());
    judgement.verdicts.push_back(result == nullptr ? unnamed(row.id) : verdict_of(row, *result));
  }
  return judgement;
}

storage::Verdict culprit_verdict(const model::ClientTxId& row, int status, const ErrorBody& said) {
  const std::string outcome = said.reason.empty() ? fmt::format("http_{}", status) : said.reason;
  return {row, Kind::spend_attempt, outcome,
          fmt::format("HTTP {} for this row alone: {}", status, said.message)};
}

AnswerKind kind_of(int status) {
  if (status >= 200 && status <= 204) return AnswerKind::usable;
  if (status == 304) return AnswerKind::unchanged;
  if (status == 404 || status == 405 || status == 410) return AnswerKind::not_found;
  if (status == 401 || status == 403) return AnswerKind::token;
  if (status == 408 || status == 425 || status == 429) return AnswerKind::too_many;
  if (status >= 400 && status < 500) return AnswerKind::refused;
  if (status == 500 || status == 501) return AnswerKind::server_error;
  if (status >= 502 && status < 600) return AnswerKind::unavailable;
  return AnswerKind::nonsense;
}

std::optional<std::string_view> header(const HttpResponse& response, const char* lower_case_name) {
  const auto found = response.headers.find(lower_case_name);
  if (found == response.headers.end()) return std::nullopt;
  return std::string_view{found->second};
}

}  // namespace tapd::sync
