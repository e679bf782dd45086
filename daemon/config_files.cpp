#include "daemon/config_files.hpp"

#include <cerrno>
#include <fstream>
#include <sstream>
#include <system_error>

#include <fmt/format.h>

namespace tapd {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view from_the_root = "must be the whole path, from the /";

/// Beside the ledger stand its journals, what guards its pages, and what was set aside.
bool is_of_the_ledger(const fs::path& file, const fs::path& state_dir) {
  const std::string own = (state_dir / "tapd.db").lexically_normal().string();
  const std::string name = file.lexically_normal().string();
  if (!name.starts_with(own)) return false;
  const std::string_view rest = std::string_view{name}.substr(own.size());
  return rest.starts_with("-") || rest.starts_with(".suspect") || rest.starts_with(".damaged-") ||
         rest.starts_with(".version-");
}

void check_backup_file(TomlTable& storage, const fs::path& file, const fs::path& state_dir) {
  // A copy takes the place of what is there, however that is spelt.
  if (file.lexically_normal() == (state_dir / "tapd.db").lexically_normal()) {
    storage.fault("backup_file", "is the ledger itself: name another file");
  } else if (!file.is_absolute()) {
    storage.fault("backup_file", std::string{from_the_root});
  } else if (const fs::path name = file.filename(); name.empty() || name == "." || name == "..") {
    storage.fault("backup_file", "is a folder: name a file in it, like /mnt/usb/tapd.backup.db");
  } else if (is_of_the_ledger(file, state_dir)) {
    storage.fault("backup_file", "is a file that belongs to the ledger: name another one");
  }
}

/// A mark that an editor left says what it wrote; the TOML parser passes over that of UTF-8.
bool is_utf16(std::string_view text) {
  return text.starts_with("\xff\xfe") || text.starts_with("\xfe\xff");
}

std::string why_unreadable(const fs::path& file, int why) {
  std::error_code unknown;
  if (fs::is_directory(file, unknown)) return "is a folder: name the file in it with --config";
  if (why == EACCES) {
    return fmt::format(
        "cannot be read by the user who runs this; the service runs as tapd: chmod 644 {}",
        file.string());
  }
  return fmt::format("cannot be read: {}; name another file with --config",
                     std::generic_category().message(why));
}

}  // namespace

fs::path whole_path(TomlTable& table, std::string_view key, std::string_view otherwise) {
  const fs::path path = table.text(key, otherwise);
  if (!path.is_absolute()) table.fault(key, std::string{from_the_root});
  return path;
}

StorageConfig read_storage(TomlTable storage, const fs::path& state_dir) {
  using std::chrono::hours;
  constexpr std::int64_t hours_a_day = 24;
  StorageConfig config;
  config.books.backup_file = storage.text("backup_file", (state_dir / "tapd.backup.db").string());
  config.books.backup_interval = hours{storage.whole("backup_interval_hours", 6, {0, 168})};
  config.books.keep_confirmed =
      hours{hours_a_day * storage.whole("keep_confirmed_days", 90, {1, 3'650})};
  config.start_empty_after_loss = storage.flag("start_empty_after_loss", false);
  constexpr std::int64_t bytes_a_kib = 1'024;
  const std::int64_t block = storage.whole("block_kib", 16, {4, 16});
  if (block != 4 && block != 16) {
    storage.fault("block_kib", "is 16 (SD cards, and safe anywhere) or 4 (less wear)");
  }
  config.medium_blocks = static_cast<int>(block * bytes_a_kib);
  if (storage.has("backup_file")) check_backup_file(storage, config.books.backup_file, state_dir);
  storage.refuse_unknown_keys();
  return config;
}

std::string text_of(const fs::path& file) {
  errno = 0;
  std::ifstream in{file};
  std::ostringstream text;
  // Reading and not only opening tells a folder.
  if (!in || (in.peek() != std::ifstream::traits_type::eof() && !(text << in.rdbuf())) ||
      fs::is_directory(file)) {
    throw ConfigError{fmt::format("{}: {}", file.string(), why_unreadable(file, errno))};
  }
  if (is_utf16(text.str())) {
    throw ConfigError{fmt::format("{}: is UTF-16 (\"Unicode\"); save it as UTF-8", file.string())};
  }
  return text.str();
}

}  // namespace tapd
