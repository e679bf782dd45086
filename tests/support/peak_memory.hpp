// The process's own memory at its highest, from a moment on. Linux only (/proc/self).
#pragma once

#include <cstdint>

namespace tapd::test {

class PeakMemory {
 public:
  /// From now on.
  PeakMemory();
  /// KiB of resident pages at most, over what there were at the beginning.
  [[nodiscard]] std::int64_t grown_kib() const;

 private:
  std::int64_t before_kib_;
};

}  // namespace tapd::test
