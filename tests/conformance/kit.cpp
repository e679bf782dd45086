#include "tests/conformance/kit.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "sync/wire.hpp"
#include "tests/conformance/snapshot_rows.hpp"

namespace tapd::conformance {
namespace {

using nlohmann::json;

constexpr std::int64_t volume_ml = 50;
constexpr std::size_t longest_seen = 60;

std::string one_line(std::string text) {
  std::replace_if(text.begin(), text.end(), [](unsigned char c) { return c < ' '; }, ' ');
  if (text.size() > longest_seen) text = text.substr(0, longest_seen - 3) + "...";
  return text;
}

std::string seen_of(const Answer& answer) {
  return one_line(fmt::format("{} {}", answer.status, answer.body));
}

struct RowSeen {
  std::string status;
  std::string outcome;
  [[nodiscard]] std::string text() const { return status + " / " + outcome; }
};

class Examination {
 public:
  Examination(const Call& call, const Bench& bench) : call_{call}, bench_{bench} {}

  std::vector<Finding> run() {
    check_door();
    check_authorize();
    check_locks();
    check_pours();
    check_batches();
    check_offline();
    check_snapshot();
    check_flow_events();
    return std::move(findings_);
  }

 private:
  // --- asking ------------------------------------------------------------------------------------
  Answer ask(bool post, const std::string& path, const std::string& body,
             std::map<std::string, std::string> headers = {}) {
    headers.emplace("X-Internal-Token", bench_.token);
    return call_({post, path, body, std::move(headers)});
  }
  Answer post(const std::string& path, const json& body) { return ask(true, path, body.dump()); }
  Answer authorize(const std::string& card, std::int32_t tap) {
    return post(sync::endpoint::authorize, {{"card_uid", card}, {"tap_id", tap}});
  }
  Answer authorize() { return authorize(bench_.card_uid, bench_.tap_id); }
  Answer send(const json& rows) { return post(sync::endpoint::pours, {{"pours", rows}}); }

  json row(const std::string& name, std::int64_t volume) const {
    const std::int64_t price = (volume * price_ + 500) / 1000;
    json fields{
        {"client_tx_id", fmt::format("conformance-{}-{}", bench_.run_id, name)},
        {"short_id", bench_.run_id.substr(0, 8)},
        {"card_uid", bench_.card_uid},
        {"tap_id", bench_.tap_id},
        {"duration_ms", 1500},
        {"volume_ml", volume},
        {"tail_volume_ml", 0},
        {"price_cents", price},
        {"price_per_ml_at_pour", fmt::format("{}.{:05}", price_ / 100'000, price_ % 100'000)},
        {"authorized_by", "server"},
        {"stop_reason", "card_removed"}};
    if (!guest_.empty()) fields["guest_id"] = guest_;
    return fields;
  }

  /// What the answer says of each row; fewer than asked: it does not say it of all.
  static std::vector<RowSeen> rows_of(const Answer& answer) {
    std::vector<RowSeen> seen;
    const auto decoded = sync::decode_pours(answer.body);
    if (answer.status != 200 || !decoded) return seen;
    for (const sync::RowResult& result : decoded->results) {
      seen.push_back({result.status, result.outcome});
    }
    return seen;
  }
  static std::string text_of(const std::vector<RowSeen>& rows, const Answer& answer) {
    std::string text;
    for (const RowSeen& each : rows) text += (text.empty() ? "" : "; ") + each.text();
    return text.empty() ? seen_of(answer) : one_line(text);
  }

  std::optional<std::int64_t> balance() {
    const auto decoded = sync::decode_authorize(authorize().body);
    if (!decoded || !std::holds_alternative<sync::Allowed>(*decoded)) return std::nullopt;
    return std::get<sync::Allowed>(*decoded).balance.minor_units();
  }
  void release() { (void)send(json::array({row(fmt::format("release-{}", ++releases_), 0)})); }

  // --- noting ------------------------------------------------------------------------------------
  void must(const char* rule, bool holds, std::string seen, const char* mend) {
    findings_.push_back({rule, std::move(seen), holds ? Verdict::ok : Verdict::failed,
                         holds ? "" : std::string{mend}});
  }
  void should(const char* rule, bool holds, std::string seen, const char* way_around) {
    findings_.push_back({rule, std::move(seen), holds ? Verdict::ok : Verdict::differs,
                         holds ? "" : std::string{way_around}});
  }

  // --- the rules ---------------------------------------------------------------------------------
  void check_door() {
    const Answer status = call_({false, sync::endpoint::system_status, "", {}});
    must("the system status needs no token and tells the emergency stop",
         status.status == 200 && sync::decode_system_status(status.body).has_value(),
         seen_of(status), "answer 200 with emergency_stop: true or false");
    const Answer wrong = call_({true,
                                sync::endpoint::authorize,
                                json{{"card_uid", bench_.card_uid}, {"tap_id", 1}}.dump(),
                                {{"X-Internal-Token", bench_.token + "x"}}});
    must("a wrong token is refused", wrong.status == 401 || wrong.status == 403, seen_of(wrong),
         "answer 401: anybody can authorize and book now");
    const Answer announced =
        post(sync::endpoint::register_controller, {{"controller_id", "conformance"},
                                                   {"ip_address", "127.0.0.1"},
                                                   {"firmware_version", "1.0"}});
    must("a controller can register",
         announced.status == 200 && sync::decode_register(announced.body).has_value(),
         seen_of(announced), "answer 200 with a JSON object");
    should("answers carry a Date", announced.headers.contains("date"),
           announced.headers.contains("date") ? announced.headers.at("date") : "none",
           "controllers without a battery clock compare theirs with it");
    const Answer nonsense = ask(true, sync::endpoint::authorize, "{\"card_uid\": ");
    must("a body that is no JSON is refused, not a failure of the server",
         nonsense.status >= 400 && nonsense.status < 500, seen_of(nonsense),
         "answer 422 or 400: a 5xx makes controllers back off");
  }

  void check_authorize() {
    const Answer answer = authorize();
    const auto decoded = sync::decode_authorize(answer.body);
    const bool allowed =
        answer.status == 200 && decoded && std::holds_alternative<sync::Allowed>(*decoded);
    must("a card with money may pour, with limits and balance", allowed,
         decoded ? seen_of(answer) : decoded.error().why, "see the contract, section 1");
    if (allowed) {
      const auto& leave = std::get<sync::Allowed>(*decoded);
      guest_ = leave.guest_id.text();
      price_ = leave.price.value_or(leave.rounded_price).minor_per_litre();
      should("the exact litre price is told", leave.price.has_value(),
             leave.price ? fmt::format("{} per litre", price_) : "rounded up per millilitre only",
             "tapd shows the price as approximate unless a snapshot tells it");
    }
    const Answer again = authorize();
    must("asking again for the same card and tap is harmless", again.status == 200, seen_of(again),
         "answer as before: a lost answer is asked for again");
    const Answer unknown = authorize("04ffffffffffff", bench_.tap_id);
    const sync::ErrorBody said = sync::decode_error(unknown.body);
    must("an unknown card is refused with a reason",
         (unknown.status == 409 || unknown.status == 403) && !said.reason.empty(), seen_of(unknown),
         "409 {\"detail\": {\"reason\": \"no_active_visit\"}}");
    std::string upper = bench_.card_uid;
    std::transform(upper.begin(), upper.end(), upper.begin(),
                   [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
    const Answer loud = authorize(upper, bench_.tap_id);
    should("a UID in capitals does not bring the server down", loud.status < 500, seen_of(loud),
           "tapd sends lower case always");
  }

  void check_locks() {
    const Answer elsewhere = authorize(bench_.card_uid, bench_.other_tap_id);
    must("a card that has leave at one tap is refused at another",
         elsewhere.status == 409 &&
             sync::decode_error(elsewhere.body).reason == "card_in_use_on_other_tap",
         seen_of(elsewhere), "409 card_in_use_on_other_tap: else one balance is spent twice");
    const Answer zero = send(json::array({row("zero", 0)}));
    const auto rows = rows_of(zero);
    must("a row without volume is answered rejected_zero_volume",
         rows.size() == 1 && rows[0].outcome == "rejected_zero_volume", text_of(rows, zero),
         "tapd releases abandoned authorizations with it");
    const Answer after = authorize(bench_.card_uid, bench_.other_tap_id);
    must("... and releases the lock", after.status == 200, seen_of(after),
         "the card stays locked to a tap where nobody pours");
    json back = row("zero-back", 0);
    back["tap_id"] = bench_.other_tap_id;
    (void)send(json::array({back}));
  }

  void check_pours() {
    const auto before = balance();
    const Answer first = send(json::array({row("pour", volume_ml)}));
    const auto rows = rows_of(first);
    must("a pour is booked", rows.size() == 1 && rows[0].status == "accepted", text_of(rows, first),
         "one result per row, with client_tx_id, status and outcome");
    const auto after = balance();
    const std::int64_t cost = before && after ? *before - *after : -1;
    // A server that rounds the price up for display charges by the litre price that it does not
    // tell: less than the rounded one, and more than nothing.
    must("... and debited", cost > 0 && cost <= (volume_ml * price_ + 500) / 1000,
         fmt::format("{} minor units for {} ml", cost, volume_ml),
         "the balance of the next authorization contains the pour");
    const Answer again = send(json::array({row("pour", volume_ml)}));
    const auto repeated = rows_of(again);
    must("a repeated row is accepted", repeated.size() == 1 && repeated[0].status == "accepted",
         text_of(repeated, again), "accepted / duplicate_existing: tapd sends until it is told");
    const auto same = balance();
    must("... and not debited again", after && same && *after == *same,
         after && same ? fmt::format("{} minor units", *after - *same) : "no balance",
         "the guest pays twice");
    const Answer other = send(json::array({row("pour", 2 * volume_ml)}));
    const auto reused = rows_of(other);
    should("an id with other content is a conflict",
           reused.size() == 1 && reused[0].status == "conflict", text_of(reused, other),
           "tapd never changes a row");
    release();
  }

  void check_batches() {
    (void)authorize();
    json bad = row("bad", volume_ml);
    bad["volume_ml"] = -5;
    const Answer answer = send(json::array({row("good", volume_ml), bad}));
    const auto rows = rows_of(answer);
    should("one bad row does not spoil its batch", rows.size() == 2, text_of(rows, answer),
           "tapd halves the batch until the bad row stands alone");
    must("a bad row is never accepted", rows.size() < 2 || rows[1].status != "accepted",
         text_of(rows, answer), "refuse a negative volume");
    const Answer alone = send(json::array({row("good", volume_ml)}));
    const auto good = rows_of(alone);
    must("... and its neighbour can be booked", good.size() == 1 && good[0].status == "accepted",
         text_of(good, alone), "the row is lost for the venue");
    release();
  }

  void check_offline() {
    json offline = row("offline", volume_ml);
    offline["authorized_by"] = "cache";
    const Answer answer = send(json::array({offline}));
    const auto rows = rows_of(answer);
    must("an offline pour is answered row by row", rows.size() == 1, text_of(rows, answer),
         "accepted, rejected or audit_only");
    should("an offline pour is charged", rows.size() == 1 && rows[0].status == "accepted",
           text_of(rows, answer), "tapd asks for an authorization and sends it alone");
  }

  void check_snapshot() {
    const std::string path = sync::endpoint::snapshot("conformance");
    const Answer first = ask(false, path, "");
    const bool there = first.status == 200;
    should("there is a snapshot", there,
           there ? fmt::format("{} bytes", first.body.size()) : seen_of(first),
           "tapd learns balances from authorizations and sells offline to known cards only");
    if (!there) return;
    const auto decoded = sync::decode_snapshot(first.body);
    must("... that tapd understands", decoded.has_value(),
         decoded ? fmt::format("{} guests, {} cards", decoded->guests.size(), decoded->cards.size())
                 : decoded.error().why,
         "see the contract, section 3");
    const auto etag = first.headers.find("etag");
    must("... with an ETag", etag != first.headers.end(),
         etag == first.headers.end() ? "none" : etag->second,
         "without it every controller fetches everything every two seconds");
    if (etag == first.headers.end()) return;
    const Answer again = ask(false, path, "", {{"If-None-Match", etag->second}});
    must("... that answers 304 while nothing has changed", again.status == 304,
         fmt::format("{}, {} bytes", again.status, again.body.size()), "compare If-None-Match");
    if (decoded) check_changes(first, decoded->revision, etag->second);
  }

  /// A pour makes a difference to its guest.
  void check_changes(const Answer& before, std::int64_t revision, const std::string& etag) {
    (void)authorize();
    (void)send(json::array({row("since", volume_ml)}));
    const std::string path = sync::endpoint::snapshot("conformance");
    const Answer answer =
        ask(false, fmt::format("{}?since={}", path, revision), "", {{"If-None-Match", etag}});
    const auto decoded = sync::decode_snapshot(answer.body, revision);
    const auto* const changes = decoded ? std::get_if<model::SnapshotChanges>(&*decoded) : nullptr;
    const bool told = answer.status == 200 && changes != nullptr;
    should("... and tells the changes since a revision", told,
           told || !decoded ? seen_of(answer) : "the whole again",
           "tapd fetches the whole snapshot whenever anything has changed");
    must("... and answers since with changes or the whole, rightly made",
         answer.status != 200 || decoded.has_value(), decoded ? "readable" : decoded.error().why,
         "see the contract, section 3");
    if (!told) return;
    const Answer whole = ask(false, path, "");
    const auto all = sync::decode_snapshot(whole.body);
    // A venue at work has moved on in between: then the two say nothing about each other.
    if (!all || all->revision != changes->now.revision) return;
    const std::string wrong = difference(before.body, answer.body, whole.body);
    must("... and the changes make what the whole is", wrong.empty(),
         wrong.empty() ? fmt::format("{} bytes for {}", answer.body.size(), whole.body.size())
                       : wrong,
         "name every row that differs, and under gone what is no longer there");
  }

  void check_flow_events() {
    const auto event = [this](const char* status, int volume) {
      return post(sync::endpoint::flow_events,
                  {{"event_id", fmt::format("conformance-{}", bench_.run_id)},
                   {"event_status", status},
                   {"tap_id", bench_.tap_id},
                   {"volume_ml", volume},
                   {"duration_ms", 900},
                   {"card_present", false},
                   {"valve_open", false},
                   {"session_state", "authorized_session"},
                   {"reason", "conformance"}});
    };
    const Answer started = event("started", 1);
    must("a flow event is taken", started.status >= 200 && started.status <= 204, seen_of(started),
         "answer 200: leaks are told here");
    (void)event("stopped", 3);
    const Answer again = event("stopped", 3);
    must("... and may be told twice", again.status >= 200 && again.status <= 204, seen_of(again),
         "tapd repeats what was not answered");
  }

  const Call& call_;
  const Bench& bench_;
  std::vector<Finding> findings_;
  std::string guest_;
  std::int64_t price_{0};  ///< Minor units per litre.
  int releases_{0};
};

const char* word(Verdict verdict) {
  switch (verdict) {
    case Verdict::ok:
      return "ok";
    case Verdict::differs:
      return "differs";
    case Verdict::failed:
      return "FAILED";
  }
  return "?";
}

}  // namespace

std::vector<Finding> examine(const Call& call, const Bench& bench) {
  return Examination{call, bench}.run();
}

std::string table_of(const std::vector<Finding>& findings) {
  std::string table;
  int failed = 0;
  int differs = 0;
  for (const Finding& each : findings) {
    table += fmt::format("{:8} {:66} {}\n", word(each.verdict), each.rule, each.seen);
    if (!each.remark.empty()) table += fmt::format("{:8} -> {}\n", "", each.remark);
    failed += each.verdict == Verdict::failed ? 1 : 0;
    differs += each.verdict == Verdict::differs ? 1 : 0;
  }
  return table + fmt::format("\n{} rules: {} kept, {} differ and have a way around, {} failed\n",
                             findings.size(), static_cast<int>(findings.size()) - failed - differs,
                             differs, failed);
}

bool passes(const std::vector<Finding>& findings) {
  return !findings.empty() && std::none_of(findings.begin(), findings.end(), [](const auto& each) {
    return each.verdict == Verdict::failed;
  });
}

}  // namespace tapd::conformance
