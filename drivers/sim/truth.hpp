// What really passed, as only the physics can know it: the counters against which a daemon's books
// are checked. They can be kept in a small file shared by mapping, which survives SIGKILL of the
// process, so that after any crash the books have something to be compared with. Written by SimBar,
// read by tests and benchmarks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

#include "drivers/unique_fd.hpp"

namespace tapd::drivers::sim {

/// One tap's counters, in microlitres of liquid. Gas is not liquid.
struct Truth {
  std::int64_t passed_ul{0};      ///< Through the meter; the sum of the next two.
  std::int64_t while_open_ul{0};  ///< While the valve was told to be open.
  std::int64_t after_shut_ul{0};  ///< While it was told to be shut: tail, drips, leak, stuck valve.
  std::int64_t valve_opens{0};    ///< Commands from shut to open.
  std::int64_t edges{0};          ///< Edges on the meter's wire, bounce and noise included.
  std::int64_t keg_ul{0};         ///< Liquid left.
  std::int64_t gas_left_ul{0};    ///< Gas that will still blow through once the keg is empty.
  bool operator==(const Truth&) const = default;
};

/// The mapped file. A change replaces a tap's counters as a whole: a kill at any moment leaves the
/// old ones or the new ones. One writing process; a second writer is refused. Each tap is written
/// by one thread at a time. What flowed since the last `write` is lost with the process.
class TruthFile {
 public:
  /// Opens the file, or makes it with these counters, one for each tap. Throws std::runtime_error
  /// when it is not a truth file, is one for another number of taps or is in use;
  /// std::system_error when it cannot be opened.
  TruthFile(const std::filesystem::path& path, std::span<const Truth> initial);
  ~TruthFile();
  TruthFile(const TruthFile&) = delete;
  TruthFile& operator=(const TruthFile&) = delete;
  TruthFile(TruthFile&&) = delete;
  TruthFile& operator=(TruthFile&&) = delete;

  [[nodiscard]] Truth read(std::size_t tap) const;
  void write(std::size_t tap, const Truth& truth) noexcept;

 private:
  UniqueFd file_;  ///< Holds the lock.
  void* map_{nullptr};
  std::size_t bytes_{0};
};

/// The counters of all taps, also while a process writes them. Throws std::runtime_error when the
/// file is not a truth file, std::system_error when it cannot be read.
[[nodiscard]] std::vector<Truth> read_truth(const std::filesystem::path& path);

}  // namespace tapd::drivers::sim
