// What the driver learns of a chip: the registers that it never sets itself. One wrong bit there
// would be written into the chip for ever, and the health check would call it well.
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <chrono>
#include <memory>

#include "drivers/mfrc522.hpp"
#include "drivers/mfrc522_registers.hpp"
#include "tests/drivers/reader_bench.hpp"

namespace tapd::drivers {
namespace {

using namespace std::chrono_literals;

/// A reader and its chip, fresh from the box.
struct Bench {
  VirtualTime time;
  sim::Mfrc522Model model;
  ModelBus bus{model, time};
  ModelResetLine line{model};
  Mfrc522 reader{bus, time.pacing(), {}, &line};

  void look() {
    time.now += 50ms;
    static_cast<void>(reader.look(time.now));
  }
  void looks(int count) {
    for (int i = 0; i < count; ++i) look();
  }
};

std::string first_wrong_register(const sim::Mfrc522Model& model) {
  const sim::Mfrc522Model fresh;
  for (const auto& [reg, mask] : mfrc522::untouched) {
    const auto address = static_cast<std::uint8_t>(reg);
    if (((model.peek(address) ^ fresh.peek(address)) & mask) != 0) {
      return "register " + std::to_string(address) + " holds " +
             std::to_string(model.peek(address));
    }
  }
  return {};
}

/// Each bit of each byte of the transfers of one look, in one direction, is flipped in turn.
class Flips {
 public:
  enum class Way : std::uint8_t { to_chip, from_chip };
  using Before = std::function<void(Bench&)>;

  /// `before` brings the reader to the look that is disturbed.
  Flips(Way way, Before before) : way_(way), before_(std::move(before)) {
    Bench calm;
    before_(calm);
    begin_ = calm.bus.transfers();
    calm.look();
    end_ = calm.bus.transfers();
  }

  void leave_no_wrong_register() const {
    REQUIRE(end_ - begin_ > 20);  // The look has a remedy in it.
    for (std::size_t at = begin_; at < end_; ++at) {
      for (std::size_t bit = way_ == Way::to_chip ? 0 : 8; bit < 16; ++bit) {
        CAPTURE(at - begin_, bit);
        leave_none(at, bit);
      }
    }
  }

 private:
  void leave_none(std::size_t at, std::size_t bit) const {
    Bench bench;
    before_(bench);
    const auto flip = [at, bit](std::size_t number, std::span<std::uint8_t> bytes) {
      if (number != at || bytes.size() <= bit / 8) return;
      bytes[bit / 8] = static_cast<std::uint8_t>(bytes[bit / 8] ^ (1U << (bit % 8)));
    };
    if (way_ == Way::to_chip) {
      bench.bus.meddle_out = flip;
    } else {
      bench.bus.meddle_in = flip;
    }
    bench.look();
    bench.bus.meddle_out = nullptr;
    bench.bus.meddle_in = nullptr;
    bench.looks(60);  // Two rounds of the health check, and a few remedies.
    REQUIRE(first_wrong_register(bench.model) == "");
    REQUIRE_FALSE(bench.reader.health().out_of_service);
    // What was learnt is right as well: a loss is still noticed and healed.
    bench.model.brown_out();
    bench.looks(60);
    REQUIRE(first_wrong_register(bench.model) == "");
    bench.model.place(sim::card_with_uid(four_bytes));
    bench.time.now += 50ms;
    const Look look = bench.reader.look(bench.time.now);
    REQUIRE(std::holds_alternative<CardSeen>(look));
  }

  Way way_;
  Before before_;
  std::size_t begin_{0};
  std::size_t end_{0};
};

const auto both_ways = [] { return GENERATE(Flips::Way::to_chip, Flips::Way::from_chip); };

TEST_CASE("no bit flipped in the first look leaves a wrong register in the chip",
          "[mfrc522][damage]") {
  Flips{both_ways(), [](Bench&) {}}.leave_no_wrong_register();
}

/// So many failures in a row bring so strong a remedy: initialise, soft reset, line, device.
TEST_CASE("no bit flipped in a remedy leaves a wrong register in the chip", "[mfrc522][damage]") {
  const int strength = GENERATE(1, 2, 3, 4);
  Flips{both_ways(),
        [strength](Bench& bench) {
          bench.looks(3);
          bench.bus.fails = [](std::size_t) { return true; };
          bench.looks(strength);
          bench.bus.fails = nullptr;
        }}
      .leave_no_wrong_register();
}

TEST_CASE("what is known of a chip does not change with what its registers hold later",
          "[mfrc522]") {
  Bench bench;
  bench.looks(3);
  // Not even a reset brings the right value back for a while.
  const std::uint8_t gs_n = static_cast<std::uint8_t>(mfrc522::Register::gs_n);
  const std::uint8_t usual = bench.model.peek(gs_n);
  bench.model.set_stuck(gs_n, static_cast<std::uint8_t>(usual ^ 0x10U));
  bench.looks(60);
  CHECK(bench.reader.health().troubles > 0);  // The value of before is the one that counts.
  bench.model.set_stuck(gs_n, std::nullopt);
  bench.time.now += 60s;
  bench.looks(60);
  CHECK(bench.model.peek(gs_n) == usual);
  CHECK_FALSE(bench.reader.health().out_of_service);
}

}  // namespace
}  // namespace tapd::drivers
