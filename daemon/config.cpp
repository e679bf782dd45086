#include "daemon/config.hpp"

#include <array>
#include <map>
#include <stdexcept>

#include <fmt/format.h>

#include "daemon/config_files.hpp"
#include "daemon/config_outputs.hpp"
#include "daemon/config_pins.hpp"
#include "daemon/config_serving.hpp"
#include "daemon/toml_reader.hpp"
#include "sync/curl_options.hpp"
#include "sync/engine.hpp"

namespace tapd {
namespace {

using std::chrono::milliseconds;

constexpr std::int64_t hour_ms = 3'600'000;

LineConfig read_line(TomlTable& table) {
  LineConfig line;
  line.name = table.required_text("line");
  line.chip = table.text("chip", "");
  return line;
}

SessionRules read_rules(TomlTable& tap) {
  SessionRules rules;
  rules.mode = tap.choice("mode", {"card-present", "tap-to-start"}) == 0
                   ? SessionMode::card_present
                   : SessionMode::tap_to_start;
  rules.no_flow_timeout = milliseconds{tap.whole("no_flow_timeout_ms", 15'000, {1'000, hour_ms})};
  rules.silent_pours = static_cast<int>(tap.whole("silent_pours", 4, {0, 1'000}));
  rules.longest_open = milliseconds{tap.whole("longest_open_ms", 180'000, {1'000, hour_ms})};
  rules.tail_quiet = milliseconds{tap.whole("tail_quiet_ms", 150, {20, 5'000})};
  // At least what the rate of a stuck valve is measured in, at most what a stop waits for.
  constexpr milliseconds to_measure{200};
  rules.longest_tail = milliseconds{tap.whole("longest_tail_ms", 1'000, {300, 6'000})};
  if (rules.longest_tail < rules.tail_quiet + to_measure) {
    tap.fault("longest_tail_ms",
              "must be 200 ms more than tail_quiet_ms: each pour would end as a "
              "stuck valve");
  }
  rules.longest_close_time = milliseconds{tap.whole("longest_learnt_close_ms", 300, {0, 1'000})};
  rules.stray.alarm = model::Volume::millilitres(tap.whole("leak_alarm_ml", 20, {1, 10'000}));
  return rules;
}

std::int64_t read_gain(TomlTable& reader) {
  // The steps of the chip's RFCfg register that are of use (data sheet, 9.3.3.6).
  const std::int64_t gain = reader.whole("antenna_gain_db", 38, {33, 48});
  if (gain != 33 && gain != 38 && gain != 43 && gain != 48) {
    reader.fault("antenna_gain_db", fmt::format("is {}, but must be 33, 38, 43 or 48", gain));
  }
  return gain;
}

void read_reset_line(TomlTable& reader, ReaderConfig& config) {
  config.reset_line = reader.text("reset_line", "");
  config.reset_chip = reader.text("reset_chip", "");
  if (config.reset_line.empty() && !config.reset_chip.empty()) {
    reader.fault("reset_chip", "needs reset_line: the name of the line on that chip");
  }
}

void read_hardware(TomlTable& tap, TapConfig& config) {
  TomlTable meter = tap.table("meter");
  if (!config.simulated) {
    config.meter_line = read_line(meter);
    using enum drivers::LineBias;
    constexpr std::array biases{as_is, disabled, pull_up, pull_down};
    config.meter_line.bias =
        biases.at(meter.choice("bias", {"as-is", "disabled", "pull-up", "pull-down"}));
  }
  config.meter = read_meter(meter, tap);
  config.rules.meter = config.meter.rules;
  meter.refuse_unknown_keys();

  TomlTable valve = tap.table("valve");
  TomlTable indicator = tap.table("indicator");
  TomlTable reader = tap.table("reader");
  if (!config.simulated) {
    read_valve(valve, config);
    read_indicator(indicator, config);
    config.reader.device = reader.required_text("device");
    if (!config.reader.device.empty() && !config.reader.device.is_absolute()) {
      reader.fault("device", "must be the whole path, like /dev/spidev0.0");
    }
    config.reader.speed_hz =
        static_cast<std::uint32_t>(reader.whole("speed_hz", 4'000'000, {100'000, 10'000'000}));
    config.reader.antenna_gain_db = read_gain(reader);
    read_reset_line(reader, config.reader);
  }
  valve.refuse_unknown_keys();
  indicator.refuse_unknown_keys();
  reader.refuse_unknown_keys();

  TomlTable simulated = tap.table("sim");
  config.simulated_rate_ml_per_s = simulated.whole("rate_ml_per_s", 60, {1, 1'000});
  config.simulated_keg_ml = simulated.whole("keg_ml", 50'000, {0, 1'000'000});
  simulated.refuse_unknown_keys();
}

std::optional<model::LitrePrice> read_price(TomlTable& tap) {
  const auto text = tap.text("price_per_litre");
  if (!text) return std::nullopt;
  const auto price = model::parse_litre_price(*text);
  if (price) return *price;
  tap.fault("price_per_litre", price.error());
  return std::nullopt;
}

TapConfig read_tap(TomlTable& tap) {
  TapConfig config;
  config.id =
      model::TapId{static_cast<std::int32_t>(tap.required_whole("id", {1, model::TapId::largest}))};
  config.simulated = tap.choice("driver", {"gpio", "sim"}) == 1;
  config.rules = read_rules(tap);
  config.own_price = read_price(tap);
  read_hardware(tap, config);
  tap.refuse_unknown_keys();
  return config;
}

/// Two users of one thing: a line, a reader, a tap number.
class Claims {
 public:
  explicit Claims(Findings& findings) : findings_{&findings} {}
  void claim(const TomlTable& tap, const std::string& thing, const std::string& user) {
    const auto [first, fresh] = users_.emplace(thing, user);
    if (!fresh) complain(tap, thing, first->second, user);
  }
  void claim_line(const TomlTable& tap, const LineConfig& line, const std::string& user) {
    for (const auto& [used, first] : lines_) {
      if (!same_line(used, line)) continue;
      const std::string& chip = line.chip.empty() ? used.chip : line.chip;
      complain(tap, "line " + line.name + (chip.empty() ? "" : " of " + chip), first, user);
      return;
    }
    lines_.emplace_back(line, user);
  }

 private:
  void complain(const TomlTable& tap, const std::string& thing, const std::string& first,
                const std::string& second) {
    findings_->add(tap.where(),
                   fmt::format("{} is used twice: as {} and as {}", thing, first, second));
  }

  Findings* findings_;
  std::map<std::string, std::string> users_;
  std::vector<std::pair<LineConfig, std::string>> lines_;  // and their users
};

void claim_hardware(Claims& claims, const TomlTable& table, const TapConfig& tap,
                    const std::string& name) {
  for (const LineInUse& use : lines_of(tap)) {
    claims.claim_line(table, use.line, fmt::format("the {} of {}", use.part, name));
  }
  claims.claim(table, "reader " + tap.reader.device.lexically_normal().string(),
               "the reader of " + name);
}

void refuse_pins_in_use(const std::vector<TomlTable>& tables, const std::vector<TapConfig>& taps,
                        Findings& findings) {
  for (std::size_t i = 0; i < taps.size(); ++i) {
    if (taps[i].simulated) continue;
    if (const auto fault = pin_in_use(taps[i], taps)) findings.add(tables[i].where(), *fault);
  }
}

void read_taps(TomlTable& root, Config& config, Findings& findings) {
  Claims claims{findings};
  std::vector<TomlTable> tables = root.tables("tap");
  for (TomlTable& table : tables) {
    const TapConfig tap = read_tap(table);
    const std::string name = fmt::format("tap {}", tap.id.number());
    claims.claim(table, name, name);
    if (!tap.simulated) claim_hardware(claims, table, tap, name);
    config.taps.push_back(tap);
  }
  refuse_pins_in_use(tables, config.taps, findings);
  constexpr std::size_t most_taps = 8;
  if (config.taps.empty()) root.fault("tap", "is missing: write at least one [[tap]]");
  if (config.taps.size() > most_taps) {
    root.fault("tap", fmt::format("there are {}, but one controller drives at most {}",
                                  config.taps.size(), most_taps));
  }
}

/// By what the transport refuses: tapd would run without a server.
void check_url(TomlTable& server, const std::string& url) {
  if (!url.starts_with("http://") && !url.starts_with("https://")) {
    server.fault("url", "must begin with http:// or https://");
    return;
  }
  try {
    [[maybe_unused]] const std::string authority = sync::authority_of(url);
  } catch (const std::invalid_argument& error) {
    server.fault("url", fmt::format("cannot be used: {}", error.what()));
  }
}

ServerConfig read_server(TomlTable server) {
  ServerConfig config;
  config.url = server.text("url", "");
  if (!config.url.empty()) check_url(server, config.url);
  while (config.url.ends_with('/')) config.url.pop_back();
  config.token_file = server.text("token_file", "");
  config.ca_file = server.text("ca_file", "");
  config.client_certificate_file = server.text("client_certificate_file", "");
  config.client_key_file = server.text("client_key_file", "");
  if (config.client_certificate_file.empty() != config.client_key_file.empty()) {
    server.fault(config.client_key_file.empty() ? "client_key_file" : "client_certificate_file",
                 "is missing: a client certificate and its key come together");
  }
  config.authorize = server.choice("authorize", {"online-first", "cached"}) == 0
                         ? AuthorizeMode::online_first
                         : AuthorizeMode::cached;
  config.authorize_deadline =
      milliseconds{server.whole("authorize_deadline_ms", 400, {50, 10'000})};
  config.request_deadline =
      milliseconds{server.whole("request_deadline_ms", 10'000, {500, 120'000})};
  config.snapshot_interval =
      milliseconds{server.whole("snapshot_interval_ms", 2'000, {200, hour_ms})};
  config.longest_backoff =
      milliseconds{server.whole("longest_backoff_ms", 300'000, {1'000, hour_ms})};
  config.batch_size = static_cast<std::size_t>(server.whole("batch_size", 500, {1, 500}));
  config.attempt_cap = static_cast<std::int32_t>(server.whole("attempt_cap", 10, {1, 1'000}));
  server.refuse_unknown_keys();
  return config;
}

model::Money read_money(TomlTable& table, std::string_view key, model::Money otherwise) {
  const auto text = table.text(key);
  if (!text) return otherwise;
  const auto amount = model::parse_amount(*text);
  if (amount) return *amount;
  table.fault(key, amount.error());
  return otherwise;
}

PolicyRules read_policy(TomlTable policy) {
  PolicyRules rules;
  rules.largest_pour =
      model::Volume::millilitres(policy.whole("largest_pour_ml", 1'000, {10, 100'000}));
  rules.smallest_start =
      model::Volume::millilitres(policy.whole("smallest_start_ml", 50, {1, 1'000}));
  rules.oldest_balance = std::chrono::hours{policy.whole("oldest_balance_hours", 72, {0, 8'760})};
  rules.sell_offline = policy.flag("sell_offline", true);
  rules.dearest_pour = read_money(policy, "largest_pour_price", rules.dearest_pour);
  OfflineLimits& offline = rules.offline;
  offline.per_guest = read_money(policy, "offline_spend_per_guest", offline.per_guest);
  offline.pours_per_guest =
      policy.whole("offline_pours_per_guest", offline.pours_per_guest, {1, 1'000});
  offline.controller = read_money(policy, "offline_exposure", offline.controller);
  if (rules.smallest_start > rules.largest_pour) {
    policy.fault("smallest_start_ml", "is more than largest_pour_ml: nobody could ever pour");
  }
  if (rules.dearest_pour <= model::Money{}) {
    policy.fault("largest_pour_price", "must be more than nothing: nobody could ever pour");
  }
  read_serving(policy, rules);
  for (const ServingLimit& limit : rules.serving_limits) {
    const auto least = std::min(limit.per_pour.value_or(rules.smallest_start),
                                limit.in_window.value_or(rules.smallest_start));
    if (least >= rules.smallest_start) continue;
    policy.fault("smallest_start_ml",
                 "is more than a serving_limit allows: nobody could ever pour");
  }
  rules.late_refusal = model::Volume::millilitres(policy.whole("late_refusal_ml", 30, {0, 1'000}));
  policy.refuse_unknown_keys();
  return rules;
}

Config read_root(const toml::table& file, Findings& findings) {
  Config config;
  TomlTable root{&file, "", findings};
  TomlTable controller = root.table("controller");
  config.controller_id = controller.required_text("id");
  if (!config.controller_id.empty() && !sync::is_controller_id(config.controller_id)) {
    controller.fault("id", "must be 1 to 50 letters, digits, '-', '_' or '.'");
  }
  config.state_dir = whole_path(controller, "state_dir", "/var/lib/tapd");
  config.socket = whole_path(controller, "socket", "/run/tapd/tapd.sock");
  constexpr std::size_t longest_socket_path = 107;  // sun_path, unix(7)
  if (config.socket.string().size() > longest_socket_path) {
    controller.fault("socket", "is longer than the 107 characters that a socket's path may have");
  }
  const std::vector<std::string_view> levels{"info", "debug", "warning", "error"};
  config.log_level = levels[controller.choice("log_level", levels)];
  config.require_safe_kill = controller.flag("require_safe_kill", false);
  constexpr std::int64_t highest_port = 65'535;
  config.metrics_port =
      static_cast<std::uint16_t>(controller.whole("metrics_port", 0, {0, highest_port}));
  config.realtime_priority = static_cast<int>(controller.whole("realtime_priority", 10, {0, 50}));
  controller.refuse_unknown_keys();
  config.server = read_server(root.table("server"));
  config.storage = read_storage(root.table("storage"), config.state_dir);
  config.policy = read_policy(root.table("policy"));
  TomlTable sim = root.table("sim");
  config.sim_seed = static_cast<std::uint64_t>(sim.whole("seed", 1, {0, 1'000'000'000}));
  config.sim_truth_file = sim.text("truth_file", "");
  config.sim_scenario = sim.text("scenario", "");
  sim.refuse_unknown_keys();
  read_taps(root, config, findings);
  // The cache decides after the deadline; that takes its time as well.
  constexpr milliseconds time_for_the_cache{2'600};
  for (TapConfig& tap : config.taps) {
    tap.rules.late_refusal = config.policy.late_refusal;
    tap.rules.authorize_timeout = config.server.authorize_deadline + time_for_the_cache;
  }
  root.refuse_unknown_keys();
  return config;
}

Config parse(std::string_view text, const std::string& name, Findings& findings) {
  try {
    const toml::table file = toml::parse(text, name);
    Config config = read_root(file, findings);
    config.text = text;
    return config;
  } catch (const toml::parse_error& error) {
    findings.add(error.source(), fmt::format("is not TOML here: {}", error.description()));
    throw ConfigError{findings.text()};
  }
}

}  // namespace

bool same_line(const LineConfig& one, const LineConfig& other) {
  const bool same_chip = one.chip == other.chip || one.chip.empty() || other.chip.empty();
  return one.name == other.name && same_chip;
}

Config parse_config(std::string_view text, const std::string& name) {
  Findings findings{name};
  Config config = parse(text, name, findings);
  if (!findings.empty()) throw ConfigError{findings.text()};
  return config;
}

Config parse_config_of_another_version(std::string_view text, const std::string& name) {
  Findings ignored{name};
  return parse(text, name, ignored);
}

Config read_config(const std::filesystem::path& file) {
  return parse_config(text_of(file), file.string());
}

}  // namespace tapd
