#include "daemon/tapctl_pours.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <functional>
#include <set>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "daemon/tapctl_talk.hpp"
#include "storage/model/ids.hpp"

namespace tapd {
namespace {

using nlohmann::json;

constexpr int most_rows = 1'000;  // Of one answer.

void print_head() {
  fmt::print("{:<9} {:<25} {:>3} {:<8} {:>6} {:>8}  {:<15} {:<10} {}\n", "receipt", "start", "tap",
             "card", "ml", "price", "ended by", "queue", "server");
}

void print_pour(const json& pour) {
  fmt::print("{:<9} {:<25} {:>3} {:<8} {:>6} {:>8}  {:<15} {:<10} {}\n",
             pour.at("receipt").get<std::string>(), pour.at("start_ts").get<std::string>(),
             pour.at("tap_id").get<int>(), pour.at("card").get<std::string>(),
             pour.at("volume_ml").get<int>(), money(pour.at("price_cents")),
             pour.at("stop_reason").get<std::string>(), pour.at("status").get<std::string>(),
             pour.at("server_outcome").get<std::string>());
}

constexpr std::array<const char*, 13> columns{
    "client_tx_id",   "receipt",     "tap_id",       "card",        "guest_id",
    "volume_ml",      "price_cents", "start_ts",     "duration_ms", "status",
    "server_outcome", "stop_reason", "authorized_by"};

/// RFC 4180: quotes around what holds a comma, a quote or a line break.
std::string field(const json& value) {
  std::string text = value.is_string() ? value.get<std::string>() : value.dump();
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char one : text) quoted += one == '"' ? "\"\"" : std::string(1, one);
  return quoted + "\"";
}

void print_waiting(const json& pour) {
  print_pour(pour);
  if (const auto why = pour.value("last_error", ""); !why.empty()) {
    fmt::print("          {} attempts; {}\n", pour.at("attempts").get<int>(), why);
  }
}

void print_csv_head() {
  for (const char* column : columns) {
    fmt::print("{}{}", column == columns.front() ? "" : ",", column);
  }
  fmt::print("\r\n");
}

void print_csv(const json& pour) {
  for (const char* column : columns) {
    fmt::print("{}{}", column == columns.front() ? "" : ",", field(pour.at(column)));
  }
  fmt::print("\r\n");
}

}  // namespace

PoursCommands::PoursCommands(CLI::App& app)
    : pours_{app.add_subcommand("pours", "the newest pours")},
      queue_{app.add_subcommand("queue",
                                "what the server has not confirmed: list, retry, park, booked, "
                                "export")},
      list_{queue_->add_subcommand("list", "oldest first")},
      retry_{queue_->add_subcommand("retry", "send failed pours again: `queue retry RECEIPT|all`")},
      park_{queue_->add_subcommand(
          "park", "keep a waiting pour out of the way: `queue park RECEIPT [WHY]`")},
      booked_{queue_->add_subcommand(
          "booked", "a failed pour was booked by hand: `queue booked RECEIPT [WHY]`")},
      export_{queue_->add_subcommand("export", "the same as CSV, to be booked by hand")} {
  pours_->add_option("--most", values_->most, "how many")
      ->capture_default_str()
      ->check(CLI::Range(1, most_rows));
  pours_->add_option("--tap", values_->tap, "only of this tap")
      ->check(CLI::Range(1, model::TapId::largest));
  pours_->add_option("--card", values_->card, "only of this card, by its UID");
  pours_->add_option("--status", values_->status, "only new, sent, confirmed or failed ones");
  CLI::Option* follow = pours_->add_flag("--follow", values_->follow, "go on with each new one");
  pours_->add_flag("--csv", values_->csv, "as CSV")->excludes(follow);
  queue_->require_subcommand(1);
  retry_->add_option("row", values_->row, "a receipt, an id, or all")->required();
  park_->add_option("row", values_->row, "a receipt or an id")->required();
  add_reason(*park_, values_->why, "in words, for whoever looks at it later");
  booked_->add_option("row", values_->row, "a receipt or an id")->required();
  add_reason(*booked_, values_->why, "in words, for the audit log");
}

namespace {

/// Every page of a list, until `each` has enough; `beyond`: what the next page is asked with.
/// Answers the exit code.
int for_each_page(const ApiClient& client, const std::string& path, const char* beyond,
                  const std::function<bool(const json& pours)>& each) {
  std::string next;
  do {
    const auto body =
        body_of(client.get(next.empty() ? path : fmt::format("{}&{}={}", path, beyond, next)));
    if (!body) return body.error();
    if (!each(body->at("pours"))) break;
    next = body->value("next", "");
  } while (!next.empty());
  return exit_done;
}

}  // namespace

int PoursCommands::show_pours(const ApiClient& client, bool as_json) const {
  std::string path = fmt::format("/pours?most={}", values_->most);
  if (values_->tap > 0) path += fmt::format("&tap={}", values_->tap);
  if (!values_->card.empty()) path += "&card=" + plain_uid(values_->card);
  if (!values_->status.empty()) path += "&status=" + plain(values_->status);
  if (values_->follow) return follow_pours(client, path, as_json);
  json all = json::array();
  // The pours that are meant may be far apart.
  const int code = for_each_page(client, path, "before", [&](const json& pours) {
    all.insert(all.end(), pours.begin(), pours.end());
    return all.size() < static_cast<std::size_t>(values_->most);
  });
  if (code != exit_done) return code;
  if (all.size() > static_cast<std::size_t>(values_->most)) {
    all.erase(all.begin() + values_->most, all.end());
  }
  if (as_json) {
    fmt::print("{}\n", json{{"pours", all}}.dump(2));
    return exit_done;
  }
  if (values_->csv) print_csv_head();
  if (!values_->csv) print_head();
  for (const json& pour : all) {
    if (values_->csv) {
      print_csv(pour);
    } else {
      print_pour(pour);
    }
  }
  return exit_done;
}

int PoursCommands::follow_pours(const ApiClient& client, const std::string& path,
                                bool as_json) const {
  std::set<std::string> shown;
  Watched newest{client};
  for (bool first = true;; first = false) {
    const auto body = newest.get(path);
    if (!body) return body.error();
    if (first && !as_json) print_head();
    json pours = body->at("pours");
    // Who follows reads downwards.
    std::reverse(pours.begin(), pours.end());
    for (const json& pour : pours) {
      if (!shown.insert(pour.at("client_tx_id").get<std::string>()).second) continue;
      if (as_json) {
        fmt::print("{}\n", pour.dump());
      } else {
        print_pour(pour);
      }
    }
    std::fflush(stdout);
    constexpr int between_looks = 500;
    wait_ms(between_looks);
  }
}

int PoursCommands::show_queue(const ApiClient& client, bool as_json) const {
  const std::string path = fmt::format("/queue?most={}", most_rows);
  if (as_json) {
    json all = json::array();
    const int code = for_each_page(client, path, "after", [&](const json& pours) {
      all.insert(all.end(), pours.begin(), pours.end());
      return true;
    });
    if (code == exit_done) fmt::print("{}\n", json{{"pours", all}}.dump(2));
    return code;
  }
  const bool csv = export_->parsed();
  bool first = true;
  return for_each_page(client, path, "after", [&](const json& pours) {
    if (std::exchange(first, false)) {
      if (csv) print_csv_head();
      if (!csv && pours.empty()) fmt::print("the server has confirmed everything\n");
      if (!csv && !pours.empty()) print_head();
    }
    for (const json& pour : pours) {
      if (csv) {
        print_csv(pour);
      } else {
        print_waiting(pour);
      }
    }
    return true;
  });
}

namespace {

/// Tells what became of it, in `words` or as it was answered; answers the exit code.
template<typename Words>
int change_queue(const tl::expected<ApiAnswer, std::string>& answer, bool as_json, Words words) {
  const auto done = body_of(answer);
  if (!done) return done.error();
  fmt::print("{}\n", as_json ? done->dump(2) : std::string{words(*done)});
  return exit_done;
}

}  // namespace

std::optional<int> PoursCommands::run(const ApiClient& client, bool as_json) const {
  if (pours_->parsed()) return show_pours(client, as_json);
  if (!queue_->parsed()) return std::nullopt;
  const std::string about_row = packed({{"row", values_->row}, {"why", values_->why}});
  if (retry_->parsed()) {
    return change_queue(client.post("/queue/retry", values_->row), as_json, [](const json& done) {
      return fmt::format("{} will be sent again", done.at("sent_again").dump());
    });
  }
  if (park_->parsed()) {
    return change_queue(client.post("/queue/park", about_row), as_json, [](const json& done) {
      std::string words = "parked: it is owed, and not sent until `queue retry`";
      if (done.value("was_sent", false)) {
        words +=
            "; it was sent and not answered, so the server may have it: look there before you "
            "book it";
      }
      return words;
    });
  }
  if (booked_->parsed()) {
    return change_queue(client.post("/queue/booked", about_row), as_json, [](const json&) {
      return "noted as booked: it is owed no more, and not sent";
    });
  }
  return show_queue(client, as_json);
}

}  // namespace tapd
