// Any bytes as requests to the local API of a small bar: a line "METHOD /path?name=value", the body
// up to a zero byte, then the next request. Every answer is JSON, a refusal says why, no request is
// answered with an internal error, and after "end, please" the valve is shut.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <thread>

#include <poll.h>
#include <nlohmann/json.hpp>

#include "daemon/api.hpp"
#include "daemon/control_talk.hpp"
#include "tests/daemon/controller_fixture.hpp"
#include "tests/fuzz/promise.hpp"
#include "tests/support/temp_dir.hpp"

namespace tapd::fuzz {
namespace {

/// One tap with its ledger and threads, as in the daemon; only its drivers are a test's.
class Bar {
 public:
  Bar()
      : storage_{ledger_, boot_,
                 [this](StorageAnswer answer) { tell(ControlMessage{std::move(answer)}); }},
        controller_{{.authorize = AuthorizeMode::cached, .policy = {}, .boot = boot_},
                    {TapSetup{.id = model::TapId{1},
                              .rules = {},
                              .calibration = test::one_ml_per_edge,
                              .known_close_time = {},
                              .own_price = model::LitrePrice{1'000},
                              .meter = &meter_,
                              .valve = &valve_,
                              .indicator = nullptr,
                              .last_look = [] { return now().since_boot; }}},
                    {.storage = [this](StorageRequest asked) { storage_.post(std::move(asked)); },
                     .ask_server = [](const sync::AuthorizeAsk&) {},
                     .pours_waiting = [] {},
                     .random_id = [this] { return std::array<std::uint8_t, 16>{++minted_}; },
                     .journal = &journal_}},
        api_{ports()},
        control_{[this](const std::stop_token& stop) { work(stop); }} {}

  [[nodiscard]] ApiResponse ask(const ApiRequest& request) const { return api_(request); }
  /// Asked until it is answered: a slow machine breaks no promise, and a thread that hangs is
  /// libFuzzer's to find.
  [[nodiscard]] bool valve_open() {
    for (;;) {
      const auto open = tapd::ask<bool>(
          inbox_, [](const Controller& controller) { return controller.session(0).valve_open(); });
      if (open) return *open;
    }
  }

 private:
  static model::Moment now() {
    return {.since_boot = std::chrono::seconds{100}, .wall = {}, .wall_trusted = true};
  }

  ApiPorts ports() {
    ApiPorts ports;
    ports.control = &inbox_;
    ports.storage = &desk_;
    ports.books = {.storage = &desk_, .keeper = nullptr, .policy = {}, .boot = boot_, .now = now};
    ports.pours = {.storage = &desk_,
                   .now = now,
                   .pours_waiting = [] {},
                   .given_up = [](const model::CardUid&, model::TapId) {}};
    ports.staff = {.control = &inbox_, .storage = &desk_, .now = now, .die = [] {}};
    ports.explain = {.control = &inbox_,
                     .storage = &desk_,
                     .policy = {},
                     .boot = boot_,
                     .now = now,
                     .taps = {{model::TapId{1}, std::nullopt}}};
    ports.watch = {.control = &inbox_, .cards = &cards_};
    ports.simulate = [](const std::string&) -> tl::expected<void, std::string> {
      return tl::unexpected<std::string>{"nothing is simulated here"};
    };
    ports.board = [] { return BoardHealth{}; };
    ports.metrics = []() -> tl::expected<std::string, std::string> { return "tapd_up 1\n"; };
    return ports;
  }

  void tell(ControlMessage message) {
    promise(inbox_.put(std::move(message)), "the control thread's inbox is full");
  }

  void work(const std::stop_token& stop) {
    const std::stop_callback wake{stop, [this] { inbox_.wake(); }};
    controller_.start(now());
    while (!stop.stop_requested()) {
      pollfd ready{.fd = inbox_.descriptor(), .events = POLLIN, .revents = 0};
      ::poll(&ready, 1, -1);
      for (const ControlMessage& message : inbox_.take()) {
        if (const auto* asked = std::get_if<Order>(&message)) (*asked)(controller_, now());
        if (const auto* answer = std::get_if<StorageAnswer>(&message)) {
          controller_.on_storage(*answer, now());
        }
      }
      journal_.lines.clear();
    }
  }

  const model::BootId boot_{"boot"};
  const test::TempDir folder_;
  storage::Ledger ledger_{{.file = folder_ / "tapd.db", .vfs = {}, .boot = boot_}};
  ControlInbox inbox_;
  StorageThread storage_;
  StorageDesk desk_{storage_};
  test::TestMeter meter_;
  test::TestValve valve_;
  test::KeptJournal journal_;
  CardLog cards_;
  std::uint8_t minted_{0};
  Controller controller_;
  Api api_;
  std::jthread control_;  // last: everything it uses is made before it and outlives it
};

/// What stands before the first `mark`, which is taken away with it.
std::string_view take_until(std::string_view& text, char mark) {
  const std::size_t end = std::min(text.find(mark), text.size());
  const std::string_view taken = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return taken;
}

ApiRequest to_request(std::string_view text) {
  ApiRequest request;
  std::string_view first = take_until(text, '\n');
  request.method = take_until(first, ' ');
  request.path = take_until(first, '?');
  while (!first.empty()) {
    std::string_view pair = take_until(first, '&');
    const std::string key{take_until(pair, '=')};
    request.query[key] = pair;
  }
  request.body = text;
  request.user = "anna";
  return request;
}

/// A backup writes where it is told to: not in a search.
bool is_played(const ApiRequest& request) {
  return request.path != "/backup";
}

void check(const ApiRequest& request, const ApiResponse& response) {
  const std::string what = request.method + " " + request.path;
  promise(response.status >= 200 && response.status < 600 && response.status != 500,
          what + " is answered with " + std::to_string(response.status) + ": " + response.body);
  if (response.content_type != "application/json") return;
  const nlohmann::json body = nlohmann::json::parse(response.body, nullptr, false);
  promise(!body.is_discarded(), what + " is answered with what is no JSON: " + response.body);
  if (response.status == 200) return;
  promise(body.contains("error") && body["error"].is_string() && body["error"] != "",
          what + " is refused without a reason: " + response.body);
}

}  // namespace
}  // namespace tapd::fuzz

// The name that libFuzzer calls.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tapd::fuzz;
  static Bar bar;
  constexpr int most_requests = 8;
  const std::string bytes(data, data + size);
  std::string_view text = bytes;
  for (int i = 0; i < most_requests && !text.empty(); ++i) {
    const tapd::ApiRequest request = to_request(take_until(text, '\0'));
    if (is_played(request)) check(request, bar.ask(request));
  }
  check({}, bar.ask({.method = "POST",
                     .path = "/service/end",
                     .query = {},
                     .body = R"({"tap": 1})",
                     .user = "anna"}));
  promise(!bar.valve_open(), "the valve is open after staff have ended their service");
  return 0;
}
