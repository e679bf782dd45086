#include "daemon/pours_api.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "daemon/api_answers.hpp"
#include "storage/model/cut.hpp"
#include "storage/model/whole_number.hpp"
#include "storage/row_words.hpp"

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
    const auto known = model::parse_pour_status(status->second);
    // Only what has ended is listed here.
    if (!known || *known == model::PourStatus::open) {
      return tl::unexpected{
          std::string{"status must be new, sent, confirmed or failed; what is being poured "
                      "is in `tapctl status`"}};
    }
    all.status = status->second;
  }
  return all;
}

/// Beyond which row a page begins; empty: it is the first. nullopt: that is no id.
std::optional<std::string> beyond(const ApiRequest& request, const char* key) {
  std::string id = of_query(request, key);
  if (!id.empty() && !model::ClientTxId::parse(id)) return std::nullopt;
  return id;
}

ApiResponse page(const json& list, const std::string& next) {
  json body{{"pours", list}};
  if (!next.empty()) body["next"] = next;
  return json_answer(body);
}

ApiResponse pours(const PoursApiPorts& ports, const ApiRequest& request) {
  const auto what = wanted(request);
  if (!what) return problem(400, what.error());
  const auto before = beyond(request, "before");
  if (!before) return problem(400, "before must be the whole id of a pour");
  // With a filter as many are looked through as are ever shown; `next` says where to go on.
  const auto most = static_cast<std::size_t>(what->is_all() ? what->most : largest_most);
  const auto read = ports.storage->run(
      [&](storage::Ledger& ledger) { return ledger.newest_pours(most, *before); });
  if (!read) return problem(503, read.error().message);
  json list = json::array();
  std::string last;
  std::size_t looked = 0;
  for (const model::Pour& pour : *read) {
    if (static_cast<std::int64_t>(list.size()) >= what->most) break;
    if (what->fits(pour)) list.push_back(pour_json(pour));
    last = pour.begin.client_tx_id.text();
    ++looked;
  }
  return page(list, looked < read->size() || looked == most ? last : "");
}

ApiResponse queue(const PoursApiPorts& ports, const ApiRequest& request) {
  const auto most = number(request, "most", largest_most, largest_most);
  if (!most) return problem(400, fmt::format("most must be from 1 to {}", largest_most));
  const auto after = beyond(request, "after");
  if (!after) return problem(400, "after must be the whole id of a pour");
  const auto rows = static_cast<std::size_t>(*most);
  const auto read = ports.storage->run(
      [&](storage::Ledger& ledger) { return ledger.unconfirmed_pours(rows, *after); });
  if (!read) return problem(503, read.error().message);
  json list = json::array();
  for (const model::Pour& pour : *read) list.push_back(pour_json(pour));
  return page(list, read->size() == rows ? read->back().begin.client_tx_id.text() : "");
}

bool is_named(const model::Pour& pour, const std::string& name) {
  return name == pour.begin.client_tx_id.text() || name == pour.begin.client_tx_id.short_id();
}

/// One page of what the server has not confirmed, each row given to `change`, which answers whether
/// it changed the row.
storage::Result<ChangedRows> change_rows(
    storage::Ledger& ledger, const std::string& after,
    const std::function<storage::Result<bool>(const model::Pour&)>& change) {
  ChangedRows changed;
  const auto done = ledger.in_one_commit([&]() -> storage::Result<> {
    const auto rows = ledger.unconfirmed_pours(largest_most, after);
    if (!rows) return tl::unexpected(rows.error());
    for (const model::Pour& pour : *rows) {
      const auto did = change(pour);
      if (!did) return tl::unexpected(did.error());
      if (*did) changed.rows.push_back(pour.begin);
    }
    if (rows->size() == largest_most) changed.next = rows->back().begin.client_tx_id.text();
    return {};
  });
  if (!done) return tl::unexpected(done.error());
  return changed;
}

struct AllChanged {
  std::vector<model::PourBegin> rows;
  std::string stopped;  ///< Why the rest is as it was; empty: all are done.
};

/// All pages, each in a commit of its own: between two of them a tap's rows are written.
AllChanged change_all(
    StorageDesk& storage,
    const std::function<storage::Result<ChangedRows>(storage::Ledger&, const std::string&)>& one) {
  AllChanged all;
  std::string after;
  do {
    const auto changed = storage.run([&](storage::Ledger& ledger) { return one(ledger, after); });
    if (!changed) {
      all.stopped = changed.error().message;
      return all;
    }
    all.rows.insert(all.rows.end(), changed->rows.begin(), changed->rows.end());
    after = changed->next;
  } while (!after.empty());
  return all;
}

/// What was done stays done, and staff are told how far it came.
ApiResponse stopped_problem(const AllChanged& changed, const std::string& done) {
  if (changed.rows.empty()) return problem(503, changed.stopped);
  return problem(503, fmt::format("{} pours are {}, the rest is as it was: {}; say it again later",
                                  changed.rows.size(), done, changed.stopped));
}

}  // namespace

storage::Result<ChangedRows> send_failed_again(storage::Ledger& ledger, const std::string& what,
                                               const std::string& who, const model::Moment& now,
                                               const std::string& after) {
  return change_rows(ledger, after, [&](const model::Pour& pour) -> storage::Result<bool> {
    const bool meant = what == "all" || is_named(pour, what);
    if (!meant || pour.status != model::PourStatus::failed) return false;
    const auto sent = ledger.send_again(pour.begin.client_tx_id, who, now);
    if (!sent) return tl::unexpected(sent.error());
    return true;
  });
}

namespace {

ApiResponse retry(const PoursApiPorts& ports, const ApiRequest& request) {
  const AllChanged again =
      change_all(*ports.storage, [&](storage::Ledger& ledger, const std::string& after) {
        return send_failed_again(ledger, request.body, request.user, ports.now(), after);
      });
  if (!again.rows.empty()) ports.pours_waiting();
  if (!again.stopped.empty()) return stopped_problem(again, "sent again");
  if (again.rows.empty()) {
    return problem(409, fmt::format("no failed pour is \"{}\": name a receipt or an id that "
                                    "`tapctl queue list` shows as failed, or \"all\"",
                                    request.body));
  }
  return json_answer({{"sent_again", again.rows.size()}});
}

/// What staff decide of one row by hand.
struct Decision {
  bool of_failed{false};  ///< Of a failed row; else of one that waits.
  storage::Verdict::Kind kind{storage::Verdict::Kind::spend_attempt};
  const char* outcome{""};
  const char* action{""};   ///< In the audit log.
  const char* done{""};     ///< In the answer.
  const char* unsaid{""};   ///< When no reason is given.
  const char* rows{""};     ///< Those that it may be about, ...
  const char* instead{""};  ///< ... and what to do when it is about none of them.
};
/// It stays owed, out of the way of the others, to be looked at by a person. The only attempt that
/// it has is spent.
constexpr Decision parking{.of_failed = false,
                           .kind = storage::Verdict::Kind::spend_attempt,
                           .outcome = storage::parked,
                           .action = "park",
                           .done = "parked",
                           .unsaid = "parked by hand",
                           .rows = "waiting",
                           .instead =
                               "name a receipt or an id that `tapctl queue list` shows as "
                               "new or sent"};
/// Staff have booked it at the venue: the next balance contains it.
constexpr Decision booking{.of_failed = true,
                           .kind = storage::Verdict::Kind::confirmed,
                           .outcome = storage::booked_by_hand,
                           .action = storage::booked_by_hand,
                           .done = "booked",
                           .unsaid = "booked at the venue",
                           .rows = "failed",
                           .instead =
                               "what still waits is sent by itself; `tapctl queue park` it "
                               "first, and then book it"};

/// What staff say about one row.
struct AboutRow {
  std::string row;
  std::string why;
};

std::optional<AboutRow> about_row(const ApiRequest& request, const char* unsaid) {
  constexpr std::size_t longest_words = 200;
  const auto body = object_of(request);
  const auto text = [&](const char* key) {
    const auto found = body->find(key);
    return found != body->end() && found->is_string() ? found->get<std::string>() : std::string{};
  };
  if (!body || text("row").empty()) return std::nullopt;
  std::string why = model::cut_to(longest_words, text("why"));
  return AboutRow{.row = text("row"), .why = why.empty() ? unsaid : std::move(why)};
}

storage::Result<ChangedRows> carry_out(storage::Ledger& ledger, const Decision& decision,
                                       const AboutRow& about, const std::string& who,
                                       const model::Moment& now, const std::string& after,
                                       bool& was_sent) {
  return change_rows(ledger, after, [&](const model::Pour& pour) -> storage::Result<bool> {
    const bool failed = pour.status == model::PourStatus::failed;
    if (failed != decision.of_failed || !is_named(pour, about.row)) return false;
    const model::ClientTxId& id = pour.begin.client_tx_id;
    const storage::Verdict verdict{.client_tx_id = id,
                                   .kind = decision.kind,
                                   .outcome = decision.outcome,
                                   .reason = fmt::format("by {}: {}", who, about.why)};
    auto done = ledger.apply_verdicts({verdict}, 1, now, now);
    if (done) done = ledger.audit(who, decision.action, id.text(), about.why, now);
    if (!done) return tl::unexpected(done.error());
    was_sent |= pour.status == model::PourStatus::sent;
    return true;
  });
}

ApiResponse decide(const PoursApiPorts& ports, const ApiRequest& request,
                   const Decision& decision) {
  const auto about = about_row(request, decision.unsaid);
  if (!about) {
    return problem(400, "the body must be {\"row\": a receipt or an id, \"why\": words}");
  }
  bool was_sent = false;
  const AllChanged changed =
      change_all(*ports.storage, [&](storage::Ledger& ledger, const std::string& after) {
        return carry_out(ledger, decision, *about, request.user, ports.now(), after, was_sent);
      });
  // What was failed has given its lock up already.
  for (const model::PourBegin& begin : changed.rows) {
    if (!decision.of_failed) ports.given_up(begin.card_uid, begin.tap_id);
  }
  if (!changed.stopped.empty()) {
    constexpr const char* in_doubt =
        " (the server may have booked it: look there before you book it by hand)";
    return stopped_problem(changed, std::string{decision.done} + (was_sent ? in_doubt : ""));
  }
  if (changed.rows.empty()) {
    return problem(
        409, fmt::format("no {} pour is \"{}\": {}", decision.rows, about->row, decision.instead));
  }
  json answer{{decision.done, changed.rows.size()}};
  // Nobody has heard what the server made of it: booked by hand as well, it would be paid twice.
  if (was_sent) answer["was_sent"] = true;
  return json_answer(answer);
}

}  // namespace

std::optional<ApiResponse> serve_pours(const PoursApiPorts& ports, const ApiRequest& request) {
  if (request.path == "/pours" && request.method == "GET") return pours(ports, request);
  if (request.path == "/queue" && request.method == "GET") return queue(ports, request);
  if (request.path == "/queue/park" && request.method == "POST") {
    return decide(ports, request, parking);
  }
  if (request.path == "/queue/booked" && request.method == "POST") {
    return decide(ports, request, booking);
  }
  if (request.path == "/queue/retry" && request.method == "POST") return retry(ports, request);
  return std::nullopt;
}

}  // namespace tapd
