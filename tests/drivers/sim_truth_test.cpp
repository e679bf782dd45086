#include "drivers/sim/truth.hpp"

#include <sys/wait.h>
#include <unistd.h>
#include <csignal>

#include <atomic>
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <fstream>
#include <thread>

#include "drivers/sim/bar.hpp"
#include "tests/drivers/set_clock.hpp"
#include "tests/support/temp_dir.hpp"

namespace tapd::drivers::sim {
namespace {

using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;

BarPlan bar_with_truth(const std::filesystem::path& file) {
  BarPlan plan;
  plan.taps.resize(2);
  plan.taps[0].keg_ml = 30'000;
  plan.truth_file = file;
  return plan;
}

/// Pours at the first tap, reading the meter every millisecond of virtual time, until it is killed.
[[noreturn]] void pour_for_ever(const std::filesystem::path& file, int started) {
  SetClock clock;
  SimBar bar{bar_with_truth(file), clock};
  const auto valve = bar.valve(0);
  const auto meter = bar.meter(0);
  if (!bar.apply({1, PullHandle{60}}) || !valve->open()) ::_exit(1);
  for (std::int64_t i = 0;; ++i) {
    clock.pass(1ms);
    static_cast<void>(meter->read(clock.read().since_boot));
    if (i % 2000 == 1000 && !valve->shut()) ::_exit(1);
    if (i % 2000 == 1100 && !valve->open()) ::_exit(1);
    if (i == 2000 && ::write(started, "!", 1) != 1) ::_exit(1);
  }
}

/// Runs pour_for_ever in a child, waits until beer has run, and kills it in the midst.
void pour_and_kill(const std::filesystem::path& file, std::chrono::microseconds after) {
  std::array<int, 2> pipe{};
  REQUIRE(::pipe(pipe.data()) == 0);
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) pour_for_ever(file, pipe[1]);
  ::close(pipe[1]);
  char byte{};
  const auto got = ::read(pipe[0], &byte, 1);
  ::close(pipe[0]);
  pause_for(after);  // So that each kill comes at another moment.
  ::kill(child, SIGKILL);
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(got == 1);
  REQUIRE(WIFSIGNALED(status));
}

TEST_CASE("the truth survives SIGKILL and the bar goes on from it", "[sim][truth]") {
  const test::TempDir folder;
  const auto file = folder / "truth";
  std::int64_t passed_ul = 0;
  std::int64_t opens = 0;
  for (int round = 0; round < 10; ++round) {
    CAPTURE(round);
    pour_and_kill(file, round * 173us);
    const std::vector<Truth> truths = read_truth(file);
    REQUIRE(truths.size() == 2);
    const Truth& truth = truths[0];
    CHECK(truth.passed_ul == truth.while_open_ul + truth.after_shut_ul);
    CHECK(truth.passed_ul > passed_ul);
    CHECK(truth.after_shut_ul > 0);
    CHECK(truth.valve_opens > opens);
    CHECK(truth.edges > 0);
    // The keg loses what passes; both are rounded to a microlitre, and once more at each start.
    CHECK(std::abs(truth.passed_ul + truth.keg_ul - 30'000'000) <= 2 * (round + 1));
    CHECK(truths[1] == Truth{.keg_ul = 50'000'000, .gas_left_ul = 150'000});
    passed_ul = truth.passed_ul;
    opens = truth.valve_opens;

    SetClock clock;
    SimBar bar{bar_with_truth(file), clock};
    CHECK(bar.truth(0) == truth);
  }
}

TEST_CASE("a truth file has one writer and any number of readers", "[sim][truth]") {
  const test::TempDir folder;
  const std::vector<Truth> initial(3);
  TruthFile writer{folder / "truth", initial};
  CHECK_THROWS_WITH((TruthFile{folder / "truth", initial}), ContainsSubstring("is in use"));

  std::atomic<bool> stop{false};
  std::jthread writing{[&] {
    for (std::int64_t i = 1; !stop; ++i) {
      writer.write(1, {.passed_ul = 3 * i, .while_open_ul = 2 * i, .after_shut_ul = i});
    }
  }};
  for (int i = 0; i < 2000; ++i) {
    const Truth truth = read_truth(folder / "truth").at(1);
    REQUIRE(truth.passed_ul == truth.while_open_ul + truth.after_shut_ul);
    REQUIRE(truth.while_open_ul == 2 * truth.after_shut_ul);
  }
  stop = true;
}

TEST_CASE("a file that is not a truth file for these taps is refused", "[sim][truth]") {
  const test::TempDir folder;
  const std::vector<Truth> two(2);
  const std::vector<Truth> three(3);

  CHECK_THROWS_AS((TruthFile{folder / "no" / "folder", two}), std::system_error);
  CHECK_THROWS_AS(read_truth(folder / "none"), std::system_error);
  CHECK_FALSE(std::filesystem::exists(folder / "none"));

  {
    const TruthFile file{folder / "truth", two};
  }
  CHECK_THROWS_WITH((TruthFile{folder / "truth", three}),
                    ContainsSubstring("is not a truth file for 3 taps"));

  for (const std::string& content : {std::string{"x"}, std::string(16 + 2 * 120, 'x')}) {
    std::ofstream{folder / "other", std::ios::trunc} << content;
    CHECK_THROWS_WITH((TruthFile{folder / "other", two}), ContainsSubstring("is not a truth file"));
    CHECK_THROWS_WITH(read_truth(folder / "other"), ContainsSubstring("is not a truth file"));
    CHECK(std::filesystem::file_size(folder / "other") == content.size());
  }
}

TEST_CASE("a truth file whose making was cut short is made anew", "[sim][truth]") {
  const test::TempDir folder;
  const std::vector<Truth> initial{{.keg_ul = 7}, {.keg_ul = 8}};
  {
    const TruthFile file{folder / "whole", initial};
  }
  const auto bytes = std::filesystem::file_size(folder / "whole");
  for (const std::uintmax_t size : {std::uintmax_t{0}, bytes}) {
    {
      std::ofstream{folder / "cut"};
    }
    std::filesystem::resize_file(folder / "cut", size);  // Zeros.
    const TruthFile file{folder / "cut", initial};
    CHECK(file.read(0).keg_ul == 7);
    CHECK(read_truth(folder / "cut") == initial);
    std::filesystem::remove(folder / "cut");
  }
}

}  // namespace
}  // namespace tapd::drivers::sim
