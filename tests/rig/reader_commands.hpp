// What can be done to the simulated reader from outside, one line of text each: cards come and go,
// answers are garbled, the chip fails. Called by mfrc522_on_spi_sim for each line it is sent; the
// jobs of the rig are the ones who send them.
#pragma once

#include <string>
#include <string_view>

#include "drivers/sim/mfrc522_model.hpp"

namespace tapd::test::rig {

/// The commands, for a help text.
inline constexpr std::string_view reader_commands =
    "  card HEX       place a card with this UID (4, 7 or 10 bytes)\n"
    "  remove [HEX]   take this card away, or all\n"
    "  bad-crc on|off every SAK comes with a false checksum\n"
    "  bus ok|zero|ones  the wire works, or every byte reads 0x00 or 0xff\n"
    "  frozen on|off  registers answer, commands do nothing\n"
    "  hang           the same, until a soft reset\n"
    "  brown-out      every register falls back to its reset value, once\n";

/// Obeys one command and says what was done. Throws std::invalid_argument naming the command that
/// is not understood.
std::string obey(drivers::sim::Mfrc522Model& model, std::string_view command);

}  // namespace tapd::test::rig
