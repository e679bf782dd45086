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
  CHECK(anticollision_frame(0) == std::array<std::uint8_t, 2>{0x93, 0x20});
  CHECK(anticollision_frame(2) == std::array<std::uint8_t, 2>{0x97, 0x20});
  CHECK(halt_frame() == std::array<std::uint8_t, 4>{0x50, 0x00, 0x57, 0xCD});
  const auto select = select_frame(1, {0xC3, 0xD4, 0xE5, 0x80, 0x72});
  CHECK(select[0] == 0x95);
  CHECK(select[1] == 0x70);
  CHECK(select[6] == 0x72);
  CHECK(crc_a(select) == std::array<std::uint8_t, 2>{0, 0});
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
