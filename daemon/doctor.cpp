#include "daemon/doctor.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <span>
#include <vector>

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>
#include <nlohmann/json.hpp>

#include "daemon/doctor_files.hpp"
#include "daemon/kill_check.hpp"
#include "daemon/server_setup.hpp"

namespace tapd {
namespace {

namespace fs = std::filesystem;

drivers::LineAddress address(const LineConfig& line) {
  return drivers::LineName{.name = line.name, .chip = line.chip};
}

std::string tap_name(const TapConfig& tap) {
  return fmt::format("tap {}", tap.id.number());
}

Finding kill_finding(std::span<const ValveFate> valves) {
  const KillVerdict verdict = judge_kill(valves, false);
  switch (verdict.outcome) {
    case drivers::KillOutcome::released:
      return {Health::good, verdict.line};
    case drivers::KillOutcome::kept:
      return {Health::bad, verdict.line,
              "do in /boot/firmware/config.txt what that says, and reboot"};
    case drivers::KillOutcome::unknown:
      return {Health::doubtful, verdict.line,
              "try it with a dry line: kill -9 the tapd that holds a valve open"};
  }
  return {};
}

}  // namespace

std::string_view to_text(Health health) {
  constexpr std::array<std::string_view, 3> texts{"good", "doubtful", "BAD"};
  return texts.at(static_cast<std::size_t>(health));
}

nlohmann::json to_json(const Finding& finding) {
  return {{"health", to_text(finding.health)}, {"what", finding.what}, {"next", finding.next}};
}

Findings check_readers(const Config& config, const fs::path& root) {
  Findings findings;
  for (const TapConfig& tap : config.taps) {
    if (tap.simulated) {
      findings.push_back({Health::doubtful, tap_name(tap) + " is simulated (driver = \"sim\")",
                          "take the key out where there is a tap"});
      continue;
    }
    const fs::path& device = tap.reader.device;
    const std::string name = fmt::format("{}: reader {}", tap_name(tap), device.string());
    if (!fs::exists(below(root, device))) {
      findings.push_back(
          {Health::bad, name + " does not exist",
           fs::exists(below(root, "/etc/tapd-image"))
               ? "this card has switched SPI on, with /dev/spidev0.0 and 0.1 alone: name one of "
                 "these, or look at journalctl -k --grep spi"
               : "switch SPI on: dtparam=spi=on in /boot/firmware/config.txt, then reboot"});
    } else if (::access(below(root, device).c_str(), R_OK | W_OK) != 0) {
      findings.push_back({Health::bad, fmt::format("{}: {}", name, std::strerror(errno)),
                          "run this as tapd or root; tapd must be in the group spi"});
    } else {
      findings.push_back({Health::good, name + " is there"});
    }
  }
  return findings;
}

Finding check_line(const std::string& name, const LineConfig& line,
                   const std::vector<drivers::ChipListing>& chips) {
  const auto found = drivers::choose_line(chips, address(line));
  if (found) {
    return {Health::good, fmt::format("{} is {} of {}", name, line.name, found->label)};
  }
  const bool closed =
      std::any_of(chips.begin(), chips.end(), [](const auto& chip) { return !chip.error.empty(); });
  return {Health::bad, fmt::format("{}: {}", name, found.error()),
          closed ? "run this as tapd or root; tapd must be in the group gpio"
                 : "gpioinfo lists the lines of this board; correct the name in tapd.toml"};
}

Findings check_lines(const Config& config, const fs::path& root) {
  Findings findings;
  std::vector<ValveFate> valves;
  const auto chips = drivers::list_chips(root / "dev");
  for (const TapConfig& tap : config.taps) {
    if (tap.simulated) continue;
    for (const LineInUse& use : lines_of(tap)) {
      findings.push_back(
          check_line(fmt::format("{}: {}", tap_name(tap), use.part), use.line, chips));
    }
    if (const auto found = drivers::choose_line(chips, address(tap.valve_line))) {
      valves.push_back(fate_of(tap, *found, root));
    }
  }
  if (!valves.empty()) findings.push_back(kill_finding(valves));
  return findings;
}

namespace {

/// What the firmware of a Raspberry Pi says (vcgencmd get_throttled), in hexadecimal: the low half
/// is now, the high half since the start.
Findings check_firmware(const std::string& told) {
  constexpr std::uint32_t under_voltage = 0x1'0001;
  constexpr std::uint32_t soft_limit = 0x8'0008;   // of the temperature
  constexpr std::uint32_t slowed_down = 0x6'0006;  // frequency capped, throttled
  std::uint32_t bits = 0;
  if (std::from_chars(told.data(), told.data() + told.size(), bits, 16).ec != std::errc{})
    return {};
  const bool weak = (bits & under_voltage) != 0;
  Findings findings{
      weak ? Finding{Health::bad, "the supply has been too weak since the start (" + told + ")",
                     "use the board's own supply and a short cable; readers and cards fail first"}
           : Finding{Health::good, "the supply has held since the start"}};
  // A weak supply slows it down as well.
  if ((bits & soft_limit) != 0 || (!weak && (bits & slowed_down) != 0)) {
    findings.push_back(
        {Health::doubtful, "the board has been too hot since the start (" + told + ")",
         "give it air and a heat sink, away from the cooler's exhaust: it slows down"});
  }
  return findings;
}

}  // namespace

Findings check_board(const fs::path& root) {
  Findings findings =
      check_firmware(first_line(root / "sys/devices/platform/soc/soc:firmware/get_throttled"));
  const bool kept = fs::exists(root / "var/log/journal");
  findings.push_back(
      {kept ? Health::good : Health::doubtful,
       kept ? "the journal is kept over a restart" : "the journal is lost at every restart",
       kept ? ""
            : "Storage=persistent in /etc/systemd/journald.conf.d, then restart "
              "systemd-journald"});
  return findings;
}

Findings check_clock(bool synchronised, model::WallTime now) {
  const std::string time = model::to_iso8601(now);
  if (synchronised) return {{Health::good, "the clock is set: " + time}};
  return {{Health::doubtful, "the clock has not been set since the start: " + time,
           "timedatectl; a time server must be reachable once, pours are dated afterwards; with "
           "chrony or ntpsec tapd must be allowed to look: configuration.md, Time"}};
}

Findings check_secrets(const Config& config, const fs::path& root) {
  Findings findings;
  if (config.server.url.empty()) return findings;
  if (config.server.token_file.empty()) {
    return {{Health::doubtful, "no server.token_file: the server is asked without a token",
             "put the venue's token into a file of its own and name it"}};
  }
  const fs::path file = below(root, secret_file(config.server.token_file, Secrets::at_the_source));
  struct stat info{};
  if (::stat(file.c_str(), &info) != 0) {
    findings.push_back({errno == EACCES ? Health::doubtful : Health::bad,
                        fmt::format("{}: {}", file.string(), std::strerror(errno)),
                        "the venue's token belongs there, one line; look as root"});
  } else if (info.st_size == 0) {
    findings.push_back(
        {Health::bad, file.string() + " is empty", "the venue's token belongs there, one line"});
  } else if ((info.st_mode & S_IRWXO) != 0) {
    findings.push_back({Health::doubtful, file.string() + " can be read by everybody",
                        "chmod 600 " + file.string()});
  } else {
    findings.push_back({Health::good, file.string() + " holds the token"});
  }
  return findings;
}

}  // namespace tapd
