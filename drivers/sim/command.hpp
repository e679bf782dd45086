// What can be done to a simulated bar from outside: a guest lays a card down or pulls the handle, a
// keg is changed, something breaks. A small language, one line per command, for `tapctl sim` and
// for scenario files. Pure values; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include <tl/expected.hpp>

#include "drivers/card_reader.hpp"

namespace tapd::drivers::sim {

/// `card 1 04ab7815cd6b80`: this card alone lies on the reader.
struct LayCard {
  Uid uid;
  bool operator==(const LayCard&) const = default;
};
/// `card 1 none`
struct LiftCards {
  bool operator==(const LiftCards&) const = default;
};
/// `two-cards 1 UID UID`
struct LayTwoCards {
  Uid first;
  Uid second;
  bool operator==(const LayTwoCards&) const = default;
};
/// `handle 1 60`: the hand wants so much, whatever lies on the reader; 0: nobody pulls.
struct PullHandle {
  double ml_per_s{0};
  bool operator==(const PullHandle&) const = default;
};
/// `handle 1 auto`: the hand pulls while a card lies on the reader, at the plan's rate.
struct PullWithCard {
  bool operator==(const PullWithCard&) const = default;
};
/// `keg 1 5000`: a keg with so much in it.
struct ConnectKeg {
  double ml{0};
  bool operator==(const ConnectKeg&) const = default;
};
/// `foam 1 on`: gas instead of liquid. `foam 1 off`
struct Foam {
  bool on{false};
  bool operator==(const Foam&) const = default;
};
/// `leak 1 2.0`: so much runs through the meter whatever valve and handle do.
struct Leak {
  double ml_per_s{0};
  bool operator==(const Leak&) const = default;
};
/// `valve 1 stuck-open`: it stands open (or shut) whatever it is told. `valve 1 ok`
enum class ValveCondition : std::uint8_t { ok, stuck_open, stuck_shut };
/// `flicker 1 0.1 0.05`: the share of looks at a card that find nobody, and of those that find a
/// broken answer (0 when it is left out).
struct Flicker {
  double silence_rate{0};
  double garble_rate{0};
  bool operator==(const Flicker&) const = default;
};
/// `meter 1 silent`: no edge comes. `meter 1 noise 50`: so many pulses a second without flow.
/// `meter 1 ok`
struct MeterCondition {
  bool silent{false};
  double noise_per_s{0};
  bool operator==(const MeterCondition&) const = default;
};
/// `reader 1 hang`: it does not answer. `reader 1 bad-check`: every card's check byte is wrong.
/// `reader 1 ok`
enum class ReaderCondition : std::uint8_t { ok, hang, bad_check };

using CommandAction =
    std::variant<LayCard, LiftCards, LayTwoCards, PullHandle, PullWithCard, ConnectKeg, Foam, Leak,
                 ValveCondition, Flicker, MeterCondition, ReaderCondition>;

struct Command {
  std::int64_t tap{0};  ///< SimTapPlan::number.
  CommandAction action;
  bool operator==(const Command&) const = default;
};

/// Reads one line. The error says what is wrong and what would be right.
[[nodiscard]] tl::expected<Command, std::string> parse_command(std::string_view line);
/// The line that parse_command reads as this command.
[[nodiscard]] std::string to_text(const Command& command);
/// One line per command of the language, for help texts.
[[nodiscard]] std::string_view command_usage();

}  // namespace tapd::drivers::sim
