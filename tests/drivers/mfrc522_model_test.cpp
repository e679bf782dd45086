#include "drivers/sim/mfrc522_model.hpp"

#include <catch2/catch_test_macros.hpp>
#include <chrono>

#include "drivers/iso14443.hpp"
#include "tests/drivers/reader_bench.hpp"

// The model against the data sheet, by bare register addresses: what the driver relies on is proved
// here without the driver.
namespace tapd::drivers::sim {
namespace {

using namespace std::chrono_literals;

/// Registers by hand, one microsecond a transfer unless a test says more.
class Chip {
 public:
  Chip() { wait(1ms); }

  std::uint8_t read(std::uint8_t address) {
    const std::array<std::uint8_t, 2> tx{
        static_cast<std::uint8_t>(0x80U | (unsigned{address} << 1U)), 0};
    std::array<std::uint8_t, 2> rx{};
    model.transfer(tx, rx, now_ += 1us);
    return rx[1];
  }
  void write(std::uint8_t address, std::uint8_t value) {
    const std::array<std::uint8_t, 2> tx{static_cast<std::uint8_t>(unsigned{address} << 1U), value};
    std::array<std::uint8_t, 2> rx{};
    model.transfer(tx, rx, now_ += 1us);
  }
  void wait(std::chrono::nanoseconds duration) { now_ += duration; }
  /// 106 kbit/s, full modulation, timer of 1 ms, field on, cards started.
  void make_ready() {
    write(0x2A, 0x80);
    write(0x2B, 0xA9);
    write(0x2D, 0x28);
    write(0x15, 0x40);
    write(0x11, 0x3D);
    write(0x14, 0x83);
    write(0x0E, 0x00);
    wait(6ms);
  }
  void send(const std::vector<std::uint8_t>& frame, std::uint8_t framing = 0) {
    write(0x01, 0x00);
    write(0x04, 0x7F);
    write(0x0A, 0x80);
    for (const std::uint8_t byte : frame) write(0x09, byte);
    write(0x01, 0x0C);
    write(0x0D, framing | 0x80U);
  }

  Mfrc522Model model;

 private:
  std::chrono::nanoseconds now_{1h};
};

TEST_CASE("registers hold their reset values, and keep only the bits that exist",
          "[mfrc522_model]") {
  Chip chip;
  CHECK(chip.read(0x01) == 0x20);
  CHECK(chip.read(0x04) == 0x14);
  CHECK(chip.read(0x11) == 0x3F);
  CHECK(chip.read(0x14) == 0x80);
  CHECK(chip.read(0x26) == 0x48);
  CHECK(chip.read(0x37) == 0x92);
  chip.write(0x11, 0x3D);
  CHECK(chip.read(0x11) == 0x3D);
  chip.write(0x15, 0xFF);
  CHECK(chip.read(0x15) == 0x40);
  chip.write(0x37, 0x00);
  CHECK(chip.read(0x37) == 0x92);
  chip.write(0x01, 0x0F);
  chip.wait(1ms);
  CHECK(chip.read(0x11) == 0x3F);
  CHECK(chip.read(0x15) == 0x00);
}

TEST_CASE("while the chip wakes up PowerDown reads one and writes are lost", "[mfrc522_model]") {
  Chip chip;
  chip.write(0x01, 0x0F);
  CHECK((chip.read(0x01) & 0x10) != 0);
  chip.write(0x2B, 0xA9);
  chip.wait(1ms);
  CHECK((chip.read(0x01) & 0x10) == 0);
  CHECK(chip.read(0x2B) == 0x00);
}

TEST_CASE("the FIFO takes 64 bytes and reports the one too many", "[mfrc522_model]") {
  Chip chip;
  for (int i = 0; i < 64; ++i) chip.write(0x09, static_cast<std::uint8_t>(i));
  CHECK(chip.read(0x0A) == 64);
  CHECK(chip.read(0x06) == 0x00);
  chip.write(0x09, 0xEE);
  CHECK(chip.read(0x0A) == 64);
  CHECK(chip.read(0x06) == 0x10);
  CHECK(chip.read(0x09) == 0);
  CHECK(chip.read(0x09) == 1);
  CHECK(chip.read(0x0A) == 62);
  chip.write(0x0A, 0x80);
  CHECK(chip.read(0x0A) == 0);
  CHECK(chip.read(0x06) == 0x00);
}

TEST_CASE("a burst read answers each byte to the address before it", "[mfrc522_model]") {
  Chip chip;
  chip.write(0x09, 0x11);
  chip.write(0x09, 0x22);
  chip.write(0x09, 0x33);
  const std::array<std::uint8_t, 5> tx{0x92, 0x92, 0x92, 0xEE, 0x00};
  std::array<std::uint8_t, 5> rx{};
  chip.model.transfer(tx, rx, 1h + 2ms);
  CHECK(rx == std::array<std::uint8_t, 5>{0x00, 0x11, 0x22, 0x33, 0x92});
}

TEST_CASE("interrupt requests are cleared and set by the highest bit", "[mfrc522_model]") {
  Chip chip;
  chip.write(0x04, 0x7F);
  CHECK(chip.read(0x04) == 0x00);
  chip.write(0x04, 0x81);
  CHECK(chip.read(0x04) == 0x01);
}

TEST_CASE("the CRC coprocessor agrees with the known vectors", "[mfrc522_model]") {
  Chip chip;
  chip.write(0x11, 0x3D);
  chip.write(0x01, 0x03);
  chip.write(0x09, 0x50);
  chip.write(0x09, 0x00);
  CHECK((chip.read(0x05) & 0x04) != 0);
  CHECK(chip.read(0x22) == 0x57);
  CHECK(chip.read(0x21) == 0xCD);
}

TEST_CASE("without a card the timer ends the wait after a millisecond", "[mfrc522_model]") {
  Chip chip;
  chip.make_ready();
  chip.send({0x26}, 0x07);
  chip.wait(50us);
  CHECK((chip.read(0x04) & 0x40) == 0);  // Nine bits take 85 us.
  chip.wait(50us);
  CHECK((chip.read(0x04) & 0x41) == 0x40);
  chip.wait(900us);
  CHECK((chip.read(0x04) & 0x01) == 0);
  chip.wait(150us);
  CHECK((chip.read(0x04) & 0x31) == 0x01);
}

TEST_CASE("a card's answer stops the timer and ends the command", "[mfrc522_model]") {
  Chip chip;
  chip.model.place(card_with_uid(four_bytes));
  chip.make_ready();
  chip.send({0x52}, 0x07);
  chip.wait(500us);
  CHECK((chip.read(0x04) & 0x71) == 0x70);
  CHECK((chip.read(0x01) & 0x0F) == 0);
  CHECK(chip.read(0x0A) == 2);
  CHECK(chip.read(0x09) == 0x04);
  CHECK(chip.read(0x09) == 0x00);
  CHECK((chip.read(0x0C) & 0x07) == 0);
  chip.wait(5ms);
  CHECK((chip.read(0x04) & 0x01) == 0);
}

TEST_CASE("two cards collide at the first bit in which their UIDs differ", "[mfrc522_model]") {
  Chip chip;
  chip.model.place(card_with_uid(make_uid({0xDE, 0xAD, 0x01, 0x02})));
  chip.model.place(card_with_uid(make_uid({0xDE, 0xAF, 0x01, 0x02})));
  chip.make_ready();
  chip.send({0x52}, 0x07);
  chip.wait(2ms);
  chip.send({0x93, 0x20});
  chip.wait(2ms);
  CHECK(chip.read(0x06) == 0x08);
  CHECK(chip.read(0x0E) == 10);
  CHECK(chip.read(0x0A) == 5);
  CHECK(chip.read(0x09) == 0xDE);
  CHECK(chip.read(0x09) == 0x01);  // 0xAD up to the collided bit, the rest cleared.
  CHECK(chip.read(0x09) == 0x00);

  // The bit at the collision taken as one: only the second card is meant, and says what is left.
  chip.send({0x93, 0x32, 0xDE, 0x03}, 0x22);
  chip.wait(2ms);
  CHECK(chip.read(0x06) == 0x00);
  CHECK((chip.read(0x0E) & 0x20) != 0);
  CHECK(chip.read(0x0A) == 4);
  CHECK(chip.read(0x09) == 0xAC);  // The bits known already are left out.
  CHECK(chip.read(0x09) == 0x01);
}

TEST_CASE("a card needs field, its time to start, and full modulation", "[mfrc522_model]") {
  Chip chip;
  chip.model.place(card_with_uid(four_bytes));
  chip.make_ready();
  chip.write(0x15, 0x00);
  chip.send({0x52}, 0x07);
  chip.wait(2ms);
  CHECK(chip.read(0x0A) == 0);
  chip.write(0x15, 0x40);
  chip.write(0x14, 0x80);
  CHECK_FALSE(chip.model.field_on());
  CHECK(chip.model.state_of(four_bytes) == CardState::off);
  chip.write(0x14, 0x83);
  chip.wait(4ms);
  chip.send({0x52}, 0x07);
  chip.wait(2ms);
  CHECK(chip.read(0x0A) == 0);
  chip.send({0x52}, 0x07);
  chip.wait(2ms);
  CHECK(chip.read(0x0A) == 2);
}

TEST_CASE("with the field off a transmitter told to wait for it waits for ever",
          "[mfrc522_model]") {
  Chip chip;
  chip.make_ready();
  chip.write(0x14, 0x80);
  chip.send({0x52}, 0x07);
  chip.wait(1s);
  CHECK((chip.read(0x04) & 0x71) == 0);
  CHECK(chip.model.frames_sent() == 0);
}

TEST_CASE("a card that leaves in mid-answer leaves a frame that ends within a byte",
          "[mfrc522_model]") {
  Chip chip;
  chip.model.place(card_with_uid(four_bytes));
  chip.make_ready();
  chip.model.remove_all_after(13);
  chip.send({0x52}, 0x07);
  chip.wait(2ms);
  CHECK(chip.read(0x0A) == 2);
  CHECK((chip.read(0x0C) & 0x07) == 5);
  CHECK_FALSE(chip.model.state_of(four_bytes));
}

TEST_CASE("hardware CRC is added to what is sent and taken off what came", "[mfrc522_model]") {
  Chip chip;
  chip.model.place(card_with_uid(four_bytes));
  chip.make_ready();
  chip.send({0x52}, 0x07);
  chip.wait(2ms);
  chip.send({0x93, 0x20});
  chip.wait(2ms);
  chip.write(0x12, 0x80);
  chip.write(0x13, 0x80);
  chip.send({0x93, 0x70, 0xDE, 0xAD, 0xBE, 0xEF, 0x22});
  chip.wait(2ms);
  CHECK(chip.read(0x06) == 0x00);
  CHECK(chip.read(0x0A) == 1);
  CHECK(chip.read(0x09) == 0x08);
  CHECK(chip.model.state_of(four_bytes) == CardState::active);
}

TEST_CASE("a hot chip switches its field off and keeps saying so", "[mfrc522_model]") {
  Chip chip;
  chip.make_ready();
  chip.model.set_overheated(true);
  CHECK_FALSE(chip.model.field_on());
  chip.write(0x01, 0x0C);
  CHECK((chip.read(0x06) & 0x40) != 0);
  chip.model.set_overheated(false);
  chip.write(0x08, 0x80);
  CHECK((chip.read(0x06) & 0x40) == 0);
}

TEST_CASE("a bus without a chip reads all zeros or all ones", "[mfrc522_model]") {
  Chip chip;
  chip.model.set_bus(BusFault::all_zero);
  CHECK(chip.read(0x37) == 0x00);
  chip.model.set_bus(BusFault::all_ones);
  CHECK(chip.read(0x37) == 0xFF);
  chip.write(0x2B, 0xA9);
  chip.model.set_bus(BusFault::none);
  CHECK(chip.read(0x2B) == 0x00);
}

TEST_CASE("a brown-out puts every register back and the field off", "[mfrc522_model]") {
  Chip chip;
  chip.make_ready();
  chip.model.brown_out();
  chip.wait(1ms);
  CHECK(chip.read(0x14) == 0x80);
  CHECK(chip.read(0x2B) == 0x00);
  CHECK_FALSE(chip.model.field_on());
}

}  // namespace
}  // namespace tapd::drivers::sim
