#include "tests/demo/bar.hpp"

#include <fmt/format.h>

#include <array>
#include <chrono>
#include <csignal>
#include <fstream>
#include <stdexcept>
#include <utility>

#include "drivers/clock.hpp"
#include "tests/support/deadline.hpp"
#include "tests/support/free_port.hpp"

namespace tapd::demo {
namespace {

using namespace std::chrono_literals;

constexpr auto start_patience = 15s;
/// tapd waits up to eight seconds for a slow disk when it is asked to end.
constexpr auto stop_patience = 12s;
constexpr std::size_t last_words = 12;  ///< Lines of a log in a message.
constexpr int http_ok = 200;

std::string random_token() {
  std::array<std::uint8_t, 16> bytes{};
  drivers::fill_random(bytes.data(), bytes.size());
  std::string token;
  for (const std::uint8_t byte : bytes) token += fmt::format("{:02x}", byte);
  return token;
}

/// The end of a log, for a message.
std::string tail_of(const std::string& log) {
  std::size_t start = log.size();
  for (std::size_t lines = 0; start > 0 && lines <= last_words; ++lines) {
    start = log.rfind('\n', start - 1);
    if (start == std::string::npos) return log;
  }
  return log.substr(start + (start < log.size() ? 1 : 0));
}

[[noreturn]] void fail(const std::string& what, const test::ChildProcess& part) {
  const std::string log = part.output();
  if (log.empty()) throw std::runtime_error{what + "; it wrote nothing"};
  throw std::runtime_error{fmt::format("{}; its last lines:\n{}", what, tail_of(log))};
}

void write_file(const std::filesystem::path& file, const std::string& text) {
  std::ofstream out{file};
  if (!(out << text) || !out.flush()) {
    throw std::runtime_error{fmt::format("{} cannot be written", file.string())};
  }
}

std::string tap_configuration(const CastTap& tap, std::int64_t pulses) {
  return fmt::format(R"(
[[tap]]  # {}
id = {}
driver = "sim"
  [tap.meter]
  pulses_per_litre = {}
  [tap.sim]
  keg_ml = {}
)",
                     tap.beverage, tap.number, pulses, tap.keg_ml);
}

}  // namespace

Bar::Bar(BarOptions options, const Cast& cast)
    : options_{std::move(options)},
      cast_{cast},
      token_{random_token()},
      // Nothing here cuts the power of the machine: what is with the kernel survives every kill.
      cluster_{{.fsync = false, .medium = options_.medium}},
      port_{test::free_port()} {
  std::filesystem::create_directory(folder_ / "state");
  write_file(folder_ / "token", token_ + "\n");
  write_configuration();
}

void Bar::write_configuration() const {
  std::string text = fmt::format(R"([controller]
id = "demo-bar"
state_dir = "{0}/state"
socket = "{0}/tapd.sock"

[server]
url = "http://127.0.0.1:{1}"
token_file = "{0}/token"
snapshot_interval_ms = 500
longest_backoff_ms = 1000

[policy]
largest_pour_ml = 600

[sim]
seed = {2}
truth_file = "{0}/truth"
)",
                                 folder_.path().string(), port_, options_.seed % 1'000'000'000);
  if (cast_.taps.size() != pulses_per_litre.size()) {
    throw std::runtime_error{fmt::format("the seed file has {} taps, but the demo has {} meters",
                                         cast_.taps.size(), pulses_per_litre.size())};
  }
  for (std::size_t tap = 0; tap < cast_.taps.size(); ++tap) {
    text += tap_configuration(cast_.taps[tap], pulses_per_litre.at(tap));
  }
  write_file(folder_ / "tapd.toml", text);
}

test::ChildOptions Bar::logged(const std::string& name, int run) const {
  test::ChildOptions options;
  options.output = test::ChildOutput::file;
  options.output_file = folder_ / fmt::format("{}-{}.log", name, run);
  return options;
}

void Bar::start_server() {
  test::ChildOptions options = logged("central", ++server_starts_);
  options.program = options_.central;
  options.arguments = {"--database",     cluster_.url(),
                       "--seed-file",    options_.seed_file.string(),
                       "--listen",       fmt::format("127.0.0.1:{}", port_),
                       "--test-controls"};
  options.environment = {{"TAPD_CENTRAL_TOKEN", token_}};
  server_.emplace(options);
  if (!server_->wait_for_output("listening on", start_patience)) {
    fail(fmt::format("{} did not start", options_.central.string()), *server_);
  }
  if (!database_) database_.emplace(cluster_.url());
}

void Bar::start_tapd() {
  test::ChildOptions options = logged("tapd", ++tapd_starts_);
  options.program = options_.tapd;
  options.arguments = {"--config", (folder_ / "tapd.toml").string()};
  tapd_.emplace(options);
  const test::Deadline deadline{start_patience};
  while (!ask_status()) {
    if (tapd_->wait(0ms))
      fail(fmt::format("{} ended as it started", options_.tapd.string()), *tapd_);
    if (!deadline.pause(20ms)) {
      fail(fmt::format("{} does not answer on its socket", options_.tapd.string()), *tapd_);
    }
  }
}

void Bar::kill_server() {
  server_->stop(stop_patience, SIGKILL);
  server_.reset();
}

void Bar::kill_tapd() {
  tapd_->stop(stop_patience, SIGKILL);
  tapd_.reset();
}

void Bar::stop_server() {
  server_->stop(stop_patience, SIGTERM);
  server_.reset();
}

void Bar::stop_tapd() {
  const test::ExitStatus ended = tapd_->stop(stop_patience, SIGTERM);
  if (!ended.success()) {
    fail(fmt::format("tapd was asked to end and ended with exit code {}, signal {}", ended.code,
                     ended.signal),
         *tapd_);
  }
  tapd_.reset();
}

void Bar::end_all() {
  tapd_.reset();
  server_.reset();
}

void Bar::check_parts() {
  if (server_ && server_->wait(0ms)) fail("the venue server ended by itself", *server_);
  if (tapd_ && tapd_->wait(0ms)) fail("tapd ended by itself", *tapd_);
}

tl::expected<Status, std::string> Bar::ask_status() const {
  const auto answer = ApiClient{folder_ / "tapd.sock"}.get("/status");
  if (!answer) return tl::unexpected{answer.error()};
  if (answer->status != http_ok) return tl::unexpected{answer->body};
  return parse_status(answer->body);
}

tl::expected<std::vector<PourRecord>, std::string> Bar::ask_pours() const {
  const auto answer = ApiClient{folder_ / "tapd.sock"}.get("/pours?most=1000");
  if (!answer) return tl::unexpected{answer.error()};
  if (answer->status != http_ok) return tl::unexpected{answer->body};
  return parse_pours(answer->body);
}

tl::expected<void, std::string> Bar::simulate(const std::string& command) const {
  const auto answer = ApiClient{folder_ / "tapd.sock"}.post("/sim", command);
  if (!answer) return tl::unexpected{answer.error()};
  if (answer->status != http_ok) return tl::unexpected{answer->body};
  return {};
}

Booked Bar::ask_booked() {
  const central::Rows rows =
      database_->run("SELECT count(*), COALESCE(sum(amount_charged) * 100, 0)::bigint FROM pours");
  return {.pours = rows.integer(0, 0), .cents = rows.integer(0, 1)};
}

std::filesystem::path Bar::keep_folder() {
  write_file(folder_ / "postgresql.log", cluster_.log());
  const std::filesystem::path kept = folder_.path().string() + "-kept";
  // The folder's owner finds nothing to remove any more.
  std::filesystem::rename(folder_.path(), kept);
  return kept;
}

}  // namespace tapd::demo
