#include "daemon/pours_api.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "daemon/api_answers.hpp"
#include "storage/model/whole_number.hpp"

namespace tapd {
namespace {

using nlohmann::json;

constexpr std::int64_t usual_most = 20;
constexpr std::int64_t largest_most = 1'000;

json pour_json(const model::Pour& pour) {
  return {{"client_tx_id", pour.begin.client_tx_id.text()},
          {"receipt", pour.begin.client_tx_id.short_id()},
          {"tap_id", pour.begin.tap_id.number()},
          {"card", pour.begin.card_uid.masked()},
          {"guest_id", pour.begin.guest_id.text()},
          {"volume_ml", pour.volume.in_millilitres()},
          {"tail_volume_ml", pour.tail.in_millilitres()},
          {"price_cents", pour.price.minor_units()},
          {"start_ts", model::to_iso8601(pour.begin.start.wall)},
          {"duration_ms", pour.duration.count()},
          {"stop_reason", to_text(pour.stop_reason)},
          {"authorized_by", to_text(pour.begin.authorized_by)},
          {"status", to_text(pour.status)},
          {"pulses", pour.pulses},
          {"edges_lost", pour.edges_lost},
          {"attempts", pour.attempts},
          {"server_outcome", pour.server_outcome},
          {"last_error", pour.last_error}};
}

/// A number of the query; `otherwise` when it is not there, nullopt when it is none or out of
/// bounds.
std::optional<std::int64_t> number(const ApiRequest& request, const char* key,
                                   std::int64_t otherwise, std::int64_t most) {
  const auto found = request.query.find(key);
  if (found == request.query.end()) return otherwise;
  const auto value = model::whole_number(found->second);
  if (!value || *value < 1 || *value > most) return std::nullopt;
  return value;
}

struct Wanted {
  std::int64_t most{usual_most};
  std::optional<std::int64_t> tap;
  std::optional<model::CardUid> card;
  std::string status;

  [[nodiscard]] bool is_all() const { return !tap && !card && status.empty(); }
  [[nodiscard]] bool fits(const model::Pour& pour) const {
    return (!tap || pour.begin.tap_id.number() == *tap) &&
           (!card || pour.begin.card_uid == *card) &&
           (status.empty() || to_text(pour.status) == status);
  }
};

tl::expected<Wanted, std::string> wanted(const ApiRequest& request) {
  Wanted all;
  const auto most = number(request, "most", usual_most, largest_most);
  if (!most) return tl::unexpected{fmt::format("most must be from 1 to {}", largest_most)};
  all.most = *most;
  if (request.query.contains("tap")) {
    all.tap = number(request, "tap", 0, model::TapId::largest);
    if (!all.tap) return tl::unexpected{std::string{"tap must be its number"}};
  }
  if (const auto card = request.query.find("card"); card != request.query.end()) {
    const auto uid = model::CardUid::parse(card->second);
    if (!uid) return tl::unexpected{"card: " + uid.error()};
    all.card = *uid;
  }
  if (const auto status = request.query.find("status"); status != request.query.end()) {
    if (!model::parse_pour_status(status->second)) {
      return tl::unexpected{std::string{"status must be open, new, sent, confirmed or failed"}};
    }
    all.status = status->second;
  }
  return all;
}

ApiResponse pours(const PoursApiPorts& ports, const ApiRequest& request) {
  const auto what = wanted(request);
  if (!what) return problem(400, what.error());
  // With a filter the newest of all are looked through, as many as are ever shown.
  const auto most = static_cast<std::size_t>(what->is_all() ? what->most : largest_most);
  const auto read =
      ports.storage->run([most](storage::Ledger& ledger) { return ledger.newest_pours(most); });
  if (!read) return problem(500, read.error().message);
  json list = json::array();
  for (const model::Pour& pour : *read) {
    if (static_cast<std::int64_t>(list.size()) >= what->most) break;
    if (what->fits(pour)) list.push_back(pour_json(pour));
  }
  return json_answer({{"pours", list}});
}

ApiResponse queue(const PoursApiPorts& ports, const ApiRequest& request) {
  const auto most = number(request, "most", largest_most, largest_most);
  if (!most) return problem(400, fmt::format("most must be from 1 to {}", largest_most));
  const auto read = ports.storage->run([&](storage::Ledger& ledger) {
    return ledger.unconfirmed_pours(static_cast<std::size_t>(*most));
  });
  if (!read) return problem(500, read.error().message);
  json list = json::array();
  for (const model::Pour& pour : *read) list.push_back(pour_json(pour));
  return json_answer({{"pours", list}});
}

bool is_meant(const model::Pour& pour, const std::string& what) {
  if (pour.status != model::PourStatus::failed) return false;
  return what == "all" || what == pour.begin.client_tx_id.text() ||
         what == pour.begin.client_tx_id.short_id();
}

}  // namespace

storage::Result<std::int64_t> send_failed_again(storage::Ledger& ledger, const std::string& what,
                                                const std::string& who, const model::Moment& now) {
  std::int64_t count = 0;
  const auto done = ledger.in_one_commit([&]() -> storage::Result<> {
    const auto rows = ledger.unconfirmed_pours(largest_most);
    if (!rows) return tl::unexpected(rows.error());
    for (const model::Pour& pour : *rows) {
      if (!is_meant(pour, what)) continue;
      if (auto sent = ledger.send_again(pour.begin.client_tx_id, who, now); !sent) return sent;
      ++count;
    }
    return {};
  });
  if (!done) return tl::unexpected(done.error());
  return count;
}

namespace {

ApiResponse retry(const PoursApiPorts& ports, const ApiRequest& request) {
  const auto again = ports.storage->run([&](storage::Ledger& ledger) {
    return send_failed_again(ledger, request.body, request.user, ports.now());
  });
  if (!again) return problem(503, again.error().message);
  if (*again == 0) {
    return problem(409, fmt::format("no failed pour is \"{}\": name a receipt or an id that "
                                    "`tapctl queue list` shows as failed, or \"all\"",
                                    request.body));
  }
  ports.pours_waiting();
  return json_answer({{"sent_again", *again}});
}

/// Takes one waiting row out of the way of the others, to be looked at by a person. It stays owed.
storage::Result<std::int64_t> park_row(storage::Ledger& ledger, const std::string& row,
                                       const std::string& who, const std::string& why,
                                       const model::Moment& now) {
  const auto rows = ledger.unconfirmed_pours(largest_most);
  if (!rows) return tl::unexpected(rows.error());
  std::int64_t count = 0;
  for (const model::Pour& pour : *rows) {
    const model::ClientTxId& id = pour.begin.client_tx_id;
    if (pour.status == model::PourStatus::failed || (row != id.text() && row != id.short_id())) {
      continue;
    }
    const auto parked = ledger.in_one_commit([&]() -> storage::Result<> {
      // The only attempt that it has is spent.
      const storage::Verdict verdict{.client_tx_id = id,
                                     .kind = storage::Verdict::Kind::spend_attempt,
                                     .outcome = "parked",
                                     .reason = fmt::format("by {}: {}", who, why)};
      if (auto applied = ledger.apply_verdicts({verdict}, 1, now, now); !applied) return applied;
      return ledger.audit(who, "park", id.text(), why, now);
    });
    if (!parked) return tl::unexpected(parked.error());
    ++count;
  }
  return count;
}

ApiResponse park(const PoursApiPorts& ports, const ApiRequest& request) {
  constexpr std::size_t longest_words = 200;
  const auto body = object_of(request);
  const auto text = [&](const char* key) {
    const auto found = body->find(key);
    return found != body->end() && found->is_string() ? found->get<std::string>() : std::string{};
  };
  if (!body || text("row").empty()) {
    return problem(400, "the body must be {\"row\": a receipt or an id, \"why\": words}");
  }
  const std::string row = text("row");
  const std::string why = text("why").substr(0, longest_words);
  const auto parked = ports.storage->run([&](storage::Ledger& ledger) {
    return park_row(ledger, row, request.user, why.empty() ? "parked by hand" : why, ports.now());
  });
  if (!parked) return problem(503, parked.error().message);
  if (*parked == 0) {
    return problem(409, fmt::format("no waiting pour is \"{}\": name a receipt or an id that "
                                    "`tapctl queue list` shows as new or sent",
                                    row));
  }
  return json_answer({{"parked", *parked}});
}

}  // namespace

std::optional<ApiResponse> serve_pours(const PoursApiPorts& ports, const ApiRequest& request) {
  if (request.path == "/pours" && request.method == "GET") return pours(ports, request);
  if (request.path == "/queue" && request.method == "GET") return queue(ports, request);
  if (request.path == "/queue/park" && request.method == "POST") return park(ports, request);
  if (request.path == "/queue/retry" && request.method == "POST") return retry(ports, request);
  return std::nullopt;
}

}  // namespace tapd
