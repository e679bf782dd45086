#include <fstream>
#include <sstream>

#include <fmt/format.h>
#include <unistd.h>

#include "drivers/clock.hpp"
#include "pour_bench.hpp"
#include "tests/support/child_process.hpp"
#include "tests/support/temp_dir.hpp"

namespace tapd::bench {
namespace {

/// Processor time so far, in seconds (proc(5), fields 14 and 15 of stat).
double processor_seconds(pid_t pid) {
  std::ifstream in{fmt::format("/proc/{}/stat", pid)};
  std::string text;
  std::getline(in, text);
  std::istringstream fields{text.substr(text.rfind(')') + 1)};
  std::string skipped;
  for (int field = 3; field < 14; ++field) fields >> skipped;
  double user = 0;
  double system = 0;
  fields >> user >> system;
  return (user + system) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

double resident_mib(pid_t pid) {
  std::ifstream in{fmt::format("/proc/{}/status", pid)};
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("VmRSS:")) return std::stod(line.substr(6)) / 1024;
  }
  return 0;
}

std::string config(const test::TempDir& folder) {
  std::string text =
      fmt::format("[controller]\nid = \"bench\"\nstate_dir = \"{0}\"\nsocket = \"{0}/tapd.sock\"\n",
                  folder.path().string());
  for (int tap = 1; tap <= 4; ++tap) {
    text += fmt::format(
        "[[tap]]\nid = {}\ndriver = \"sim\"\nmeter = {{ pulses_per_litre = 5600 }}\n", tap);
  }
  return text;
}

}  // namespace

void bench_footprint(const PourBenchOptions& options, const Report& report) {
  report.section("What tapd costs the machine when nobody pours");
  const test::TempDir folder;
  std::ofstream{folder / "tapd.toml"} << config(folder);
  test::ChildOptions child;
  child.program = options.tapd;
  child.arguments = {"--config", (folder / "tapd.toml").string()};
  test::ChildProcess tapd{child};
  if (!tapd.wait_for_output("ready:", std::chrono::seconds{10})) {
    throw std::runtime_error{"tapd did not become ready:\n" + tapd.output()};
  }
  Report::progress(fmt::format("tapd idles for {} s ...", options.idle.count()));
  const double before = processor_seconds(tapd.pid());
  const auto began = drivers::since_boot_now();
  drivers::pause_for(options.idle);
  const double used = processor_seconds(tapd.pid()) - before;
  const double passed = static_cast<double>((drivers::since_boot_now() - began).count()) / 1e9;
  report.add({"resident memory", resident_mib(tapd.pid()), "MiB", "4 simulated taps, idle"});
  report.add({"idle processor time", 100 * used / passed, "% of a core",
              fmt::format("4 simulated taps, {:.0f} s", passed)});
  tapd.stop(std::chrono::seconds{10});
}

}  // namespace tapd::bench
