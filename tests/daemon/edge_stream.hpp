// Any bytes, read as what a meter's line could deliver at its worst: gaps, repetitions, stamps that
// go back, storms. For the fuzzer and for the seeded runs of the tests.
#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace tapd::test {

/// Sends the stream through the interval filter and a pour's meter; answers which promise was
/// broken, empty: none.
[[nodiscard]] std::string broken_promise(std::span<const std::uint8_t> bytes);

}  // namespace tapd::test
