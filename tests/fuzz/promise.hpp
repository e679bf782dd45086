// How a fuzzer says that a promise is broken: in words, and by ending the program.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <string>

namespace tapd::fuzz {

/// Ends the program unless `kept`; `what` says which promise broke, for whoever reads the log.
inline void promise(bool kept, const std::string& what) {
  if (kept) return;
  std::fprintf(stderr, "broken promise: %s\n", what.c_str());
  std::abort();
}

}  // namespace tapd::fuzz
