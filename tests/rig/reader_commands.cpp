#include "tests/rig/reader_commands.hpp"

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <stdexcept>

namespace tapd::test::rig {
namespace {

using drivers::sim::BusFault;
using drivers::sim::Mfrc522Model;

// SAK and its checksum: no other answer of a card has this length.
constexpr std::size_t sak_answer_bits = 24;

drivers::Uid parse_uid(std::string_view hex) {
  drivers::Uid uid;
  uid.size = static_cast<std::uint8_t>(hex.size() / 2);
  if (hex.size() % 2 != 0 || (uid.size != 4 && uid.size != 7 && uid.size != 10)) {
    throw std::invalid_argument("a UID is 8, 14 or 20 hex digits: " + std::string{hex});
  }
  for (std::size_t i = 0; i < uid.size; ++i) {
    const char* const begin = hex.data() + 2 * i;
    const auto [end, error] = std::from_chars(begin, begin + 2, uid.bytes.at(i), 16);
    if (error != std::errc{} || end != begin + 2) {
      throw std::invalid_argument("not hex digits: " + std::string{hex});
    }
  }
  return uid;
}

bool parse_switch(std::string_view word) {
  if (word == "on") return true;
  if (word == "off") return false;
  throw std::invalid_argument("on or off, not '" + std::string{word} + "'");
}

BusFault parse_bus(std::string_view word) {
  if (word == "ok") return BusFault::none;
  if (word == "zero") return BusFault::all_zero;
  if (word == "ones") return BusFault::all_ones;
  throw std::invalid_argument("ok, zero or ones, not '" + std::string{word} + "'");
}

void garble_checksums(Mfrc522Model& model, bool on) {
  if (!on) {
    model.distort({});
    return;
  }
  model.distort([](drivers::sim::AirReply& reply) {
    if (reply.bits.size() == sak_answer_bits) reply.bits.back().flip();
  });
}

}  // namespace

std::string obey(Mfrc522Model& model, std::string_view command) {
  const auto space = command.find(' ');
  const auto verb = command.substr(0, space);
  const auto word =
      space == std::string_view::npos ? std::string_view{} : command.substr(space + 1);
  if (verb == "card") {
    model.place(drivers::sim::card_with_uid(parse_uid(word)));
  } else if (verb == "remove" && word.empty()) {
    model.remove_all();
  } else if (verb == "remove") {
    model.remove(parse_uid(word));
  } else if (verb == "bad-crc") {
    garble_checksums(model, parse_switch(word));
  } else if (verb == "bus") {
    model.set_bus(parse_bus(word));
  } else if (verb == "frozen") {
    model.set_frozen(parse_switch(word));
  } else if (verb == "hang") {
    model.set_frozen(true, drivers::sim::HangCure::soft_reset);
  } else if (verb == "brown-out") {
    model.brown_out();
  } else {
    throw std::invalid_argument("unknown command '" + std::string{command} + "'");
  }
  return "done: " + std::string{command};
}

}  // namespace tapd::test::rig
