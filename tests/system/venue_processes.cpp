#include "venue_processes.hpp"

#include <csignal>
#include <fstream>

#include <fmt/format.h>
#include <httplib.h>
#include <catch2/catch_test_macros.hpp>

#include "tests/support/deadline.hpp"
#include "tests/support/free_port.hpp"

namespace tapd::test {

using namespace std::chrono_literals;
using nlohmann::json;

namespace {

constexpr const char* token = "a-token-for-tests";
/// Long enough for a machine with other work; nothing is measured with it.
constexpr std::chrono::seconds patience{30};

}  // namespace

VenueProcesses::VenueProcesses(VenuePlan plan)
    : plan_{std::move(plan)}, port_{free_port()}, api_{folder_ / "tapd.sock"} {
  if (plan_.with_server) {
    cluster_ = std::make_unique<PostgresCluster>(
        // What tapd does is tested: no test waits for the server's disk.
        PostgresOptions{.fsync = false, .medium = Medium::memory});
    start_server();
  }
  write_config();
}

void VenueProcesses::write_config() {
  const std::string folder = folder_.path().string();
  std::ofstream{folder_ / "token"} << token << "\n";
  std::string text = fmt::format(
      "[controller]\nid = \"bar-1\"\nstate_dir = \"{3}\"\nsocket = \"{0}/tapd.sock\"\n"
      "log_level = \"debug\"\n"
      "[server]\nurl = \"{1}\"\ntoken_file = \"{0}/token\"\nsnapshot_interval_ms = {4}\n"
      "longest_backoff_ms = 1000\n{2}\n[sim]\ntruth_file = \"{0}/truth\"\n",
      folder,
      plan_.server_url.empty() ? fmt::format("http://127.0.0.1:{}", port_) : plan_.server_url,
      plan_.server_extra, plan_.state_dir.empty() ? folder : plan_.state_dir,
      plan_.snapshot_interval.count());
  for (int tap = 1; tap <= 4; ++tap) {
    text += fmt::format(
        "[[tap]]\nid = {}\ndriver = \"sim\"\nmeter = {{ pulses_per_litre = {} }}\n"
        "sim = {{ rate_ml_per_s = 200 }}\n{}\n",
        tap, tap % 2 == 0 ? 450 : 5600, plan_.tap_extra);
  }
  std::ofstream{folder_ / "tapd.toml"} << text;
}

void VenueProcesses::start_server() {
  ChildOptions options;
  options.program = TAPD_CENTRAL_PROGRAM;
  options.arguments = {"--listen",        fmt::format("127.0.0.1:{}", port_),
                       "--database",      cluster_->url(),
                       "--token",         token,
                       "--seed-file",     TAPD_CENTRAL_BAR_FILE,
                       "--test-controls", "--verbose"};
  if (plan_.strict) options.arguments.emplace_back("--bts");
  server_.emplace(options);
  if (!server_->wait_for_output("listening on", patience)) {
    FAIL("the venue server did not start:\n" << server_->output());
  }
}

void VenueProcesses::kill_server() {
  server_->stop(patience, SIGKILL);
}

void VenueProcesses::start_tapd() {
  ChildOptions options;
  options.program = TAPD_PROGRAM;
  options.arguments = {"--config", (folder_ / "tapd.toml").string()};
  options.environment = plan_.tapd_environment;
  tapd_.emplace(options);
  if (!tapd_->wait_for_output("ready:", patience)) {
    FAIL("tapd did not start:\n" << tapd_->output());
  }
}

void VenueProcesses::kill_tapd() {
  tapd_->stop(patience, SIGKILL);
}

ExitStatus VenueProcesses::stop_tapd() {
  return tapd_->stop(patience);
}

void VenueProcesses::sim(const std::string& command) {
  const auto answer = api_.post("/sim", command);
  INFO(command);
  REQUIRE(answer.has_value());
  INFO(answer->body);
  REQUIRE(answer->status == 200);
}

json VenueProcesses::get(const std::string& path) {
  auto answer = api_.get(path);
  // While the disk is slow it may say "ask again in a moment", and so one asks again.
  constexpr int unavailable = 503;
  const Deadline deadline{patience};
  while (answer && answer->status == unavailable && deadline.pause(50ms)) answer = api_.get(path);
  if (!answer) FAIL(path << ": " << answer.error() << "\n" << tapd_->output());
  INFO(answer->body);
  REQUIRE(answer->status == 200);
  return json::parse(answer->body);
}

json VenueProcesses::status() {
  return get("/status");
}
json VenueProcesses::tap(int number) {
  return status().at("taps").at(static_cast<std::size_t>(number - 1));
}
json VenueProcesses::pours() {
  return get("/pours?most=1000").at("pours");
}

bool VenueProcesses::eventually(const std::function<bool()>& true_at_last,
                                std::chrono::milliseconds limit) {
  const Deadline deadline{limit};
  while (!true_at_last()) {
    if (!deadline.pause(5ms)) return false;
  }
  return true;
}

void VenueProcesses::wait_for_state(int number, const std::string& state) {
  std::string last;
  const bool reached = eventually(
      [&] {
        last = tap(number).at("state").get<std::string>();
        return last == state;
      },
      patience);
  if (!reached)
    FAIL("tap " << number << " is " << last << ", not " << state << "\n" << tapd_->output());
}

void VenueProcesses::wait_until_online() {
  if (!tapd_->wait_for_output(plan_.strict ? "no snapshot" : "taken over", patience)) {
    FAIL("no snapshot was taken over, or missed:\n" << tapd_->output());
  }
}

void VenueProcesses::wait_until_confirmed() {
  const bool done = eventually(
      [&] {
        const json queue = status().at("queue");
        return queue.at("waiting") == 0 && queue.at("open") == 0;
      },
      patience);
  if (!done) FAIL("the queue did not drain:\n" << tapd_->output());
}

void VenueProcesses::pour(int number, const std::string& card, std::int64_t at_least_ml) {
  sim(fmt::format("card {} {}", number, card));
  const bool flowed = eventually(
      [&] { return tap(number).value("volume_ml", std::int64_t{0}) >= at_least_ml; }, patience);
  if (!flowed) FAIL("nothing flowed at tap " << number << ":\n" << tapd_->output());
  sim(fmt::format("card {} none", number));
  wait_for_state(number, "idle");
}

int VenueProcesses::times_asked(const std::string& path) const {
  const std::string log = server_->output();
  int times = 0;
  for (auto at = log.find(path + ' '); at != std::string::npos; at = log.find(path + ' ', at + 1)) {
    ++times;
  }
  return times;
}

std::int64_t VenueProcesses::number_from_server(const char* sql) {
  central::Connection connection{cluster_->url()};
  return connection.run(sql).integer(0, 0);
}

void VenueProcesses::post_to_server(const std::string& path, const std::string& body) {
  httplib::Client client{"127.0.0.1", port_};
  const auto answer = client.Post(path, {{"X-Internal-Token", token}}, body, "application/json");
  REQUIRE(answer);
  INFO(answer->body);
  REQUIRE(answer->status == 200);
}

Books VenueProcesses::books() {
  Books books;
  for (const json& pour : pours()) {
    ++books.pours_here;
    books.charged_here += pour.at("price_cents").get<std::int64_t>();
  }
  books.pours_at_server = number_from_server("SELECT count(*) FROM pours");
  books.distinct_at_server = number_from_server("SELECT count(DISTINCT client_tx_id) FROM pours");
  books.charged_at_server =
      number_from_server("SELECT coalesce(round(sum(amount_charged) * 100), 0)::bigint FROM pours");
  books.volume_at_server_ml =
      number_from_server("SELECT coalesce(sum(volume_ml), 0)::bigint FROM pours");
  return books;
}

std::vector<drivers::sim::Truth> VenueProcesses::truth() const {
  return drivers::sim::read_truth(folder_ / "truth");
}

}  // namespace tapd::test
