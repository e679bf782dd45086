// A journal that keeps what it is told, for a look afterwards.
#pragma once

#include <algorithm>
#include <vector>

#include "daemon/journal.hpp"

namespace tapd::test {

class KeptJournal final : public Journal {
 public:
  void write(const JournalLine& line) noexcept override { lines.push_back(line); }
  [[nodiscard]] std::ptrdiff_t errors() const {
    return std::count_if(lines.begin(), lines.end(),
                         [](const JournalLine& line) { return line.level == Level::error; });
  }
  std::vector<JournalLine> lines;
};

}  // namespace tapd::test
