// For tests of what a service may not read.
#pragma once

#include <cstdlib>

#include <unistd.h>

namespace tapd::test {

/// This process, as long as it is there, without root's rights to read everything.
class NotRoot {
 public:
  NotRoot() { become(nobody); }
  ~NotRoot() { become(0); }
  NotRoot(const NotRoot&) = delete;
  NotRoot& operator=(const NotRoot&) = delete;
  NotRoot(NotRoot&&) = delete;
  NotRoot& operator=(NotRoot&&) = delete;

 private:
  static constexpr uid_t nobody = 65534;
  void become(uid_t user) const {
    if (was_root_ && ::setresuid(user, user, 0) != 0) std::abort();
  }
  bool was_root_{::getuid() == 0};
};

}  // namespace tapd::test
