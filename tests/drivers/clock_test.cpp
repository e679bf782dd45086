#include "drivers/clock.hpp"

#include <algorithm>
#include <array>
#include <catch2/catch_test_macros.hpp>
#include <chrono>

namespace tapd::drivers {
namespace {

using namespace std::chrono_literals;

TEST_CASE("time since boot never goes backwards", "[clock]") {
  auto last = since_boot_now();
  for (int i = 0; i < 1000; ++i) {
    const auto now = since_boot_now();
    REQUIRE(now >= last);
    last = now;
  }
}

TEST_CASE("a reading holds both clocks and trusts wall time when it is told to", "[clock]") {
  const auto before = since_boot_now();
  const ClockReading reading = SystemClock{WallTrust::always}.read();
  CHECK(reading.since_boot >= before);
  CHECK(reading.since_boot <= since_boot_now());
  CHECK(reading.wall_trusted);
  // Later than the day this line was written: the epoch and the unit are right.
  CHECK(reading.wall > std::chrono::sys_days{std::chrono::year{2024} / 1 / 1});
}

TEST_CASE("a monotonic stamp taken now lies at the time since boot of now", "[clock]") {
  timespec time{};
  REQUIRE(::clock_gettime(CLOCK_MONOTONIC, &time) == 0);
  const auto before = since_boot_now();
  const auto stamp = std::chrono::seconds{time.tv_sec} + std::chrono::nanoseconds{time.tv_nsec};
  const auto converted = since_boot_from_monotonic(stamp);
  CHECK(converted <= before + 1ms);
  CHECK(converted >= before - 5s);
  CHECK(since_boot_from_monotonic(stamp + 7ms) >= converted + 6ms);
}

TEST_CASE("a pause lasts at least as long as asked, and nothing for nothing", "[clock]") {
  const auto begin = since_boot_now();
  pause_for(2ms);
  CHECK(since_boot_now() - begin >= 2ms);
  pause_for(0ms);
  pause_for(-1h);
  const Pacing pacing = system_pacing();
  const auto there = pacing.now();
  pacing.wait(1ms);
  CHECK(pacing.now() - there >= 1ms);
}

TEST_CASE("the boot id is a UUID and stays the same within a boot", "[clock]") {
  const std::string id = boot_id();
  CHECK(id.size() == 36);
  CHECK(std::count(id.begin(), id.end(), '-') == 4);
  CHECK(id == boot_id());
}

TEST_CASE("systemd's form of a boot id becomes the kernel's, and nothing else does", "[clock]") {
  CHECK(dashed_boot_id("36f5047c2fb743ce8aa77830463a13ac") ==
        "36f5047c-2fb7-43ce-8aa7-7830463a13ac");
  for (const char* wrong : {"", "36f5047c", "36f5047c-2fb7-43ce-8aa7-7830463a13ac",
                            "36F5047C2FB743CE8AA77830463A13AC", "%b"}) {
    INFO(wrong);
    CHECK_FALSE(dashed_boot_id(wrong));
  }
}

TEST_CASE("random bytes differ from call to call, and none is a valid wish", "[clock]") {
  std::array<unsigned char, 32> first{};
  std::array<unsigned char, 32> second{};
  fill_random(first.data(), first.size());
  fill_random(second.data(), second.size());
  CHECK(first != second);
  const auto copy = second;
  fill_random(second.data(), 0);
  CHECK(second == copy);
}

}  // namespace
}  // namespace tapd::drivers
