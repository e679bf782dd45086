// The doctor's look at files: room for the ledger, wear, and whether tapd may read its
// configuration.
#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <pwd.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "daemon/doctor.hpp"
#include "daemon/doctor_files.hpp"
#include "storage/backup.hpp"

namespace tapd {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t bytes_a_mib = 1 << 20;
constexpr std::int64_t little_mib = 200;

/// What may be taken away, and how.
struct Leftover {
  fs::path place;
  std::int64_t bytes{0};
  std::string cure;
};

std::int64_t bytes_of(const fs::path& place) {
  std::error_code unknown;
  if (fs::is_regular_file(place, unknown)) {
    const auto size = fs::file_size(place, unknown);
    return unknown ? 0 : static_cast<std::int64_t>(size);
  }
  std::int64_t sum = 0;
  fs::recursive_directory_iterator entry{place, unknown};
  for (; entry != fs::recursive_directory_iterator{}; entry.increment(unknown)) {
    if (fs::is_symlink(entry->symlink_status(unknown))) continue;
    if (!fs::is_regular_file(entry->symlink_status(unknown))) continue;
    const auto size = entry->file_size(unknown);
    if (!unknown) sum += static_cast<std::int64_t>(size);
  }
  return sum;
}

std::string cure_of(const std::string& name) {
  if (name.starts_with("tapd.db.damaged-")) return "copy it to another medium, then remove it";
  if (name.starts_with("tapd.db.version-")) {
    return "it is the ledger from before an update: remove it once tapd has run well";
  }
  return {};
}

std::vector<Leftover> leftovers(const Config& config, const fs::path& root) {
  std::vector<Leftover> found;
  std::error_code unknown;
  for (const auto& entry : fs::directory_iterator{below(root, config.state_dir), unknown}) {
    const std::string name = entry.path().filename().string();
    const std::string cure = cure_of(name);
    if (!cure.empty()) found.push_back({config.state_dir / name, bytes_of(entry.path()), cure});
  }
  for (const fs::path& backup : storage::backup_names(config.storage.books.backup_file)) {
    // On another medium it is not in the way.
    if (backup.parent_path() != config.state_dir) continue;
    found.push_back({backup, bytes_of(below(root, backup)),
                     "name another medium for it (storage.backup_file), then remove it"});
  }
  const fs::path layers = "/data/updates";  // of the image: docs/install.md
  for (const auto& entry : fs::directory_iterator{below(root, layers), unknown}) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with("layer-")) continue;
    found.push_back({layers / name, bytes_of(entry.path()),
                     "remove it only if " + (layers / "current").string() + " does not name it"});
  }
  return found;
}

/// What takes most room and need not be there: "FILE takes 812 MiB: ..."; empty: nothing large.
std::string largest_leftover(const Config& config, const fs::path& root) {
  const std::vector<Leftover> all = leftovers(config, root);
  const auto largest = std::max_element(
      all.begin(), all.end(),
      [](const Leftover& one, const Leftover& other) { return one.bytes < other.bytes; });
  if (largest == all.end() || largest->bytes < bytes_a_mib) return {};
  return fmt::format("{} takes {} MiB: {}", largest->place.string(), largest->bytes / bytes_a_mib,
                     largest->cure);
}

/// Of the disk of the ledger: how much is free, or why that cannot be said.
struct Disk {
  std::int64_t free_mib{0};
  std::optional<Finding> fault;
};

Disk disk_of(const Config& config, const fs::path& root) {
  const fs::path folder = below(root, config.state_dir);
  struct statvfs disk{};
  if (::statvfs(folder.c_str(), &disk) != 0) {
    return {.fault = Finding{Health::bad,
                             fmt::format("{}: {}", config.state_dir.string(), std::strerror(errno)),
                             "tapd keeps its ledger there: make the folder, owned by tapd"}};
  }
  if ((disk.f_flag & ST_RDONLY) != 0) {
    return {.fault = Finding{
                Health::bad, config.state_dir.string() + " is read-only: no pour can begin",
                "dmesg says why; an SD card that turned read-only is worn out: replace it"}};
  }
  return {.free_mib = static_cast<std::int64_t>(disk.f_bavail * disk.f_frsize / bytes_a_mib),
          .fault = std::nullopt};
}

}  // namespace

Finding check_room(const std::string& folder, std::int64_t free_mib, const std::string& largest) {
  constexpr std::int64_t no_mib = 20;
  const std::string room = fmt::format("the disk of {} has {} MiB free", folder, free_mib);
  if (free_mib >= little_mib) return {Health::good, room};
  const bool full = free_mib < no_mib;
  return {full ? Health::bad : Health::doubtful, room,
          fmt::format("make room{}: {}", full ? "" : " before it is full",
                      largest.empty() ? "journalctl --vacuum-size=8M"
                                      : largest + "; also journalctl --vacuum-size=8M")};
}

Findings check_storage(const Config& config, const fs::path& root) {
  const Disk disk = disk_of(config, root);
  if (disk.fault) return {*disk.fault};
  return {check_room(config.state_dir.string(), disk.free_mib,
                     disk.free_mib < little_mib ? largest_leftover(config, root) : "")};
}

Findings check_wear(const fs::path& root) {
  const std::string wear = first_line(root / "sys/block/mmcblk0/device/life_time");
  if (wear.empty()) return {};
  // JEDEC eMMC 5.0: tenths of the life used up, 0x0b: exceeded.
  const bool worn = wear.find("0x09") != std::string::npos ||
                    wear.find("0x0a") != std::string::npos ||
                    wear.find("0x0b") != std::string::npos;
  return {{worn ? Health::bad : Health::good, "wear of the storage: " + wear,
           worn ? "tapctl backup, then replace it" : ""}};
}

BoardHealth board_health(const Config& config, const fs::path& root, bool synchronised,
                         model::WallTime now) {
  // Asked again and again by whoever watches: what is large is left to the doctor.
  const Disk look = disk_of(config, root);
  Findings disk{look.fault ? *look.fault
                           : check_room(config.state_dir.string(), look.free_mib,
                                        "tapctl doctor names what is large")};
  for (Finding& finding : check_wear(root)) disk.push_back(std::move(finding));
  const auto worst = std::max_element(
      disk.begin(), disk.end(),
      [](const Finding& one, const Finding& other) { return one.health < other.health; });
  return {.clock = check_clock(synchronised, now).front(), .disk = *worst};
}

std::optional<Reader> service_user() {
  const struct passwd* const user = ::getpwnam("tapd");
  if (user == nullptr) return std::nullopt;
  return Reader{.user = user->pw_uid, .group = user->pw_gid};
}

Findings check_config_file(const fs::path& file, const Reader& reader) {
  struct stat info{};
  if (::stat(file.c_str(), &info) != 0) return {};
  const mode_t needed = info.st_uid == reader.user    ? S_IRUSR
                        : info.st_gid == reader.group ? S_IRGRP
                                                      : S_IROTH;
  if ((info.st_mode & needed) != 0) return {};
  constexpr mode_t permissions = 0777;
  return {{Health::bad,
           fmt::format("tapd may not read {} (mode {:o}, owner {}): it would not start",
                       file.string(), info.st_mode & permissions, info.st_uid),
           "chmod 644 " + file.string()}};
}

}  // namespace tapd
