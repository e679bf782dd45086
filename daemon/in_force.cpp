#include "daemon/in_force.hpp"

#include <cstdlib>
#include <fstream>
#include <system_error>

#include <fmt/format.h>

#include "daemon/config_files.hpp"

namespace tapd {

namespace fs = std::filesystem;

fs::path in_force_file() {
  const char* const folder = std::getenv("RUNTIME_DIRECTORY");
  return fs::path{folder == nullptr ? "/run/tapd" : folder} / "tapd.toml";
}

tl::expected<void, std::string> keep_in_force(const Config& config) {
  if (std::getenv("RUNTIME_DIRECTORY") == nullptr) return {};
  const fs::path file = in_force_file();
  const fs::path unfinished = file.string() + ".new";
  std::ofstream out{unfinished, std::ios::binary};
  out << config.text;
  out.close();
  std::error_code error;
  if (out) fs::rename(unfinished, file, error);
  if (out && !error) return {};
  return tl::unexpected{fmt::format("{} cannot be written", file.string())};
}

std::optional<Config> config_in_force() {
  std::error_code error;
  const fs::path file = in_force_file();
  if (!fs::exists(file, error)) return std::nullopt;
  try {
    // It was good to the tapd that held these lines, which an upgrade may have replaced since.
    return parse_config_of_another_version(text_of(file), file.string());
  } catch (const std::exception&) {
    return std::nullopt;
  }
}

}  // namespace tapd
