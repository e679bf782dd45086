#include "daemon/tapctl_explain.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "daemon/tapctl_talk.hpp"
#include "storage/model/ids.hpp"

namespace tapd {
namespace {

using nlohmann::json;

void print_card(const json& card) {
  if (!card.at("known").get<bool>()) {
    fmt::print("the card is not known here\n");
    return;
  }
  fmt::print("card {}, {}: {} available ({} by the last word of the server{})\n",
             card.at("status").get<std::string>(), card.value("guest", "nobody's"),
             money(card.at("available_cents")), money(card.value("balance_cents", json(0))),
             card.contains("heard_at") ? ", " + card.at("heard_at").get<std::string>() : "");
}

void print_tap(const json& tap) {
  const std::string because = tap.value("because", "");
  fmt::print("tap {}: {}{}\n", tap.at("tap_id").get<int>(), tap.at("state").get<std::string>(),
             because.empty() ? "" : " (" + because + ")");
  if (tap.contains("opens_menu")) fmt::print("  opens the service menu: it is staff's\n");
  if (!tap.contains("may_pour")) return;
  const bool by_server = tap.value("decided_by", "") == "server";
  fmt::print("  {}", by_server ? "the server decides; without it: " : "");
  if (tap.at("may_pour").get<bool>()) {
    fmt::print("would pour up to {} ml of {} for {} at most\n", tap.at("limit_ml").get<int>(),
               tap.at("beverage").get<std::string>(), money(tap.at("hold_cents")));
  } else {
    fmt::print("would be denied: {}: {}\n", tap.at("reason").get<std::string>(),
               tap.at("message").get<std::string>());
  }
}

}  // namespace

ExplainCommand::ExplainCommand(CLI::App& app)
    : explain_{app.add_subcommand(
          "explain", "what would happen now: `explain card UID [--tap N]`, `explain tap N`")} {
  explain_->require_subcommand(1);
  CLI::App* card = explain_->add_subcommand("card", "whether it may pour, and which rule decides");
  card->add_option("uid", values_->card, "its UID, in hexadecimal")
      ->required()
      ->check([](const std::string& uid) {
        return uid.empty() ? std::string{"it is empty: which card?"} : std::string{};
      });
  card->add_option("--tap", values_->tap, "only there")
      ->check(CLI::Range(1, model::TapId::largest));
  CLI::App* tap = explain_->add_subcommand("tap", "what it waits for or is barred by");
  tap->add_option("tap", values_->tap, "its number")
      ->required()
      ->check(CLI::Range(1, model::TapId::largest));
}

std::optional<int> ExplainCommand::run(const ApiClient& client, bool as_json) const {
  if (!explain_->parsed()) return std::nullopt;
  std::string query;
  if (!values_->card.empty()) query += "&card=" + plain_uid(values_->card);
  if (values_->tap > 0) query += fmt::format("&tap={}", values_->tap);
  const auto body = body_of(client.get("/explain?" + query.substr(1)));
  if (!body) return body.error();
  if (as_json) {
    fmt::print("{}\n", body->dump(2));
    return exit_done;
  }
  if (!body->value("ledger_writable", true)) {
    fmt::print(
        "the ledger could not be written when it was tried last: while that lasts nobody "
        "can pour, whatever stands below\n  next: tapctl doctor looks at the disk\n");
  }
  if (body->contains("card")) print_card(body->at("card"));
  for (const json& tap : body->at("taps")) print_tap(tap);
  return exit_done;
}

}  // namespace tapd
