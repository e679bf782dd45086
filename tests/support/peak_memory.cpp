#include "tests/support/peak_memory.hpp"

#include <fstream>
#include <stdexcept>
#include <string>

namespace tapd::test {
namespace {

std::int64_t field_kib(const std::string& field) {
  std::ifstream status{"/proc/self/status"};
  std::string word;
  while (status >> word) {
    std::int64_t value = 0;
    if (word == field && status >> value) return value;
  }
  throw std::runtime_error{"/proc/self/status does not tell " + field};
}

}  // namespace

PeakMemory::PeakMemory() : before_kib_{field_kib("VmRSS:")} {
  // 5: forget the highest mark (proc(5)).
  std::ofstream{"/proc/self/clear_refs"} << "5";
}

std::int64_t PeakMemory::grown_kib() const {
  return field_kib("VmHWM:") - before_kib_;
}

}  // namespace tapd::test
