// Damage, exhaustively: every answer of a card and every byte on the bus is flipped, cut, repeated
// and lost in turn. Whatever happens, a look ends, and it never names a card that is not there.
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <chrono>

#include "drivers/mfrc522.hpp"
#include "tests/drivers/reader_bench.hpp"

namespace tapd::drivers {
namespace {

using namespace std::chrono_literals;
using sim::AirReply;

constexpr auto longest_look = 250ms;
constexpr std::size_t atqa_reply = 0;
/// Each look reads one register back; a cure, and what it may need, come on top.
constexpr int looks_until_noticed = 30;

std::size_t levels_of(const Uid& uid) {
  return uid.size == 4 ? 1U : uid.size == 7 ? 2U : 3U;
}
/// ATQA, then a part and a SAK on each level.
std::size_t replies_of(const Uid& uid) {
  return 1 + 2 * levels_of(uid);
}
std::size_t bits_of_reply(std::size_t reply) {
  return reply == 0 ? 16 : reply % 2 == 1 ? 40 : 24;
}

/// Every look asks for the UID anew, and the reader is never given up.
Mfrc522Settings patient_settings(int looks_per_full_look) {
  Mfrc522Settings settings;
  settings.recovery.failures_to_fault = 1'000'000;
  settings.looks_per_full_look = looks_per_full_look;
  return settings;
}

class Damaged {
 public:
  explicit Damaged(const Uid& uid, int looks_per_full_look = 1)
      : uid_(uid),
        bus_(model_, time_),
        reader_(bus_, time_.pacing(), patient_settings(looks_per_full_look)) {
    model_.place(sim::card_with_uid(uid));
    REQUIRE(is_right(reader_.look(time_.now)));
  }

  /// One look in which the given reply is changed.
  Look look_with(std::size_t reply, const std::function<void(AirReply&)>& change) {
    std::size_t number = 0;
    model_.distort([&](AirReply& air) {
      if (number++ == reply) change(air);
    });
    const Look look = bounded_look();
    model_.distort(nullptr);
    return look;
  }
  Look bounded_look() {
    const auto begin = time_.now;
    Look look = reader_.look(begin);
    REQUIRE(time_.now - begin < longest_look);
    if (const auto* card = std::get_if<CardSeen>(&look)) REQUIRE(card->uid == uid_);
    REQUIRE_FALSE(std::holds_alternative<UnusableCard>(look));
    return look;
  }
  void recovers(int within = 3) {
    bool right = false;
    for (int i = 0; i < within && !right; ++i) right = is_right(bounded_look());
    REQUIRE(right);
  }
  [[nodiscard]] bool is_right(const Look& look) const {
    const auto* card = std::get_if<CardSeen>(&look);
    return card != nullptr && card->uid == uid_;
  }
  /// The transfers of a look at which nothing goes wrong, by their size.
  std::vector<std::size_t> sizes_of_a_look() {
    std::vector<std::size_t> sizes;
    bus_.meddle_out = [&](std::size_t, std::vector<std::uint8_t>& tx) {
      sizes.push_back(tx.size());
    };
    recovers(1);
    bus_.meddle_out = nullptr;
    return sizes;
  }
  [[nodiscard]] ModelBus& bus() { return bus_; }
  [[nodiscard]] sim::Mfrc522Model& model() { return model_; }

 private:
  Uid uid_;
  VirtualTime time_;
  sim::Mfrc522Model model_;
  ModelBus bus_;
  Mfrc522 reader_;
};

const auto all_sizes = [] { return GENERATE(four_bytes, seven_bytes, ten_bytes); };

TEST_CASE("every flipped bit of every answer is noticed by its parity", "[mfrc522][damage]") {
  const Uid uid = all_sizes();
  Damaged bench{uid};
  for (std::size_t reply = 0; reply < replies_of(uid); ++reply) {
    for (std::size_t bit = 0; bit < bits_of_reply(reply); ++bit) {
      CAPTURE(reply, bit);
      const Look look = bench.look_with(reply, [bit](AirReply& air) {
        air.bits[bit] = !air.bits[bit];
        air.parity_wrong = true;
      });
      REQUIRE(std::holds_alternative<Garbled>(look));
      bench.recovers(1);
    }
  }
}

// ATQA has no check byte and nothing depends on it.
TEST_CASE("every flipped bit that parity misses is noticed by BCC or CRC", "[mfrc522][damage]") {
  const Uid uid = all_sizes();
  Damaged bench{uid};
  for (std::size_t reply = 0; reply < replies_of(uid); ++reply) {
    for (std::size_t bit = 0; bit < bits_of_reply(reply); ++bit) {
      CAPTURE(reply, bit);
      const Look look =
          bench.look_with(reply, [bit](AirReply& air) { air.bits[bit] = !air.bits[bit]; });
      if (reply == atqa_reply) {
        REQUIRE(bench.is_right(look));
      } else {
        REQUIRE(std::holds_alternative<Garbled>(look));
      }
      bench.recovers(1);
    }
  }
}

TEST_CASE("damage that the BCC misses is noticed by the selection", "[mfrc522][damage]") {
  const Uid uid = all_sizes();
  Damaged bench{uid};
  for (std::size_t reply = 1; reply < replies_of(uid); reply += 2) {
    for (std::size_t bit = 0; bit < 8; ++bit) {
      for (std::size_t first = 0; first < 4; ++first) {
        const std::size_t second = (first + 1) % 5;
        CAPTURE(reply, bit, first);
        const Look look = bench.look_with(reply, [&](AirReply& air) {
          air.bits[first * 8 + bit] = !air.bits[first * 8 + bit];
          air.bits[second * 8 + bit] = !air.bits[second * 8 + bit];
        });
        REQUIRE(std::holds_alternative<Garbled>(look));
        bench.recovers(1);
      }
    }
  }
}

TEST_CASE("every answer cut at every bit is garbled or silence", "[mfrc522][damage]") {
  const Uid uid = all_sizes();
  Damaged bench{uid};
  for (std::size_t reply = 0; reply < replies_of(uid); ++reply) {
    for (std::size_t bits = 0; bits < bits_of_reply(reply); ++bits) {
      CAPTURE(reply, bits);
      const Look look = bench.look_with(reply, [bits](AirReply& air) { air.bits.resize(bits); });
      if (reply == atqa_reply && bits == 0) {
        REQUIRE(std::holds_alternative<NobodyThere>(look));
      } else {
        REQUIRE(std::holds_alternative<Garbled>(look));
      }
      bench.recovers(2);  // A card left ready hears one request in vain.
    }
  }
}

TEST_CASE("every answer repeated, lengthened or replaced is garbled", "[mfrc522][damage]") {
  const Uid uid = all_sizes();
  Damaged bench{uid};
  for (std::size_t reply = 0; reply < replies_of(uid); ++reply) {
    for (const std::size_t times : {2U, 3U, 10U, 40U}) {
      CAPTURE(reply, times);
      const Look look = bench.look_with(reply, [times](AirReply& air) {
        const sim::Bits once = air.bits;
        for (std::size_t i = 1; i < times; ++i) {
          air.bits.insert(air.bits.end(), once.begin(), once.end());
        }
      });
      // What takes longer than the host waits for any answer is a fault of the chip's.
      REQUIRE((std::holds_alternative<Garbled>(look) ||
               (times == 40 && std::holds_alternative<ReaderTrouble>(look))));
      bench.recovers(1);
    }
    for (std::size_t other = 0; other < replies_of(uid); ++other) {
      if (bits_of_reply(other) == bits_of_reply(reply)) continue;
      const Look look = bench.look_with(
          reply, [other](AirReply& air) { air.bits.assign(bits_of_reply(other), false); });
      REQUIRE(std::holds_alternative<Garbled>(look));
      bench.recovers(2);
    }
  }
}

TEST_CASE("every answer that is late is right while the chip waits, and silence or garbled after",
          "[mfrc522][damage]") {
  const Uid uid = all_sizes();
  Damaged bench{uid};
  for (std::size_t reply = 0; reply < replies_of(uid); ++reply) {
    for (const auto late : {100us, 500us, 2'000us, 10'000us, 60'000us}) {
      CAPTURE(reply, late);
      const Look look = bench.look_with(reply, [late](AirReply& air) { air.late = late; });
      if (late < 1ms) {
        REQUIRE(bench.is_right(look));
      } else if (reply == atqa_reply) {
        REQUIRE(std::holds_alternative<NobodyThere>(look));
      } else {
        REQUIRE(std::holds_alternative<Garbled>(look));
      }
      bench.recovers(2);  // A card left ready hears one request in vain.
    }
  }
}

TEST_CASE("a collision in any answer but ATQA means several cards", "[mfrc522][damage]") {
  const Uid uid = all_sizes();
  Damaged bench{uid};
  for (std::size_t reply = 0; reply < replies_of(uid); ++reply) {
    for (std::size_t bit = 0; bit < bits_of_reply(reply); ++bit) {
      CAPTURE(reply, bit);
      const Look look = bench.look_with(reply, [bit](AirReply& air) { air.collision = bit; });
      if (reply == atqa_reply) {
        REQUIRE(bench.is_right(look));
      } else {
        REQUIRE(std::holds_alternative<SeveralCards>(look));
      }
      bench.recovers(1);
    }
  }
}

TEST_CASE("a card that answers to being sent to sleep is still the card", "[mfrc522][damage]") {
  Damaged bench{four_bytes};
  const Look look =
      bench.look_with(replies_of(four_bytes), [](AirReply& air) { air.bits.assign(4, true); });
  CHECK(bench.is_right(look));
}

TEST_CASE("a transfer that fails anywhere in a look is trouble and then over",
          "[mfrc522][damage]") {
  const Uid uid = all_sizes();
  Damaged bench{uid};
  const std::size_t per_look = bench.sizes_of_a_look().size();
  for (std::size_t at = 0; at < per_look; ++at) {
    CAPTURE(at, per_look);
    const auto begin = bench.bus().transfers();
    bench.bus().fails = [&](std::size_t number) { return number == begin + at; };
    const Look look = bench.bounded_look();
    bench.bus().fails = nullptr;
    // In the last exchange, the one that sends the card to sleep, the UID is already proved.
    REQUIRE((std::holds_alternative<ReaderTrouble>(look) || bench.is_right(look)));
    bench.recovers(1);
  }
}

/// Flips one bit of a byte, when there is such a byte.
void flip(std::span<std::uint8_t> bytes, std::size_t bit) {
  if (bit / 8 >= bytes.size()) return;
  std::uint8_t& byte = bytes[bit / 8];
  byte = static_cast<std::uint8_t>(byte ^ (1U << (bit % 8)));
}

TEST_CASE("a bit flipped in any byte the chip answers never makes another card",
          "[mfrc522][damage]") {
  const Uid uid = GENERATE(four_bytes, seven_bytes);
  Damaged bench{uid};
  const auto sizes = bench.sizes_of_a_look();
  for (std::size_t at = 0; at < sizes.size(); ++at) {
    for (std::size_t bit = 8; bit < 8 * sizes[at]; ++bit) {  // The first byte is never looked at.
      CAPTURE(at, bit);
      const auto begin = bench.bus().transfers();
      bench.bus().meddle_in = [&](std::size_t number, std::span<std::uint8_t> rx) {
        if (number == begin + at) flip(rx, bit);
      };
      static_cast<void>(bench.bounded_look());
      bench.bus().meddle_in = nullptr;
      bench.recovers(3);
    }
  }
}

// A wrong bit on its way to the chip may change any register. The reader may then be blind for a
// moment, but it must not lie, must not hang, and must notice.
TEST_CASE("a bit flipped in any byte sent to the chip never makes another card",
          "[mfrc522][damage]") {
  Damaged bench{four_bytes};
  const auto sizes = bench.sizes_of_a_look();
  for (std::size_t at = 0; at < sizes.size(); ++at) {
    for (std::size_t bit = 0; bit < 8 * sizes[at]; ++bit) {
      CAPTURE(at, bit);
      const auto begin = bench.bus().transfers();
      bench.bus().meddle_out = [&](std::size_t number, std::vector<std::uint8_t>& tx) {
        if (number == begin + at) flip(tx, bit);
      };
      static_cast<void>(bench.bounded_look());
      bench.bus().meddle_out = nullptr;
      bench.recovers(looks_until_noticed);
    }
  }
}

}  // namespace
}  // namespace tapd::drivers
