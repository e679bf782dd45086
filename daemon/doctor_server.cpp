// The doctor's question to the venue server: does it answer, with a certificate that lasts, and
// does it take the token?
#include <algorithm>
#include <cerrno>
#include <ctime>
#include <iomanip>
#include <sstream>

#include <fmt/format.h>
#include <unistd.h>
#include <nlohmann/json.hpp>

#include "daemon/doctor.hpp"
#include "daemon/server_setup.hpp"
#include "sync/outcomes.hpp"
#include "sync/wire.hpp"

namespace tapd {
namespace {

std::string token_of(const Config& config) {
  return token_in(secret_file(config.server.token_file, Secrets::at_the_source));
}

/// Whether the one who looks may not read what tapd is handed over: asked without it, the server
/// would refuse what it does not refuse tapd.
bool secrets_are_closed(const ServerConfig& server) {
  for (const auto& named :
       {server.token_file, server.client_certificate_file, server.client_key_file}) {
    const std::filesystem::path file = secret_file(named, Secrets::at_the_source);
    if (!file.empty() && ::access(file.c_str(), R_OK) != 0 && errno == EACCES) return true;
  }
  return false;
}

/// Pours, without one: small, changes nothing, and needs the token. Not a snapshot: a server that
/// has none answers 401 there to a good token, and a large one takes longer than a look should.
sync::HttpRequest question(const Config& config) {
  // tapd's own patience, but less than what the image's report has with the doctor.
  constexpr std::chrono::milliseconds longest_look{20'000};
  sync::HttpRequest request;
  request.method = sync::HttpRequest::Method::post;
  request.path = sync::endpoint::pours;
  request.headers = {{"Content-Type", "application/json"}, {"X-Internal-Token", token_of(config)}};
  request.body = sync::encode_pours({}).body;
  request.deadline = std::min(config.server.request_deadline, longest_look);
  return request;
}

/// As tapd itself asks; throws when the files that the configuration names cannot be used.
sync::HttpOutcome ask(const Config& config, std::string& expiry) {
  const auto transport = make_transport(config, Secrets::at_the_source,
                                        [&expiry](const std::string& end) { expiry = end; });
  const sync::HttpRequest request = question(config);
  transport->start(1, request);
  // It ends at its deadline at the latest.
  for (;;) {
    auto done = transport->wait(request.deadline);
    if (!done.empty()) return std::move(done.front().outcome);
  }
}

Finding certificate_finding(const std::string& expiry, model::WallTime now) {
  const auto days = days_until(expiry, now);
  if (!days)
    return {Health::doubtful, "the end of the server's certificate cannot be read: " + expiry};
  constexpr std::int64_t soon = 21;
  const std::string what =
      fmt::format("the server's certificate ends in {} days ({})", *days, expiry);
  if (*days >= soon) return {Health::good, what};
  return {*days < 0 ? Health::bad : Health::doubtful, what,
          "renew it at the venue; with a wrong clock here it only seems so"};
}

/// Where an answer sends whoever asked; what no address can hold is left out.
std::string target_of(const sync::HttpResponse& answer) {
  std::string target{sync::header(answer, "location").value_or("")};
  std::erase_if(target, [](unsigned char one) { return one <= ' ' || one >= 0x7f; });
  return target;
}

bool is_json_object(const std::string& body) {
  return nlohmann::json::parse(body, nullptr, false).is_object();
}

Finding no_venue_server(const std::string& what, const sync::HttpResponse& answer) {
  if (const std::string target = target_of(answer); !target.empty()) {
    return {Health::bad, what + ": tapd follows no redirect",
            "name in server.url what it redirects to: " + target};
  }
  return {Health::bad, what + ": that is no venue server",
          "look at server.url, and whether this network wants a log-in first"};
}

Finding status_finding(const Config& config, const sync::HttpResponse& answer) {
  using Kind = sync::AnswerKind;
  const std::string what =
      fmt::format("the server answers {} on {}", answer.status, config.server.url);
  switch (sync::kind_of(answer.status)) {
    case Kind::usable:
      if (is_json_object(answer.body)) return {Health::good, what};
      break;
    case Kind::refused:
      // Some take it ill that there is no row, but they have looked at the token.
      if (!is_json_object(answer.body)) break;
      return {Health::good, "the server takes the token on " + config.server.url};
    case Kind::token:
      return {Health::bad, what + ": it does not take the token",
              "get this controller's token from the venue and write it into server.token_file"};
    case Kind::too_many:
    case Kind::server_error:
    case Kind::unavailable:
      return {Health::doubtful, what, "the server itself has a problem: ask who runs it"};
    case Kind::not_found:
    case Kind::unchanged:
    case Kind::nonsense:
      break;
  }
  return no_venue_server(what, answer);
}

}  // namespace

std::optional<std::int64_t> days_until(const std::string& date, model::WallTime now) {
  std::tm parts{};
  std::istringstream in{date};
  in.imbue(std::locale::classic());
  in >> std::get_time(&parts, "%b %d %H:%M:%S %Y");
  if (in.fail()) return std::nullopt;
  const auto at = std::chrono::sys_seconds{std::chrono::seconds{::timegm(&parts)}};
  return std::chrono::floor<std::chrono::days>(at - now).count();
}

Findings check_server(const Config& config, model::WallTime now) {
  if (config.server.url.empty()) {
    return {{Health::doubtful, "no server is configured: every pour waits in the queue",
             "set server.url and server.token_file"}};
  }
  if (secrets_are_closed(config.server)) {
    return {{Health::doubtful, "the server was not asked: you may not read its token",
             "run it as root: sudo tapctl doctor"}};
  }
  if (!config.server.token_file.empty() && token_of(config).empty()) {
    return {{Health::doubtful, "the server was not asked: there is no token",
             "tapd does not ask it either; put the venue's token into server.token_file"}};
  }
  const auto silent = [&config](const std::string& why) -> Findings {
    return {{Health::bad,
             fmt::format("the server does not answer on {}: {}", config.server.url, why),
             fmt::format("look at network, name and certificate; {} meanwhile",
                         config.policy.sell_offline
                             ? "guests pour from the cached balances"
                             : "no guest is served (policy.sell_offline is off)")}};
  };
  try {
    std::string expiry;
    const sync::HttpOutcome outcome = ask(config, expiry);
    if (!outcome) return silent(outcome.error().message);
    Findings findings{status_finding(config, *outcome)};
    if (!expiry.empty()) findings.push_back(certificate_finding(expiry, now));
    return findings;
  } catch (const std::exception& error) {
    return silent(error.what());
  }
}

}  // namespace tapd
