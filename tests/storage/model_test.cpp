#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <limits>
#include <vector>

#include "storage/model/ids.hpp"
#include "storage/model/records.hpp"
#include "storage/model/time.hpp"
#include "storage/model/volume.hpp"
#include "storage/model/whole_number.hpp"
#include "tests/storage/bar.hpp"
#include "tests/storage/random.hpp"
#include "tests/storage/wide.hpp"

using namespace tapd::model;
using tapd::test::Random;
using tapd::test::Wide;

namespace {

constexpr int cases = 20'000;
constexpr std::int64_t largest_integer = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t smallest_integer = std::numeric_limits<std::int64_t>::min();

}  // namespace

TEST_CASE("microlitres become millilitres half up, also at the ends of the range",
          "[model][volume]") {
  Random random{1};
  std::vector<std::int64_t> samples{0,
                                    499,
                                    500,
                                    999,
                                    1500,
                                    -1,
                                    -499,
                                    -500,
                                    -501,
                                    -1000,
                                    -1500,
                                    -1501,
                                    largest_integer,
                                    smallest_integer};
  for (int i = 0; i < cases; ++i) {
    samples.push_back(random.between(-10'000, 10'000));
    samples.push_back(static_cast<std::int64_t>(random.next()));
  }
  for (const std::int64_t microlitres : samples) {
    CAPTURE(microlitres);
    const Wide shifted = static_cast<Wide>(microlitres) + 500;
    const Wide expected = shifted >= 0 ? shifted / 1000 : -((-shifted + 999) / 1000);
    REQUIRE(Volume::microlitres(microlitres).in_millilitres() ==
            static_cast<std::int64_t>(expected));
  }
}

TEST_CASE("volumes that do not fit throw", "[model][volume]") {
  const Volume most = Volume::microlitres(largest_integer);
  const Volume least = Volume::microlitres(smallest_integer);
  CHECK_THROWS_AS(most + Volume::microlitres(1), std::overflow_error);
  CHECK_THROWS_AS(least - Volume::microlitres(1), std::overflow_error);
  CHECK_THROWS_AS(Volume::millilitres(largest_integer / 1000 + 1), std::overflow_error);
  CHECK_THROWS_AS(Volume::millilitres(smallest_integer / 1000 - 1), std::overflow_error);
  CHECK(Volume::millilitres(largest_integer / 1000).in_millilitres() == largest_integer / 1000);
  CHECK(most - most == Volume{});
  Volume sum = Volume::millilitres(400);
  sum += Volume::microlitres(12'400);
  CHECK(to_text(sum) == "412 ml");
}

TEST_CASE("a random id is a version 4 UUID that reads back", "[model][ids]") {
  Random random{2};
  for (int i = 0; i < 2000; ++i) {
    std::array<std::uint8_t, 16> bytes{};
    std::generate(bytes.begin(), bytes.end(),
                  [&random] { return static_cast<std::uint8_t>(random.next()); });
    const ClientTxId id = ClientTxId::from_random(bytes);
    REQUIRE(id.text().size() == 36);
    REQUIRE(id.text()[14] == '4');
    REQUIRE(std::string{"89ab"}.find(id.text()[19]) != std::string::npos);
    REQUIRE(ClientTxId::parse(id.text()) == id);
  }
  const ClientTxId ones = ClientTxId::from_random(
      {255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255});
  CHECK(ones.text() == "ffffffff-ffff-4fff-bfff-ffffffffffff");
  CHECK(ones.short_id() == "FFFFFFFF");
  CHECK(ClientTxId::parse("0a1b2c3d-0000-4000-8000-000000000000")->short_id() == "0A1B2C3D");
}

TEST_CASE("only the canonical text of a UUID is an id", "[model][ids]") {
  for (const std::string& text :
       {std::string{}, std::string{"0a1b2c3d"}, std::string{"0A1B2C3D-0000-4000-8000-000000000000"},
        std::string{"0a1b2c3d000040008000000000000000"},
        std::string{"{0a1b2c3d-0000-4000-8000-000000000000}"},
        std::string{"0a1b2c3d-0000-4000-8000-00000000000g"},
        std::string{"0a1b2c3d-0000-4000-8000-0000000000000"},
        std::string{"0a1b2c3d-0000-4000-8000-00000000000 "},
        std::string{"0a1b2c3d-0000-4000-8000-00000000000\0", 36}}) {
    CAPTURE(text);
    CHECK_FALSE(ClientTxId::parse(text).has_value());
  }
}

TEST_CASE("a card UID has 4, 7 or 10 bytes and one way to be written", "[model][ids]") {
  CHECK(CardUid::parse("04AB7815CD6B80")->text() == "04ab7815cd6b80");
  CHECK(CardUid::parse("04ab7815cd6b80")->masked() == "..6b80");
  CHECK(CardUid::parse("deadbeef")->bytes().size() == 4);
  CHECK(CardUid::parse("00112233445566778899")->bytes()[9] == 0x99);
  CHECK(CardUid::parse("04AB7815CD6B80") == CardUid::parse("04ab7815cd6b80"));
  for (const char* text : {"", "04", "04ab78", "04ab7815c", "04ab7815cd6b8", "04ab7815cd6b80aa",
                           "04 ab 78", "04ab781g", "0x04ab78", "001122334455667788990011"}) {
    CAPTURE(text);
    CHECK_FALSE(CardUid::parse(text).has_value());
  }
  const std::vector<std::uint8_t> bytes(11, 0xAA);
  for (std::size_t size = 0; size <= bytes.size(); ++size) {
    const auto uid = CardUid::from_bytes(std::span{bytes}.first(size));
    CHECK(uid.has_value() == (size == 4 || size == 7 || size == 10));
    if (uid) CHECK(CardUid::parse(uid->text()) == uid);
  }
  CHECK(CardUid{}.empty());
  CHECK(CardUid{}.text().empty());
}

TEST_CASE("wall times read back as they were written", "[model][time]") {
  Random random{3};
  for (int i = 0; i < cases; ++i) {
    const WallTime time{
        std::chrono::milliseconds{random.between(-62'167'219'200'000, 253'402'300'799'999)}};
    REQUIRE(parse_iso8601(to_iso8601(time)) == time);
  }
  const WallTime noon = std::chrono::sys_days{std::chrono::year{2026} / 2 / 28} +
                        std::chrono::hours{12} + std::chrono::milliseconds{7};
  CHECK(to_iso8601(noon) == "2026-02-28T12:00:00.007Z");
  CHECK(to_iso8601(WallTime{std::chrono::milliseconds{-1}}) == "1969-12-31T23:59:59.999Z");
  CHECK(parse_iso8601("2026-02-28T12:00:00Z") == noon - std::chrono::milliseconds{7});
  CHECK(parse_iso8601("2024-02-29T00:00:00Z").has_value());
  CHECK(to_iso8601(WallTime::max()) == "9999-12-31T23:59:59.999Z");
  CHECK(to_iso8601(WallTime::min()) == "0000-01-01T00:00:00.000Z");
}

TEST_CASE("what is no wall time is not read as one", "[model][time]") {
  for (const char* text :
       {"", "2026-02-28", "2026-02-28T12:00:00", "2026-02-28 12:00:00Z", "2026-02-29T12:00:00Z",
        "2026-13-01T12:00:00Z", "2026-00-01T12:00:00Z", "2026-01-32T12:00:00Z",
        "2026-01-01T24:00:00Z", "2026-01-01T12:60:00Z", "2026-01-01T12:00:60Z",
        "2026-01-01T12:00:00.5Z", "2026-01-01T12:00:00.1234Z", "2026-01-01T12:00:00+00:00",
        "2026-01-01T12:00:00.12aZ", "-026-01-01T12:00:00Z", "2026-1-01T12:00:00.00Z",
        "2026-01-01T12:00:00,000Z"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_iso8601(text).has_value());
  }
}

TEST_CASE("the dictionary's words read back as what they stand for", "[model][records]") {
  for (const auto status : {PourStatus::open, PourStatus::fresh, PourStatus::sent,
                            PourStatus::confirmed, PourStatus::failed}) {
    CHECK(parse_pour_status(to_text(status)) == status);
  }
  CHECK(to_text(PourStatus::fresh) == "new");
  for (int i = 0; i <= static_cast<int>(StopReason::power_loss); ++i) {
    CHECK(parse_stop_reason(to_text(static_cast<StopReason>(i))) == static_cast<StopReason>(i));
  }
  for (const auto by : {AuthorizedBy::server, AuthorizedBy::cache}) {
    CHECK(parse_authorized_by(to_text(by)) == by);
  }
  for (const auto status : {CardStatus::active, CardStatus::inactive, CardStatus::lost}) {
    CHECK(parse_card_status(to_text(status)) == status);
  }
  for (const auto status :
       {TapStatus::active, TapStatus::locked, TapStatus::cleaning, TapStatus::empty}) {
    CHECK(parse_tap_status(to_text(status)) == status);
  }
  for (const auto status : {KegStatus::full, KegStatus::in_use, KegStatus::empty}) {
    CHECK(parse_keg_status(to_text(status)) == status);
  }
  for (const char* text : {"", "fresh", "New", "new ", "unknown"}) {
    CHECK_FALSE(parse_pour_status(text).has_value());
    CHECK_FALSE(parse_stop_reason(text).has_value());
    CHECK_FALSE(parse_authorized_by(text).has_value());
    CHECK_FALSE(parse_card_status(text).has_value());
    CHECK_FALSE(parse_tap_status(text).has_value());
    CHECK_FALSE(parse_keg_status(text).has_value());
  }
}

TEST_CASE("a whole number is all of its text or none", "[model]") {
  CHECK(whole_number("0") == 0);
  CHECK(whole_number("-12") == -12);
  CHECK(whole_number("9223372036854775807") == largest_integer);
  CHECK(whole_number("-9223372036854775808") == smallest_integer);
  for (const char* text : {"", " ", "1x", "x1", " 1", "1 ", "+1", "1.0", "1e3", "0x10", "-", "--1",
                           "9223372036854775808"}) {
    INFO('"' << text << '"');
    CHECK_FALSE(whole_number(text));
  }
}
