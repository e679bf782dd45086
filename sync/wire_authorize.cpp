// Leave to pour, and the many shapes of a refusal (contract, sections 1 and 3).
#include <cstdint>

#include "sync/json_reader.hpp"
#include "sync/wire.hpp"

namespace tapd::sync {
namespace {

using nlohmann::json;

constexpr std::size_t longest_name = 100;
constexpr std::size_t longest_word = 64;
constexpr std::size_t longest_message = 200;
constexpr std::int64_t largest_price_per_ml = model::largest_litre_price.minor_per_litre() / 1000;

Allowed allowed(const Reader& root) {
  Allowed leave;
  leave.guest_id = model::GuestId{root.at("visit").at("guest_id").uuid()};
  if (const auto name = root.maybe("guest_first_name")) {
    leave.guest_first_name = name->label(longest_name);
  }
  leave.balance = root.at("balance_cents").money();
  if (const auto overdraft = root.maybe("allowed_overdraft_cents")) {
    leave.overdraft =
        model::Money{overdraft->integer_cut_to(0, model::largest_amount.minor_units())};
  }
  // A full purse over a price of one minor unit per millilitre says more than any keg holds.
  leave.most = root.at("max_volume_ml").volume();
  leave.least = root.at("min_start_ml").volume();
  leave.rounded_price =
      model::LitrePrice{1000 * root.at("price_per_ml_cents").integer(0, largest_price_per_ml)};
  if (const auto exact = root.maybe("price_per_litre_cents")) {
    leave.price =
        model::LitrePrice{exact->integer(0, model::largest_litre_price.minor_per_litre())};
  }
  return leave;
}

std::string text_or_empty(const json& value, const char* name, std::size_t most) {
  const auto found = value.find(name);
  if (found == value.end() || !found->is_string()) return {};
  return printable(found->get_ref<const std::string&>(), most);
}

// The validator's list: [{"loc": ["body", "pours", 3, "volume_ml"], "msg": "..."}].
std::string first_complaint(const json& list) {
  if (list.empty()) return {};
  const json& first = list.front();
  if (first.is_string()) return printable(first.get_ref<const std::string&>(), longest_message);
  if (!first.is_object()) return printable(first.dump(), longest_message);
  std::string where;
  if (const auto loc = first.find("loc"); loc != first.end() && loc->is_array()) {
    for (const json& step : *loc) {
      if (!where.empty()) where += '.';
      where += step.is_string() ? step.get_ref<const std::string&>() : step.dump();
    }
  }
  const std::string message = text_or_empty(first, "msg", longest_message);
  return printable(where.empty() ? message : where + ": " + message, longest_message);
}

ErrorBody from_json(const json& root) {
  if (!root.is_object()) return {{}, printable(root.dump(), longest_message)};
  const auto found = root.find("detail");
  if (found == root.end()) return {{}, printable(root.dump(), longest_message)};
  if (found->is_string()) return {{}, text_or_empty(root, "detail", longest_message)};
  if (found->is_array()) return {{}, first_complaint(*found)};
  if (!found->is_object()) return {{}, printable(found->dump(), longest_message)};
  return {text_or_empty(*found, "reason", longest_word),
          text_or_empty(*found, "message", longest_message)};
}

}  // namespace

std::string encode_authorize(const model::CardUid& card, model::TapId tap) {
  return json{{"card_uid", card.text()}, {"tap_id", tap.number()}}.dump();
}

Decoded<std::variant<Allowed, Refused>> decode_authorize(std::string_view body) {
  using Answer = std::variant<Allowed, Refused>;
  return decoded<Answer>(endpoint::authorize, body, small_answer, [](const Reader& root) -> Answer {
    if (root.at("allowed").flag()) return allowed(root);
    const ErrorBody said = from_json(root.value());
    return Refused{said.reason.empty() ? "not_allowed" : said.reason, said.message};
  });
}

ErrorBody decode_error(std::string_view body) {
  try {
    return from_json(parse_bounded(body, small_answer));
  } catch (const std::exception&) {
    return {{}, printable(body, longest_message)};
  }
}

}  // namespace tapd::sync
