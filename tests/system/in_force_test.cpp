// What is shut after tapd was killed: what it held, not what the file says by then.
#include <csignal>
#include <fstream>

#include <fmt/format.h>
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "tests/support/child_process.hpp"
#include "tests/support/temp_dir.hpp"

namespace tapd::test {

using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;

TEST_CASE("after a kill the valves that were held are shut, though the file is not good any more",
          "[system]") {
  const TempDir folder{Medium::memory};
  const auto file = folder / "tapd.toml";
  const auto run = folder / "run";
  std::filesystem::create_directory(run);
  const auto write = [&](const char* pulses) {
    std::ofstream{file} << fmt::format(
        "[controller]\nid = \"bar-1\"\nstate_dir = \"{0}\"\nsocket = \"{0}/tapd.sock\"\n"
        "[[tap]]\nid = 7\ndriver = \"sim\"\nmeter = {{ pulses_per_litre = {1} }}\n",
        folder.path().string(), pulses);
  };
  const auto options = [&](std::vector<std::string> words) {
    words.insert(words.end(), {"--config", file.string()});
    return ChildOptions{.program = TAPD_PROGRAM,
                        .arguments = std::move(words),
                        .environment = {{"RUNTIME_DIRECTORY", run.string()}}};
  };
  write("5600");
  ChildProcess tapd{options({})};
  REQUIRE(tapd.wait_for_output("ready:", 30s));
  tapd.stop(30s, SIGKILL);
  write("\"many\"");
  const FinishedChild end = run_child(options({"--shut-valves"}), 30s);
  CHECK(end.status.success());
  CHECK_THAT(end.output, ContainsSubstring("the configuration is not good") &&
                             ContainsSubstring("tap 7: simulated, there is no valve to shut"));
  // What this version would refuse was good to the one that an upgrade has replaced.
  std::ofstream{run / "tapd.toml", std::ios::app} << "\n[of_an_older_tapd]\nkey = 1\n";
  CHECK_THAT(run_child(options({"--shut-valves"}), 30s).output,
             ContainsSubstring("tap 7: simulated, there is no valve to shut"));
  std::filesystem::remove_all(run);
  CHECK(run_child(options({"--shut-valves"}), 30s).status.code == 78);
}

}  // namespace tapd::test
