#include "drivers/iso14443.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <vector>

#include "tests/drivers/reader_bench.hpp"

namespace tapd::drivers::iso14443 {
namespace {

struct CrcVector {
  std::vector<std::uint8_t> bytes;
  std::array<std::uint8_t, 2> crc;
};

TEST_CASE("CRC_A agrees with the known vectors", "[iso14443]") {
  const auto vector = GENERATE(values<CrcVector>({{{0x50, 0x00}, {0x57, 0xCD}},
                                                  {{0x00, 0x00}, {0xA0, 0x1E}},
                                                  {{0x12, 0x34}, {0x26, 0xCF}},
                                                  {{0x30, 0x00}, {0x02, 0xA8}},
                                                  {{0xE0, 0x50}, {0xBC, 0xA5}},
                                                  {{0xE0, 0x80}, {0x31, 0x73}},
                                                  {{0x08}, {0xB6, 0xDD}},
                                                  {{0x20}, {0xFC, 0x70}},
                                                  {{0x00}, {0xFE, 0x51}}}));
  CHECK(crc_a(vector.bytes) == vector.crc);
}

TEST_CASE("CRC_A over a frame and its own check bytes is zero", "[iso14443]") {
  for (unsigned first = 0; first < 256; ++first) {
    std::vector<std::uint8_t> frame{static_cast<std::uint8_t>(first), 0x17, 0xC4};
    const auto crc = crc_a(frame);
    frame.push_back(crc[0]);
    frame.push_back(crc[1]);
    CHECK(crc_a(frame) == std::array<std::uint8_t, 2>{0, 0});
  }
}

TEST_CASE("frames are what the standard prescribes", "[iso14443]") {
  CHECK(anticollision_frame(0) == std::vector<std::uint8_t>{0x93, 0x20});
  CHECK(anticollision_frame(2) == std::vector<std::uint8_t>{0x97, 0x20});
  CHECK(halt_frame() == std::array<std::uint8_t, 4>{0x50, 0x00, 0x57, 0xCD});
  const auto select = select_frame(1, {0xC3, 0xD4, 0xE5, 0x80, 0x72});
  CHECK(select[0] == 0x95);
  CHECK(select[1] == 0x70);
  CHECK(select[6] == 0x72);
  CHECK(crc_a(select) == std::array<std::uint8_t, 2>{0, 0});
}

TEST_CASE("anticollision tells the bits that are known", "[iso14443]") {
  const Part part{0xDE, 0xAD, 0xBE, 0xEF, 0x22};
  CHECK(anticollision_frame(0, {part, 8}) == std::vector<std::uint8_t>{0x93, 0x30, 0xDE});
  CHECK(anticollision_frame(1, {{0xDE, 0x01}, 10}) ==
        std::vector<std::uint8_t>{0x95, 0x32, 0xDE, 0x01});
  CHECK(anticollision_frame(0, {{0x01}, 1}) == std::vector<std::uint8_t>{0x93, 0x21, 0x01});
  CHECK(anticollision_frame(0, {part, 32}) ==
        std::vector<std::uint8_t>{0x93, 0x60, 0xDE, 0xAD, 0xBE, 0xEF});
}

/// A part's first `count` bits.
KnownBits known_of(const Part& part, std::size_t count) {
  KnownBits known{.bits = {}, .count = count};
  for (std::size_t bit = 0; bit < count; ++bit) {
    known.bits[bit / 8] =
        static_cast<std::uint8_t>(known.bits[bit / 8] | (part[bit / 8] & (1U << (bit % 8))));
  }
  return known;
}

// As the reader stores it: from the byte of the first bit asked for, the bits before it anything.
TEST_CASE("a part is put together from what was known and what was answered", "[iso14443]") {
  const Part part{0xDE, 0xAD, 0xBE, 0xEF, 0x22};
  const auto before = GENERATE(std::uint8_t{0x00}, std::uint8_t{0xFF});
  for (std::size_t count = 0; count <= uid_bits_of_part; ++count) {
    CAPTURE(count);
    std::vector<std::uint8_t> answer(part.begin() + static_cast<std::ptrdiff_t>(count / 8),
                                     part.end());
    const unsigned mine = 0xFFU << (count % 8);
    answer[0] = static_cast<std::uint8_t>((answer[0] & mine) | (before & ~mine));
    CHECK(read_part(0, answer, known_of(part, count)) == part);
    answer.push_back(0);
    CHECK_FALSE(read_part(0, answer, known_of(part, count)));
    answer.resize(answer.size() - 2);
    CHECK_FALSE(read_part(0, answer, known_of(part, count)));
  }
}

TEST_CASE("a branch knows all bits before the collision and the chosen one", "[iso14443]") {
  const Part part{0xDE, 0xAD, 0xBE, 0xEF, 0x22};
  const bool chosen = GENERATE(true, false);
  for (std::size_t count = 0; count < uid_bits_of_part; ++count) {
    const std::vector<std::uint8_t> answer(part.begin() + static_cast<std::ptrdiff_t>(count / 8),
                                           part.end());
    for (std::size_t collision = count; collision < uid_bits_of_part; ++collision) {
      CAPTURE(count, collision);
      const KnownBits longer = branch(known_of(part, count), answer, collision, chosen);
      REQUIRE(longer.count == collision + 1);
      Part expected = known_of(part, collision).bits;
      if (chosen) {
        expected[collision / 8] =
            static_cast<std::uint8_t>(expected[collision / 8] | (1U << (collision % 8)));
      }
      REQUIRE(longer.bits == expected);
    }
  }
}

TEST_CASE("a branch of an answer that is too short is filled with zeros", "[iso14443]") {
  const KnownBits longer = branch({}, std::vector<std::uint8_t>{0xFF}, 31, true);
  CHECK(longer.count == 32);
  CHECK(longer.bits == Part{0xFF, 0x00, 0x00, 0x80, 0x00});
}

TEST_CASE("the answer to waking tells the size of the UID", "[iso14443]") {
  CHECK(uid_size_told(std::array<std::uint8_t, 2>{0x04, 0x00}) == 4);
  CHECK(uid_size_told(std::array<std::uint8_t, 2>{0x44, 0x03}) == 7);
  CHECK(uid_size_told(std::array<std::uint8_t, 2>{0x84, 0x00}) == 10);
  CHECK(uid_size_told(std::array<std::uint8_t, 2>{0xC4, 0x00}) == 0);
}

TEST_CASE("a part is accepted only with its length and its BCC", "[iso14443]") {
  const Part right{0xDE, 0xAD, 0xBE, 0xEF, 0x22};
  CHECK(read_part(0, right) == right);
  for (std::size_t size = 0; size < part_size; ++size) {
    CHECK_FALSE(read_part(0, std::span{right}.first(size)));
  }
  for (std::size_t byte = 0; byte < part_size; ++byte) {
    for (unsigned bit = 0; bit < 8; ++bit) {
      Part wrong = right;
      wrong[byte] = static_cast<std::uint8_t>(wrong[byte] ^ (1U << bit));
      const auto answer = read_part(1, wrong);
      REQUIRE_FALSE(answer);
      CHECK(answer.error().find("BCC of level 2") != std::string::npos);
    }
  }
}

TEST_CASE("a SAK is accepted only with its length and its CRC", "[iso14443]") {
  const std::array<std::uint8_t, 4> answer{0x08, 0xB6, 0xDD, 0x00};
  CHECK(read_sak(0, std::span{answer}.first(3)) == std::uint8_t{0x08});
  for (const std::size_t size : {0U, 1U, 2U, 4U})
    CHECK_FALSE(read_sak(0, std::span{answer}.first(size)));
  for (std::size_t byte = 0; byte < sak_answer_size; ++byte) {
    for (unsigned bit = 0; bit < 8; ++bit) {
      auto wrong = answer;
      wrong[byte] = static_cast<std::uint8_t>(wrong[byte] ^ (1U << bit));
      const auto sak = read_sak(2, std::span{wrong}.first(3));
      REQUIRE_FALSE(sak);
      CHECK(sak.error().find("CRC of the SAK of level 3") != std::string::npos);
    }
  }
}

Part part_of(std::uint8_t first, std::uint8_t second, std::uint8_t third, std::uint8_t fourth) {
  return {first, second, third, fourth, bcc(std::array{first, second, third, fourth})};
}

TEST_CASE("UIDs of one, two and three levels are put together", "[iso14443]") {
  UidAssembly one;
  CHECK(one.add(part_of(0xDE, 0xAD, 0xBE, 0xEF), 0x08) == true);
  CHECK(one.uid() == four_bytes);

  UidAssembly two;
  CHECK(two.add(part_of(0x88, 0x04, 0xA1, 0xB2), 0x04) == false);
  CHECK(two.level() == 1);
  CHECK(two.add(part_of(0xC3, 0xD4, 0xE5, 0x80), 0x20) == true);
  CHECK(two.uid() == seven_bytes);

  UidAssembly three;
  CHECK(three.add(part_of(0x88, 0x04, 0x11, 0x22), 0x04) == false);
  CHECK(three.add(part_of(0x88, 0x33, 0x44, 0x55), 0x24) == false);
  CHECK(three.add(part_of(0x66, 0x77, 0x99, 0xAA), 0x00) == true);
  CHECK(three.uid() == ten_bytes);
}

TEST_CASE("a SAK that promises more needs a cascade tag and a level to come", "[iso14443]") {
  UidAssembly untagged;
  CHECK_FALSE(untagged.add(part_of(0x04, 0x04, 0xA1, 0xB2), 0x04));

  UidAssembly endless;
  CHECK(endless.add(part_of(0x88, 1, 2, 3), 0x04) == false);
  CHECK(endless.add(part_of(0x88, 4, 5, 6), 0x04) == false);
  CHECK_FALSE(endless.add(part_of(0x88, 7, 8, 9), 0x04));
}

TEST_CASE("only lasting, proper UIDs can be a name", "[iso14443]") {
  CHECK_FALSE(refusal_of(four_bytes));
  CHECK_FALSE(refusal_of(seven_bytes));
  CHECK_FALSE(refusal_of(ten_bytes));
  CHECK_FALSE(refusal_of(make_uid({0x08, 1, 2, 3, 4, 5, 6})));  // Random only with four bytes.
  CHECK_FALSE(refusal_of(make_uid({0, 0, 0, 1})));

  CHECK(refusal_of(make_uid({0x08, 1, 2, 3}))->find("random") != std::string::npos);
  CHECK(refusal_of(make_uid({0x88, 1, 2, 3}))->find("cascade tag") != std::string::npos);
  CHECK(refusal_of(make_uid({4, 1, 2, 0x88, 3, 4, 5}))->find("cascade tag") != std::string::npos);
  for (const std::size_t size : {4U, 7U, 10U}) {
    CHECK(refusal_of(make_uid(std::vector<std::uint8_t>(size, 0x00))));
    CHECK(refusal_of(make_uid(std::vector<std::uint8_t>(size, 0xFF))));
  }
  CHECK(refusal_of(Uid{}));
}

}  // namespace
}  // namespace tapd::drivers::iso14443
