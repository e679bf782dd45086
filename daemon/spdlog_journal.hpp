// The journal on spdlog: lines go to a thread of their own and from there to standard error, so a
// reader of the journal that hangs cannot hold a valve open. On a terminal they are coloured.
#pragma once

#include <memory>
#include <string>

#include "daemon/journal.hpp"

namespace tapd {

class SpdlogJournal final : public Journal {
 public:
  /// `level`: "debug", "info", "warning" or "error".
  explicit SpdlogJournal(const std::string& level);
  /// Writes what still waits.
  ~SpdlogJournal() override;
  SpdlogJournal(const SpdlogJournal&) = delete;
  SpdlogJournal& operator=(const SpdlogJournal&) = delete;
  SpdlogJournal(SpdlogJournal&&) = delete;
  SpdlogJournal& operator=(SpdlogJournal&&) = delete;

  void line(Level level, const std::string& text) noexcept override;

 private:
  struct Implementation;
  std::unique_ptr<Implementation> self_;
};

}  // namespace tapd
