// Lines for the journal: one line per thing that happened, readable alone. The control loop speaks
// through this port; what stands behind it must not block (see spdlog_journal).
#pragma once

#include <cstdint>
#include <string>

namespace tapd {

enum class Level : std::uint8_t { debug, info, warning, error };

class Journal {
 public:
  Journal() = default;
  virtual ~Journal() = default;
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;
  Journal(Journal&&) = delete;
  Journal& operator=(Journal&&) = delete;

  /// Any thread; returns at once.
  virtual void line(Level level, const std::string& text) noexcept = 0;
};

}  // namespace tapd
