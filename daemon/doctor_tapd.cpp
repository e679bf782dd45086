// The doctor's look at a running tapd, by what GET /status says.
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "daemon/doctor.hpp"

namespace tapd {
namespace {

using nlohmann::json;

Finding tap_finding(const json& tap, const std::string& state) {
  return {state == "faulted" ? Health::bad : Health::doubtful,
          fmt::format("tap {} is {}: {}", tap.value("tap_id", 0), state, tap.value("reason", "")),
          "journalctl -u tapd -x explains it"};
}

/// What it holds may be older than what the files say now, so it is asked rather than they.
Findings check_asking(const json& status) {
  if (const std::string why = status.value("no_server", ""); !why.empty()) {
    return {{Health::bad, "tapd asks no server: " + why,
             "set right what that says, then systemctl restart tapd"}};
  }
  if (status.value("server_reachable", false)) return {};
  return {{Health::doubtful, "tapd gets no answer from the server",
           "journalctl -u tapd -x says why; systemctl restart tapd if the credentials were "
           "changed: it reads them at a start only"}};
}

}  // namespace

Findings check_running(const json& status, const Config& config) {
  Findings findings{{Health::good, "tapd runs and answers"}};
  // Where none is configured, the look at the configuration says so.
  if (!config.server.url.empty()) {
    for (Finding& finding : check_asking(status)) findings.push_back(std::move(finding));
  }
  for (const json& tap : status.value("taps", json::array())) {
    const std::string state = tap.value("state", "");
    if (state == "faulted" || state == "locked") findings.push_back(tap_finding(tap, state));
  }
  return findings;
}

}  // namespace tapd
