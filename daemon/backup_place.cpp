#include "daemon/backup_place.hpp"

#include <cerrno>
#include <system_error>

#include <fmt/format.h>
#include <unistd.h>

namespace tapd {
namespace {

std::string why_not_below(const std::filesystem::path& folder, int why) {
  const std::string name = folder.string();
  switch (why) {
    case ENOENT:
    case ENOTDIR:
      return fmt::format("the folder {} does not exist (is its medium mounted?)", name);
    case EROFS:
      // As a medium that is mounted so looks, or, far more often, all that the unit shuts.
      return fmt::format(
          "{} is read-only for tapd: its unit lets it write below /var/lib/tapd only; systemctl "
          "edit tapd: [Service], ReadWritePaths=-{}",
          name, name);
    case EACCES:
    case EPERM:
      return fmt::format("the folder {} must be tapd's: chown tapd {}", name, name);
    default:
      return fmt::format("{}: {}", name, std::generic_category().message(why));
  }
}

}  // namespace

std::optional<std::string> why_no_backup(const std::filesystem::path& file) {
  std::error_code unknown;
  if (std::filesystem::is_directory(file, unknown)) {
    return fmt::format("{} is a folder: name a file in it", file.string());
  }
  const std::filesystem::path folder = file.parent_path();
  if (::access(folder.c_str(), W_OK | X_OK) == 0) return std::nullopt;
  return why_not_below(folder, errno);
}

}  // namespace tapd
