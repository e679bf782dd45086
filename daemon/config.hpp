// The configuration: one TOML file, read and checked as a whole before anything is opened. Unknown
// keys and impossible values are refused with file, line and what would be right, so that a typing
// error in a cellar is found at the desk. Secrets are never in it: it names the files they are in.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "daemon/book_keeping.hpp"
#include "daemon/config_meter.hpp"
#include "daemon/controller.hpp"
#include "drivers/gpio_lines.hpp"
#include "drivers/signal_pattern.hpp"

namespace tapd {

/// Everything that is wrong with a file, a line for each.
class ConfigError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// One GPIO line by its name ("GPIO17"), and by the label of its chip where names are not unique.
struct LineConfig {
  std::string name;
  std::string chip;  ///< Empty: any chip; the name must be unique.
  bool active_low{false};
  drivers::LineBias bias{drivers::LineBias::as_is};
  bool operator==(const LineConfig&) const = default;
};
/// A line without a chip is that of any chip: it cannot be one of the same name beside it.
[[nodiscard]] bool same_line(const LineConfig& one, const LineConfig& other);

/// The line whose pulses keep the valve's external one-shot alive.
struct KeepAliveConfig {
  LineConfig line;
  std::int64_t hz{20};
};

struct ReaderConfig {
  std::filesystem::path device;  ///< "/dev/spidev0.0"
  std::uint32_t speed_hz{4'000'000};
  std::int64_t antenna_gain_db{38};  ///< 33, 38, 43 or 48.
  std::string reset_line;            ///< Where NRSTPD is wired to; empty: nowhere.
  std::string reset_chip;            ///< As LineConfig::chip.
};

struct TapConfig {
  model::TapId id;
  bool simulated{false};
  LineConfig meter_line;
  MeterConfig meter;
  LineConfig valve_line;
  std::optional<KeepAliveConfig> keep_alive;
  std::array<std::optional<LineConfig>, drivers::lamp_count> lamps;  ///< By drivers::Lamp.
  ReaderConfig reader;
  SessionRules rules;
  std::optional<model::LitrePrice> own_price;
  std::int64_t simulated_rate_ml_per_s{60};
  std::int64_t simulated_keg_ml{50'000};
};

/// A line and what it is there for: "valve", "lamp (red)".
struct LineInUse {
  std::string part;
  LineConfig line;
  bool operator==(const LineInUse&) const = default;
};
/// Every line that tapd opens for a tap.
[[nodiscard]] std::vector<LineInUse> lines_of(const TapConfig& tap);

struct ServerConfig {
  std::string url;  ///< Empty: no server, everything stays in the queue.
  std::filesystem::path token_file;
  std::filesystem::path ca_file;
  std::filesystem::path client_certificate_file;
  std::filesystem::path client_key_file;
  AuthorizeMode authorize{AuthorizeMode::online_first};
  std::chrono::milliseconds authorize_deadline{400};
  std::chrono::milliseconds request_deadline{10'000};
  std::chrono::milliseconds snapshot_interval{2'000};
  std::chrono::milliseconds longest_backoff{300'000};
  std::size_t batch_size{500};
  std::int32_t attempt_cap{10};
};

struct StorageConfig {
  BookKeepingRules books;
  int medium_blocks{16'384};           ///< See storage::LedgerOptions.
  bool start_empty_after_loss{false};  ///< The ledger is damaged and there is no backup: go on.
};

struct Config {
  std::string text;  ///< What it was read from.
  std::string controller_id;
  std::filesystem::path state_dir;
  std::filesystem::path socket;
  std::string log_level{"info"};
  bool require_safe_kill{false};  ///< Sell only where a kill is known to shut the valves.
  std::uint16_t metrics_port{0};  ///< On the loopback; 0: only on the socket.
  int realtime_priority{10};      ///< Of the control thread (SCHED_FIFO); 0: as any other thread.
  ServerConfig server;
  StorageConfig storage;
  PolicyRules policy;
  std::vector<TapConfig> taps;
  std::uint64_t sim_seed{1};
  std::filesystem::path sim_truth_file;
  std::filesystem::path sim_scenario;

  [[nodiscard]] std::filesystem::path ledger_file() const { return state_dir / "tapd.db"; }
};

/// Reads and checks a file. Throws ConfigError with every finding.
[[nodiscard]] Config read_config(const std::filesystem::path& file);
/// The same for a text; `name` stands for the file in messages.
[[nodiscard]] Config parse_config(std::string_view text, const std::string& name);
/// Reads what another version took for good, as far as this one understands it: no finding is a
/// reason not to know its lines. Throws ConfigError where it is no TOML at all.
[[nodiscard]] Config parse_config_of_another_version(std::string_view text,
                                                     const std::string& name);

}  // namespace tapd
