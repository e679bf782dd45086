// The reader on a bus that says what a fuzzer wants: one input is a few looks. Called with seeded
// random inputs and a corpus by the ordinary tests, and by libFuzzer where the compiler has it.
#pragma once

#include <cstddef>
#include <cstdint>

/// Aborts the program when the reader breaks a promise: a look that takes too long or too many
/// transfers, or a UID for which no proper answer was on the bus. Always 0.
// NOLINTNEXTLINE(readability-identifier-naming): the name by which libFuzzer calls it
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
