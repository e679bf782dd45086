// tapctl's commands for a technician who watches: `card watch`, `meter`.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "daemon/api_client.hpp"
#include "daemon/core/meter_verdict.hpp"

#include <tl/expected.hpp>

namespace tapd {

/// What a meter's line gave between two looks of GET /meter.
struct MeterWhile {
  MeterCounts counts;
  std::chrono::microseconds time{0};
  bool valve_shut{true};  ///< At both looks.
  std::int64_t most_millihertz{0};
  std::int64_t nanolitres_per_pulse{0};

  [[nodiscard]] MeterVerdict verdict() const {
    return judge_meter(counts, time, most_millihertz, valve_shut);
  }
};
/// nullopt: tapd was started again or reloaded between them, and has counted from zero.
[[nodiscard]] std::optional<MeterWhile> between(const nlohmann::json& first,
                                                const nlohmann::json& second);
/// A line that nobody listens to since it stormed gives no edge, which says nothing of its wiring.
/// Of a look of GET /meter; in words, empty: it is listened to.
[[nodiscard]] std::string unheard(const nlohmann::json& look, int tap);
inline constexpr const char* counted_anew =
    "tapd was reloaded or started again meanwhile: look once more";
/// One look; the exit code after saying what is wrong.
[[nodiscard]] tl::expected<nlohmann::json, int> look_at_meter(const ApiClient& client, int tap);

class WatchCommands {
 public:
  /// Adds the commands to `app`.
  explicit WatchCommands(CLI::App& app);
  /// Runs the command that was given; nullopt when it was none of these. Answers the exit code.
  [[nodiscard]] std::optional<int> run(const ApiClient& client, bool as_json) const;

 private:
  struct Values {
    int tap{0};
    std::int64_t seconds{0};
  };
  CLI::App* card_;
  CLI::App* meter_;
  std::shared_ptr<Values> values_{std::make_shared<Values>()};
};

}  // namespace tapd
