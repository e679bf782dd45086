// The configuration that tapd works with, kept in its folder under /run for as long as it runs: who
// shuts the valves after a kill must know the lines that were held, also when the file in /etc has
// been changed since, and is not taken over yet or not good.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "daemon/config.hpp"

#include <tl/expected.hpp>

namespace tapd {

/// `tapd.toml` in $RUNTIME_DIRECTORY (systemd.exec(5)), or in /run/tapd without that.
[[nodiscard]] std::filesystem::path in_force_file();

/// Keeps it, before the first line is taken. Without $RUNTIME_DIRECTORY nobody shuts the valves
/// afterwards, and nothing is kept. Answers why it could not be.
[[nodiscard]] tl::expected<void, std::string> keep_in_force(const Config& config);

/// What the last tapd has kept; nothing: none has, or it cannot be read.
[[nodiscard]] std::optional<Config> config_in_force();

}  // namespace tapd
