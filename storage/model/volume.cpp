#include "storage/model/volume.hpp"

#include <stdexcept>

#include <fmt/format.h>

namespace tapd::model {

Volume Volume::millilitres(std::int64_t value) {
  std::int64_t result{};
  if (__builtin_mul_overflow(value, std::int64_t{1000}, &result)) {
    throw std::overflow_error{fmt::format("{} ml does not fit into a volume", value)};
  }
  return Volume{result};
}

Volume operator+(Volume a, Volume b) {
  std::int64_t result{};
  if (__builtin_add_overflow(a.microlitres_, b.microlitres_, &result)) {
    throw std::overflow_error{"the sum of two volumes does not fit"};
  }
  return Volume{result};
}

Volume operator-(Volume a, Volume b) {
  std::int64_t result{};
  if (__builtin_sub_overflow(a.microlitres_, b.microlitres_, &result)) {
    throw std::overflow_error{"the difference of two volumes does not fit"};
  }
  return Volume{result};
}

std::string to_text(Volume volume) {
  return fmt::format("{} ml", volume.in_millilitres());
}

}  // namespace tapd::model
