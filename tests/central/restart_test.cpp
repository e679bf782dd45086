#include <atomic>
#include <catch2/catch_test_macros.hpp>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "tests/central/bar_fixture.hpp"
#include "tests/support/child_process.hpp"
#include "tests/support/deadline.hpp"
#include "tests/support/free_port.hpp"

using namespace tapd::central;
using namespace tapd::test;
using namespace std::chrono_literals;
using nlohmann::json;

namespace {

/// The server as a process of its own, so that it can be killed.
class Program {
 public:
  Program(std::string database_url, int port) : url_{std::move(database_url)}, port_{port} {
    start();
  }

  void start() {
    child_.emplace(
        ChildOptions{.program = TAPD_CENTRAL_PROGRAM,
                     .arguments = {"--listen", "127.0.0.1:" + std::to_string(port_), "--database",
                                   url_, "--seed-file", bar_file(), "--test-controls"},
                     .environment = {{"TAPD_CENTRAL_TOKEN", token}}});
    INFO(child_->output());
    REQUIRE(child_->wait_for_output("listening on", 10s));
  }

  void kill() { child_->stop(5s, SIGKILL); }
  ExitStatus stop() { return child_->stop(10s); }

 private:
  std::string url_;
  int port_;
  std::optional<ChildProcess> child_;
};

struct Counts {
  int charged{0};
  int repeats{0};
  std::atomic<int> unanswered{0};
};

/// Sends a batch until it is answered, as a controller does, and counts what came back.
void send_until_answered(Client& client, const std::vector<json>& batch, Counts& counts) {
  const Deadline deadline{20s};
  for (;;) {
    const Answer answer = client.post("/api/sync/pours", json{{"pours", batch}});
    if (answer.status == 200) {
      for (const auto& result : answer.body["results"]) {
        counts.charged += verdict(result) == "accepted/charged" ? 1 : 0;
        counts.repeats += verdict(result) == "accepted/duplicate_existing" ? 1 : 0;
      }
      return;
    }
    ++counts.unanswered;
    if (!deadline.pause(10ms)) FAIL("the server does not come back: " << answer.text);
  }
}

}  // namespace

TEST_CASE("a server killed in the middle of batches loses and doubles nothing", "[restart]") {
  constexpr int kills = 5;
  constexpr int rows_per_batch = 10;
  const std::string url = new_schema_url();
  const int port = free_port();
  Program server{url, port};

  Counts counts;
  std::int64_t expected_cents = 0;
  int batches = 0;
  std::jthread controller{[&](const std::stop_token& enough) {
    Client client{port};
    std::mt19937 random{2026};
    for (; !enough.stop_requested(); ++batches) {
      std::vector<json> batch;
      for (int i = 0; i < rows_per_batch; ++i) {
        batch.push_back(pour_row(std::to_string(batches) + "-" + std::to_string(i), evas_card,
                                 ipa_tap, static_cast<std::int64_t>(1 + random() % 300),
                                 ipa_price));
        expected_cents += batch.back()["price_cents"].get<std::int64_t>();
      }
      send_until_answered(client, batch, counts);
    }
  }};
  Connection database{url};
  for (int restart = 1; restart <= kills; ++restart) {
    // Kill by progress, not by time, and in the middle of a batch.
    const Deadline deadline{20s};
    const auto booked = [&] { return database.run("SELECT count(*) FROM pours").integer(0, 0); };
    while (booked() < restart * 90 + 5 && deadline.pause(1ms)) {
    }
    const int unanswered = counts.unanswered;
    server.kill();
    while (counts.unanswered == unanswered && deadline.pause(1ms)) {
    }
    CHECK(counts.unanswered > unanswered);
    server.start();
  }
  controller.request_stop();
  controller.join();

  INFO(counts.charged << " charged, " << counts.repeats << " repeats, " << counts.unanswered
                      << " unanswered, " << batches << " batches");
  // Whether a kill fell between a commit and its answer is luck; the misbehaviour test has it.
  CHECK(counts.charged + counts.repeats == batches * rows_per_batch);
  const json totals = Client{port}.get("/test/totals").body;
  CHECK(totals["pours"] == batches * rows_per_batch);
  CHECK(totals["charged_cents"] == expected_cents);
  CHECK(totals["guests"][4]["balance_cents"] == 10000 - expected_cents);
  CHECK(server.stop().success());
}

TEST_CASE("the program ends cleanly on SIGTERM and removes what it threw up", "[restart]") {
  ChildProcess program{{.program = TAPD_CENTRAL_PROGRAM,
                        .arguments = {"--throw-away", "--token", token, "--verbose"}}};
  REQUIRE(program.wait_for_output("listening on http://127.0.0.1:", 20s));
  const std::string output = program.output();
  Client client{std::stoi(output.substr(output.rfind(':') + 1))};
  CHECK(client.get("/api/system/status").status == 200);
  CHECK(program.stop(10s) == ExitStatus{});
  CHECK(program.output().find("GET /api/system/status 200") != std::string::npos);
}

TEST_CASE("the program refuses a command line that makes no sense", "[restart]") {
  const auto run = [](std::vector<std::string> arguments) {
    return run_child({.program = TAPD_CENTRAL_PROGRAM, .arguments = std::move(arguments)}, 10s);
  };
  CHECK_FALSE(run({}).status.success());
  CHECK_FALSE(run({"--token", "t"}).status.success());
  CHECK_FALSE(run({"--token", "t", "--database", "x", "--listen", "nowhere"}).status.success());
  CHECK_FALSE(run({"--token", "t", "--database", "x", "--throw-away"}).status.success());
  const auto away = run({"--token", "t", "--database", "postgresql://127.0.0.1:1/x"});
  CHECK(away.status.code == 1);
  CHECK(away.output.find("tapd-central: PostgreSQL:") != std::string::npos);
}
