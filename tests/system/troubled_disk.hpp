// The other end of troubled_disk.cpp: says to the library that is preloaded into tapd what is wrong
// with the disk.
#pragma once

#ifdef TROUBLED_DISK_LIBRARY

#include <filesystem>
#include <fstream>
#include <string>

#include "venue_processes.hpp"

namespace tapd::test {

class TroubledDisk {
 public:
  TroubledDisk() { say("none"); }
  void say(const std::string& word) const {
    std::ofstream{file().string() + ".new"} << word;
    std::filesystem::rename(file().string() + ".new", file());
  }
  /// For a tapd on this disk.
  [[nodiscard]] VenuePlan plan() const {
    VenuePlan plan;
    plan.tapd_environment = {{"LD_PRELOAD", TROUBLED_DISK_LIBRARY},
                             {"TROUBLED_DISK", file().string()}};
    return plan;
  }
  /// The same without a server.
  [[nodiscard]] VenuePlan lone_plan() const {
    VenuePlan alone = plan();
    alone.with_server = false;
    return alone;
  }

 private:
  [[nodiscard]] std::filesystem::path file() const { return folder_ / "trouble"; }
  TempDir folder_{Medium::memory};
};

}  // namespace tapd::test

#endif
