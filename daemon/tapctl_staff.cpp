#include "daemon/tapctl_staff.hpp"

#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <iterator>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "daemon/core/jug_calibration.hpp"
#include "daemon/core/service_menu.hpp"
#include "daemon/staff_api.hpp"
#include "daemon/tapctl_service.hpp"
#include "daemon/tapctl_talk.hpp"

namespace tapd {
namespace {

using nlohmann::json;

CLI::Option* tap_of(CLI::App* command, int& tap) {
  return command->add_option("tap", tap, "its number")
      ->required()
      ->check(CLI::Range(1, model::TapId::largest));
}

void bounds(CLI::App* command, std::int64_t& seconds, std::int64_t& ml, ServiceKind kind) {
  const ServiceBegun usual = usual_work(kind);
  command
      ->add_option("--seconds", seconds,
                   fmt::format("at most so long (without it: {})", usual.longest.count() / 1'000))
      ->check(CLI::Range(std::int64_t{1}, most_service_seconds));
  command
      ->add_option("--ml", ml,
                   fmt::format("at most so much (without it: {})", usual.most.in_millilitres()))
      ->check(CLI::Range(std::int64_t{1}, most_service_ml));
}

int act(const ApiClient& client, const ServiceWish& wish, bool as_json) {
  const auto done = carry_out_service(client, wish);
  if (!done) return done.error();
  if (as_json) {
    fmt::print("{}\n", done->dump(2));
  } else {
    const auto microlitres = done->at("volume_ul").get<std::int64_t>();
    const auto open_ms = done->at("open_ms").get<std::int64_t>();
    fmt::print("tap {}: {}, booked as non-sale; the valve was open for {}.{} s and is shut\n",
               wish.tap, model::to_text(model::Volume::microlitres(microlitres)), open_ms / 1'000,
               open_ms % 1'000 / 100);
  }
  return exit_done;
}

int post(const ApiClient& client, const char* path, const json& asked, bool as_json) {
  const auto done = body_of(client.post(path, packed(asked)));
  if (!done) return done.error();
  fmt::print("{}\n", as_json ? done->dump(2) : "done");
  return exit_done;
}

int unlock(const ApiClient& client, int tap, bool as_json) {
  if (as_json) return post(client, "/unlock", {{"tap", tap}}, as_json);
  const auto done = body_of(client.post("/unlock", packed({{"tap", tap}})));
  if (!done) return done.error();
  say_done(client, tap);
  return exit_done;
}

/// "412.5" as thousandths; nullopt for anything else.
std::optional<std::int64_t> thousandths(const std::string& text) {
  const auto dot = text.find('.');
  const std::string whole = text.substr(0, dot);
  std::string part = dot == std::string::npos ? "" : text.substr(dot + 1);
  const auto digits = [](const std::string& word) {
    return word.find_first_not_of("0123456789") == std::string::npos;
  };
  constexpr std::size_t longest = 6;
  if (whole.empty() || whole.size() > longest || part.size() > 3 || !digits(whole) ||
      !digits(part)) {
    return std::nullopt;
  }
  part.resize(3, '0');
  return std::stoll(whole) * 1'000 + std::stoll(part);
}

struct Jug {
  int tap{0};
  int pours{0};
  std::int64_t seconds{0};
  std::int64_t ml{0};
  bool by_weight{false};
  std::int64_t density{1'000};
  std::FILE* out{stdout};  ///< What people read: stderr when the answer is JSON.
};

/// What all pours together would be refused for, found at the one that has it: the jug is still
/// full.
std::optional<std::string> fault_of(const JugPour& pour, std::int64_t in_force) {
  if (pour.measured < JugCalibration::least_measured) {
    return fmt::format("{} is too little to be read off: pour at least {}",
                       model::to_text(pour.measured),
                       model::to_text(JugCalibration::least_measured));
  }
  // One pour may be off their mean besides.
  constexpr std::int64_t most = JugCalibration::largest_change + JugCalibration::largest_spread;
  const std::int64_t change = (milli_pulses_per_litre(pour) - in_force) * 1'000 / in_force;
  if (std::abs(change) <= most) return std::nullopt;
  return fmt::format(
      "that would be {:+} % against the value in force: check jug and unit, and that meter.model "
      "or meter.pulses_per_litre names the meter that is built in",
      change / 10);
}

enum class Measuring : std::uint8_t { done, again, given_up };

/// Asks until an amount is typed in that this pour can be, or "again". (An empty line says nothing:
/// Enter may have come after the valve had shut by itself.)
Measuring ask_measured(const Jug& jug, std::int64_t in_force, JugPour& pour) {
  for (std::string line;;) {
    fmt::print(jug.out, "   what the {} says, in {}: ", jug.by_weight ? "scale" : "jug",
               jug.by_weight ? "grams without the jug" : "millilitres");
    std::fflush(jug.out);
    if (!std::getline(std::cin, line)) return Measuring::given_up;
    if (line == "again") return Measuring::again;
    const auto amount = thousandths(line);
    if (!amount) {
      fmt::print(jug.out, "   \"{}\" is not an amount like 512 or 512.5\n", line);
      continue;
    }
    // Grams by kilograms per litre are millilitres.
    pour.measured =
        model::Volume::microlitres(jug.by_weight ? *amount * 1'000 / jug.density : *amount);
    const auto fault = fault_of(pour, in_force);
    if (!fault) return Measuring::done;
    fmt::print(jug.out, "   {}.\n   Type it anew, or \"again\" to pour this one again.\n", *fault);
  }
}

std::string pulses(std::int64_t milli) {
  return fmt::format("{}.{}", milli / 1'000, milli % 1'000 / 100);
}

/// The pours, one after the other; the exit code when they cannot be had.
tl::expected<std::vector<JugPour>, int> pour_into_jug(const ApiClient& client, const Jug& jug,
                                                      std::int64_t in_force) {
  std::vector<JugPour> pours;
  while (std::ssize(pours) < jug.pours) {
    fmt::print(jug.out,
               "{} of {}: empty the jug, put it under tap {}, and press Enter: the valve opens.\n"
               "   Pour at the usual pace; Enter again shuts it (or {} s, or {} ml).\n",
               pours.size() + 1, jug.pours, jug.tap, jug.seconds, jug.ml);
    std::fflush(jug.out);
    std::string line;
    if (!std::getline(std::cin, line)) {
      return tl::unexpected(refuse("given up: nothing has been changed"));
    }
    const auto done = carry_out_service(client, {.tap = jug.tap,
                                                 .kind = "calibrate",
                                                 .seconds = jug.seconds,
                                                 .ml = jug.ml,
                                                 .enter_ends = true});
    if (!done && (pours.empty() || done.error() != exit_refused)) {
      return tl::unexpected(done.error());
    }
    if (!done) {
      fmt::print(jug.out, "   See to that; the pours before this one are kept.\n");
      continue;
    }
    JugPour pour{.edges = done->at("edges").get<std::int64_t>(), .measured = {}};
    fmt::print(jug.out, "   the meter gave {} pulses\n", pour.edges / 2);
    if (pour.edges <= 0) {
      fmt::print(jug.out,
                 "   No pulse came. If liquid ran, look at the meter's cable and its pull-up "
                 "(tapctl meter {}); if none did, pour this one again.\n",
                 jug.tap);
      continue;
    }
    const Measuring measuring = ask_measured(jug, in_force, pour);
    if (measuring == Measuring::again) continue;
    if (measuring == Measuring::given_up) {
      return tl::unexpected(refuse("given up: nothing has been changed"));
    }
    fmt::print(jug.out, "   that is {} pulses per litre\n", pulses(milli_pulses_per_litre(pour)));
    pours.push_back(pour);
  }
  return pours;
}

/// A guest may have begun to pour meanwhile: that is no reason to lose what was measured.
int put_in_force(const ApiClient& client, const Jug& jug, const json& asked) {
  for (std::string line;;) {
    const auto answer = client.post("/calibration", asked.dump());
    const auto done = body_of(answer);
    if (done) return exit_done;
    constexpr int not_now = 409;
    if (!answer || answer->status != not_now) return done.error();
    fmt::print(jug.out, "   See to that, then press Enter, and it is tried again.\n");
    std::fflush(jug.out);
    if (!std::getline(std::cin, line)) return refuse("given up: nothing has been changed");
  }
}

int calibrate(const ApiClient& client, const Jug& jug, bool as_json) {
  const auto status = body_of(client.get(fmt::format("/calibration?tap={}", jug.tap)));
  if (!status) return status.error();
  const auto in_force = status->at("milli_pulses_per_litre").get<std::int64_t>();
  if (const std::string barred = status->value("barred", ""); !barred.empty()) {
    return refuse(barred);  // Before the first jug, and not after the last.
  }
  // Enter is waited for beside the line reader, so nothing may be read ahead.
  std::setvbuf(stdin, nullptr, _IONBF, 0);
  fmt::print(jug.out, "tap {}: {} pulses per litre are in force\n", jug.tap, pulses(in_force));
  const auto pours = pour_into_jug(client, jug, in_force);
  if (!pours) return pours.error();
  const auto result = calibrate_by_jug(*pours, in_force);
  if (!result) return refuse(result.error() + "; nothing has been changed");
  fmt::print(jug.out, "   together {} pulses per litre\n", pulses(result->milli_pulses_per_litre));
  std::string note = fmt::format("{} pours, spread {}.{} %", pours->size(), result->spread / 10,
                                 result->spread % 10);
  const json asked{
      {"tap", jug.tap}, {"milli_pulses_per_litre", result->milli_pulses_per_litre}, {"note", note}};
  if (const int code = put_in_force(client, jug, asked); code != exit_done) return code;
  if (as_json) {
    fmt::print("{}\n", json{{"milli_pulses_per_litre", result->milli_pulses_per_litre},
                            {"spread_per_mille", result->spread},
                            {"change_per_mille", result->change}}
                           .dump(2));
  } else {
    fmt::print("tap {}: {} pulses per litre from the next pour on ({}; {:+}.{} % against before)\n",
               jug.tap, pulses(result->milli_pulses_per_litre), note, result->change / 10,
               std::abs(result->change) % 10);
  }
  return exit_done;
}

}  // namespace

StaffCommands::StaffCommands(CLI::App& app)
    : valve_{app.add_subcommand("valve", "open a tap's valve for a moment: `valve open TAP`")},
      clean_{app.add_subcommand("clean", "run cleaning liquid through a tap; nobody is charged")},
      keg_{app.add_subcommand("keg", "a keg has been changed: `keg change TAP` bleeds the line")},
      lock_{app.add_subcommand("lock", "close a tap, also over a restart")},
      unlock_{app.add_subcommand("unlock", "open a tap that `lock` has closed")},
      calibrate_{app.add_subcommand(
          "calibrate", "measure a meter with a few pours into a jug or onto a scale")} {
  Values& values = *values_;
  valve_->require_subcommand(1);
  CLI::App* open = valve_->add_subcommand("open", "opens it, and shuts it after --seconds");
  tap_of(open, values.tap);
  bounds(open, values.seconds, values.ml, ServiceKind::valve_test);
  tap_of(clean_, values.tap);
  bounds(clean_, values.seconds, values.ml, ServiceKind::clean);
  keg_->require_subcommand(1);
  CLI::App* change = keg_->add_subcommand("change", "bleeds the line of the new keg");
  tap_of(change, values.tap);
  bounds(change, values.seconds, values.ml, ServiceKind::keg_change);
  tap_of(lock_, values.tap);
  add_reason(*lock_, values.why, "in words, for the journal and the screen");
  tap_of(unlock_, values.tap);
  tap_of(calibrate_, values.tap);
  constexpr int most_pours = 20;
  calibrate_->add_option("--pours", values.pours, "how many")
      ->capture_default_str()
      ->check(CLI::Range(static_cast<int>(JugCalibration::least_pours), most_pours));
  calibrate_->add_flag("--scale", values.by_weight, "weigh in grams instead of reading a jug");
  constexpr std::int64_t lightest = 900;
  constexpr std::int64_t heaviest = 1'200;
  calibrate_
      ->add_option("--density", values.density,
                   "of what is weighed, grams per litre (water 998, beer about 1010)")
      ->capture_default_str()
      ->check(CLI::Range(lightest, heaviest));
  bounds(calibrate_, values.seconds, values.ml, ServiceKind::calibrate);
}

std::optional<int> StaffCommands::run(const ApiClient& client, bool as_json) const {
  const Values& values = *values_;
  const auto wish = [&](ServiceKind kind) {
    const ServiceBegun usual = usual_work(kind);
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(usual.longest).count();
    return ServiceWish{.tap = values.tap,
                       .kind = std::string{to_text(kind)},
                       .seconds = values.seconds > 0 ? values.seconds : seconds,
                       .ml = values.ml > 0 ? values.ml : usual.most.in_millilitres()};
  };
  if (valve_->parsed()) return act(client, wish(ServiceKind::valve_test), as_json);
  if (clean_->parsed()) return act(client, wish(ServiceKind::clean), as_json);
  if (keg_->parsed()) return act(client, wish(ServiceKind::keg_change), as_json);
  if (lock_->parsed()) {
    return post(client, "/lock", {{"tap", values.tap}, {"why", values.why}}, as_json);
  }
  if (unlock_->parsed()) return unlock(client, values.tap, as_json);
  if (!calibrate_->parsed()) return std::nullopt;
  const ServiceWish bounds = wish(ServiceKind::calibrate);
  return calibrate(client,
                   {.tap = values.tap,
                    .pours = values.pours,
                    .seconds = bounds.seconds,
                    .ml = bounds.ml,
                    .by_weight = values.by_weight,
                    .density = values.density,
                    .out = as_json ? stderr : stdout},
                   as_json);
}

}  // namespace tapd
