// What a technician wants to know before the first pour: does this board have what the
// configuration asks for? Each finding says what was found and what to do next. Looks only: opens
// no line, writes nothing, and works beside a running tapd or without one. For `tapctl doctor`.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>
#include <nlohmann/json_fwd.hpp>

#include "daemon/config.hpp"
#include "drivers/gpio_lines.hpp"

namespace tapd {

enum class Health : std::uint8_t { good, doubtful, bad };
[[nodiscard]] std::string_view to_text(Health health);

struct Finding {
  Health health{Health::good};
  std::string what;
  std::string next{};  ///< What to do; empty where nothing is to be done.
};
using Findings = std::vector<Finding>;
[[nodiscard]] nlohmann::json to_json(const Finding& finding);

/// Each looks at one side of the board. `root` stands for "/", so that tests need no board.
[[nodiscard]] Findings check_readers(const Config& config, const std::filesystem::path& root);
/// One line of a tap; `name` like "tap 1: valve".
[[nodiscard]] Finding check_line(const std::string& name, const LineConfig& line,
                                 const std::vector<drivers::ChipListing>& chips);
/// Lines by name, who holds them, and what a kill does to the valves. Real lines only.
[[nodiscard]] Findings check_lines(const Config& config, const std::filesystem::path& root);
[[nodiscard]] Findings check_storage(const Config& config, const std::filesystem::path& root);
/// How much room is left for the ledger, in `folder`; what is `largest` there and might go.
[[nodiscard]] Finding check_room(const std::string& folder, std::int64_t free_mib,
                                 const std::string& largest);
/// Whose file must be readable to whom.
struct Reader {
  uid_t user{0};
  gid_t group{0};
};
/// The user of the unit; nullopt: there is none on this machine.
[[nodiscard]] std::optional<Reader> service_user();
/// Whether the service may read its configuration: who writes one as root may have kept it to root.
[[nodiscard]] Findings check_config_file(const std::filesystem::path& file, const Reader& reader);
/// The wear of an eMMC or SD card, where it tells it.
[[nodiscard]] Findings check_wear(const std::filesystem::path& root);
/// Undervoltage, heat, and whether the journal is kept.
[[nodiscard]] Findings check_board(const std::filesystem::path& root);
[[nodiscard]] Findings check_clock(bool synchronised, model::WallTime now);
[[nodiscard]] Findings check_secrets(const Config& config, const std::filesystem::path& root);
/// What a running tapd tells of itself in GET /status. `config` is the one that it should have.
[[nodiscard]] Findings check_running(const nlohmann::json& status, const Config& config);
/// Asks the server once, with the token where it can be read.
[[nodiscard]] Findings check_server(const Config& config, model::WallTime now);

/// What a look at the taps should not miss of the board below them; of the disk only the worst.
struct BoardHealth {
  Finding clock;
  Finding disk;
};
[[nodiscard]] BoardHealth board_health(const Config& config, const std::filesystem::path& root,
                                       bool synchronised, model::WallTime now);

/// Days until an X.509 date as libcurl tells it ("Mar 24 12:00:00 2027 GMT"); nullopt: unreadable.
[[nodiscard]] std::optional<std::int64_t> days_until(const std::string& date, model::WallTime now);

}  // namespace tapd
