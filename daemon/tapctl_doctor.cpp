#include "daemon/tapctl_doctor.hpp"

#include <algorithm>
#include <cstdio>

#include <fmt/format.h>
#include <unistd.h>
#include <nlohmann/json.hpp>

#include "daemon/doctor.hpp"
#include "daemon/tapctl_talk.hpp"
#include "drivers/clock.hpp"

namespace tapd {
namespace {

using nlohmann::json;

Findings check_tapd(const ApiClient& client, const Config& config) {
  const auto answer = client.get("/status");
  if (!answer) {
    return {{Health::doubtful, "tapd does not answer: " + answer.error(),
             "journalctl -u tapd -x says why it does not run"}};
  }
  const json status = json::parse(answer->body, nullptr, false);
  constexpr int well = 200;
  if (answer->status != well || !status.is_object()) {
    return {{Health::bad,
             fmt::format("tapd runs, but answers {}: {}", answer->status,
                         status.is_object() ? status.value("error", answer->body) : answer->body),
             "journalctl -u tapd -x says what holds it up"}};
  }
  return check_running(status, config);
}

Findings check_all(const std::string& file, const ApiClient& client) {
  std::optional<Config> config;
  try {
    config = read_config(file);
  } catch (const std::exception& error) {
    return {{Health::bad, fmt::format("the configuration: {}", error.what()),
             "correct it; tapd --check-config looks again"}};
  }
  const drivers::ClockReading now = drivers::SystemClock{}.read();
  Findings all{{Health::good, fmt::format("{} is good: {} taps", file, config->taps.size())}};
  for (const Findings& some :
       {check_tapd(client, *config), check_lines(*config, "/"), check_readers(*config, "/"),
        check_storage(*config, "/"), check_secrets(*config, "/"), check_server(*config, now.wall),
        check_wear("/"), check_clock(now.wall_trusted, now.wall), check_board("/")}) {
    all.insert(all.end(), some.begin(), some.end());
  }
  return all;
}

void print(const Finding& finding, bool colour) {
  constexpr std::array<const char*, 3> colours{"\033[32m", "\033[33m", "\033[31m"};
  const auto index = static_cast<std::size_t>(finding.health);
  fmt::print("{}{:<9}{}{}\n", colour ? colours.at(index) : "", to_text(finding.health),
             colour ? "\033[0m" : "", finding.what);
  if (!finding.next.empty()) fmt::print("         next: {}\n", finding.next);
}

}  // namespace

DoctorCommand::DoctorCommand(CLI::App& app)
    : doctor_{app.add_subcommand("doctor",
                                 "look at devices, lines, disk, clock and server, and "
                                 "say what to do next")} {
  doctor_->add_option("--config", *config_, "the configuration")->capture_default_str();
}

std::optional<int> DoctorCommand::run(const ApiClient& client, bool as_json) const {
  if (!doctor_->parsed()) return std::nullopt;
  const Findings findings = check_all(*config_, client);
  const auto bad = std::count_if(findings.begin(), findings.end(), [](const Finding& finding) {
    return finding.health == Health::bad;
  });
  if (as_json) {
    json list = json::array();
    for (const Finding& finding : findings) list.push_back(to_json(finding));
    fmt::print("{}\n", list.dump(2));
  } else {
    const bool colour = ::isatty(STDOUT_FILENO) == 1;
    for (const Finding& finding : findings) print(finding, colour);
    fmt::print("{} looked at, {} bad\n", findings.size(), bad);
  }
  return bad == 0 ? exit_done : exit_refused;
}

}  // namespace tapd
