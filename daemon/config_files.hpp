// What a configuration says of files and folders, and the configuration's own file. Mistakes are
// found here by their spelling alone: nothing but the file itself is looked at.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "daemon/config.hpp"
#include "daemon/toml_reader.hpp"

namespace tapd {

/// A path from the root on. A service is started in a folder that nobody thinks of.
[[nodiscard]] std::filesystem::path whole_path(TomlTable& table, std::string_view key,
                                               std::string_view otherwise);
/// The section [storage].
[[nodiscard]] StorageConfig read_storage(TomlTable storage, const std::filesystem::path& state_dir);
/// All that a configuration's file holds. Throws ConfigError, with the cure.
[[nodiscard]] std::string text_of(const std::filesystem::path& file);

}  // namespace tapd
