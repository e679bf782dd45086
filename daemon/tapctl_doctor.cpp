#include "daemon/tapctl_doctor.hpp"

#include <algorithm>
#include <cerrno>
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

Finding silence(const std::string& socket, const std::string& why) {
  if (::access(socket.c_str(), W_OK) != 0 && errno == EACCES) {
    return {Health::doubtful, "you may not ask tapd: " + why, "run this as tapd or root"};
  }
  return {Health::bad, fmt::format("tapd does not answer on {}: {}", socket, why),
          "systemctl status tapd; journalctl -u tapd -x says why it does not run"};
}

Findings check_tapd(const std::string& socket, const Config& config) {
  const auto answer = ApiClient{socket}.get("/status");
  if (!answer) return {silence(socket, answer.error())};
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

Findings check_file(const std::string& file) {
  const auto user = service_user();
  return user ? check_config_file(file, *user) : Findings{};
}

Findings check_all(const std::string& file, const std::optional<std::string>& socket) {
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
       {check_file(file), check_tapd(socket.value_or(config->socket.string()), *config),
        check_lines(*config, "/"), check_readers(*config, "/"), check_storage(*config, "/"),
        check_secrets(*config, "/"), check_server(*config, now.wall), check_wear("/"),
        check_clock(now.wall_trusted, now.wall), check_board("/")}) {
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

std::optional<int> DoctorCommand::run(const std::optional<std::string>& socket,
                                      bool as_json) const {
  if (!doctor_->parsed()) return std::nullopt;
  const Findings findings = check_all(*config_, socket);
  const auto bad = std::count_if(findings.begin(), findings.end(), [](const Finding& finding) {
    return finding.health == Health::bad;
  });
  if (as_json) {
    json list = json::array();
    for (const Finding& finding : findings) list.push_back(to_json(finding));
    fmt::print("{}\n", packed(list, 2));
  } else {
    const bool colour = ::isatty(STDOUT_FILENO) == 1;
    for (const Finding& finding : findings) print(finding, colour);
    fmt::print("{} looked at, {} bad\n", findings.size(), bad);
  }
  return bad == 0 ? exit_done : exit_refused;
}

}  // namespace tapd
