// The local API of a small bar, for whoever asks it something: a test or the fuzzer.
#pragma once

#include <filesystem>
#include <stdexcept>
#include <string>
#include <thread>

#include <poll.h>

#include "controller_fixture.hpp"
#include "daemon/api.hpp"
#include "daemon/control_talk.hpp"

namespace tapd::test {

/// One tap with its ledger and threads, as in the daemon; only its drivers are a test's.
class ApiBar {
 public:
  explicit ApiBar(const std::filesystem::path& ledger)
      : ledger_{{.file = ledger, .vfs = {}, .boot = boot_}},
        storage_{ledger_, boot_,
                 [this](StorageAnswer answer) { tell(ControlMessage{std::move(answer)}); }},
        controller_{{.authorize = AuthorizeMode::cached, .policy = {}, .boot = boot_},
                    {TapSetup{.id = model::TapId{1},
                              .rules = {},
                              .calibration = one_ml_per_edge,
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
  /// Asked until it is answered: a slow machine breaks no promise.
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
    if (!inbox_.put(std::move(message))) throw std::runtime_error{"the inbox is full"};
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
  storage::Ledger ledger_;
  ControlInbox inbox_;
  StorageThread storage_;
  StorageDesk desk_{storage_};
  TestMeter meter_;
  TestValve valve_;
  KeptJournal journal_;
  CardLog cards_;
  std::uint8_t minted_{0};
  Controller controller_;
  Api api_;
  std::jthread control_;  // last: everything it uses is made before it and outlives it
};

}  // namespace tapd::test
