#include "daemon/tapctl_selftest.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <iostream>
#include <optional>
#include <string>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "daemon/tapctl_interrupt.hpp"
#include "daemon/tapctl_talk.hpp"
#include "daemon/tapctl_watch.hpp"
#include "drivers/clock.hpp"
#include "storage/model/ids.hpp"

namespace tapd {
namespace {

using nlohmann::json;
using std::chrono::seconds;

constexpr int between_looks_ms = 100;
constexpr const char* lock_words = "selftest";

struct Outcome {
  bool good{false};
  std::string words;
};

/// One run of all steps at a tap. What people read goes to stderr when the answer is JSON.
class Selftest {
 public:
  Selftest(const ApiClient& client, int tap, seconds patience, bool as_json)
      : client_{client}, tap_{tap}, patience_{patience}, out_{as_json ? stderr : stdout} {}

  /// Every step, whatever became of those before it; the exit code.
  int run(bool kill) {
    if (const auto look = look_at_meter(client_, tap_); !look) return look.error();
    say("tap {}: the line must be dry (no keg connected); it is closed to guests meanwhile\n",
        tap_);
    const Interruption interruption;
    interruption_ = &interruption;
    close_to_guests();
    forget_cards();
    step("reader: lay any card on it", [this] { return wait_for_card("laid_on"); });
    step("reader: take the card away", [this] { return wait_for_card("taken_away"); });
    step("meter: touch nothing", [this] { return quiet_meter(); });
    step("valve: listen, it opens and shuts", [this] { return valve(); });
    step("meter: the valve is open: blow through the line until told to stop",
         [this] { return turning_meter(); });
    if (kill) {
      step("kill: tapd is killed with the valve open; watch the valve",
           [this] { return killed(); });
      step("kill: tapd comes back by itself", [this] { return comes_back(); });
    }
    if (interruption.wanted()) say("broken off: the valve is shut, the rest was not tried\n");
    end_service();
    open_to_guests();
    if (interruption.wanted()) return exit_refused;
    return failed_ == 0 ? exit_done : exit_refused;
  }
  [[nodiscard]] json results() const { return {{"steps", steps_}, {"failed", failed_}}; }
  [[nodiscard]] std::string sum() const {
    return fmt::format("{} steps, {} failed", steps_.size(), failed_);
  }

 private:
  template<typename... Parts>
  void say(fmt::format_string<Parts...> text, Parts&&... parts) {
    fmt::print(out_, text, std::forward<Parts>(parts)...);
    std::fflush(out_);
  }

  template<typename Do>
  void step(const char* what, Do carry_out) {
    if (interruption_->wanted()) return;
    say("{}. {} ...\n", steps_.size() + 1, what);
    const Outcome outcome = carry_out();
    say("   {}: {}\n", outcome.good ? "pass" : "FAIL", outcome.words);
    if (!outcome.good) ++failed_;
    steps_.push_back({{"what", what}, {"good", outcome.good}, {"words", outcome.words}});
  }

  /// Looks again and again until it is true; false when patience is over.
  template<typename Look>
  [[nodiscard]] bool in_time(seconds limit, Look look) const {
    const auto begun = drivers::since_boot_now();
    while (drivers::since_boot_now() - begun < limit && !interruption_->wanted()) {
      if (look()) return true;
      wait_ms(between_looks_ms);
    }
    return false;
  }

  /// What tapd answers; an empty object when it does not.
  [[nodiscard]] json asked(const std::string& path) const {
    const auto answer = client_.get(path);
    json body = answer ? json::parse(answer->body, nullptr, false) : json{};
    return body.is_object() ? body : json::object();
  }

  /// Only what is laid on from now on counts.
  void forget_cards() { card_seen_ = asked("/cards").value("newest", card_seen_); }

  Outcome wait_for_card(const std::string& what) {
    std::string card;
    const bool seen = in_time(patience_, [&] {
      const json body = asked(fmt::format("/cards?after={}", card_seen_));
      for (const json& sight : body.value("cards", json::array())) {
        if (sight.value("tap_id", 0) != tap_ || sight.value("what", "") != what) continue;
        card = sight.value("card", "");
        card_seen_ = sight.value("number", card_seen_);
      }
      return !card.empty();
    });
    if (seen) return {true, "card " + card};
    return {false, fmt::format("no card was {} within {} s: tapctl doctor looks at the reader, its "
                               "SPI device and its wiring",
                               what == "laid_on" ? "read" : "taken away", patience_.count())};
  }

  Outcome quiet_meter() {
    const auto first = look_at_meter(client_, tap_);
    if (!first) return {false, "tapd does not answer"};
    if (auto why = unheard(*first, tap_); !why.empty()) return {false, std::move(why)};
    constexpr int quiet_ms = 3'000;
    wait_ms(quiet_ms);
    const auto second = look_at_meter(client_, tap_);
    if (!second) return {false, "tapd does not answer"};
    const auto seen = between(*first, *second);
    if (!seen) return {false, counted_anew};
    const std::int64_t all = seen->counts.edges + seen->counts.rejected;
    if (all == 0) return {true, "no edge in 3 s"};
    return {false, fmt::format("{} edges in 3 s: {}", all, seen->verdict().words)};
  }

  Outcome turning_meter() {
    constexpr std::int64_t enough = 100;
    if (!opens()) return {false, "the valve could not be opened for it"};
    const auto first = look_at_meter(client_, tap_);
    if (!first) {
      end_service();
      return {false, "tapd does not answer"};
    }
    std::optional<MeterWhile> look = MeterWhile{};
    const bool turned = in_time(patience_, [&] {
      if (const auto now = look_at_meter(client_, tap_)) look = between(*first, *now);
      return !look || look->counts.edges >= enough;
    });
    say("   stop\n");
    end_service();
    if (!look) return {false, counted_anew};
    const MeterWhile& seen = *look;
    if (!turned) {
      return {false, fmt::format("{} edges within {} s: look at the meter's supply, its line and "
                                 "meter.bias; tapctl meter {} shows more",
                                 seen.counts.edges, patience_.count(), tap_)};
    }
    // A bounce is filtered out, and the valve's own knock looks like one: the count is right.
    const MeterVerdict verdict = seen.verdict();
    return {verdict.look == MeterLook::clean || verdict.look == MeterLook::bounce,
            fmt::format("{} edges, {}", seen.counts.edges, to_text(verdict.look))};
  }

  /// What staff have closed stays as it is. A lock that an earlier run has left is this one's own.
  void close_to_guests() {
    const json seen = asked(fmt::format("/meter?tap={}", tap_));
    const std::string why = seen.value("closed_by_staff", "");
    if (!why.empty() && why != lock_words) return;
    // Not known: opened again by the selftest it might be opened for somebody else's work.
    locked_here_ = seen.contains("closed_by_staff");
    if (!locked_here_ || !done("/lock", json{{"tap", tap_}, {"why", lock_words}})) {
      say("the tap could not be closed to guests: nobody else may use it now\n");
    }
  }
  void open_to_guests() {
    if (locked_here_ && !done("/unlock", json{{"tap", tap_}})) {
      say("the tap is still locked: tapctl unlock {}\n", tap_);
    }
  }
  [[nodiscard]] bool done(const char* path, const json& body) const {
    constexpr int ok = 200;
    const auto answer = client_.post(path, packed(body));
    return answer && answer->status == ok;
  }

  /// The valve for as long as a person is waited for; why not, otherwise.
  [[nodiscard]] std::optional<std::string> open_valve() {
    constexpr int most_ml = 1'000;
    constexpr std::int64_t most_seconds = 60;
    const json asked{{"tap", tap_},
                     {"kind", "valve_test"},
                     {"seconds", std::min<std::int64_t>(patience_.count(), most_seconds)},
                     {"ml", most_ml}};
    const auto answer = client_.post("/service", packed(asked));
    constexpr int ok = 200;
    if (answer && answer->status == ok) return std::nullopt;
    return "tapd does not open it: " + (answer ? answer->body : answer.error());
  }

  /// The step before may have to settle first.
  [[nodiscard]] bool opens() {
    constexpr seconds longest_settling{5};
    return in_time(longest_settling, [this] { return !open_valve(); });
  }
  void end_service() { (void)client_.post("/service/end", json{{"tap", tap_}}.dump()); }

  /// A person's eyes and ears; nobody there is a no.
  [[nodiscard]] bool confirmed(const char* question) {
    say("   {} [y/n] ", question);
    std::string line;
    return std::getline(std::cin, line) && !line.empty() && (line[0] == 'y' || line[0] == 'Y');
  }

  Outcome valve() {
    if (const auto why = open_valve()) return {false, *why};
    const bool opened = confirmed("did the valve open?");
    end_service();
    const bool shut = confirmed("is it shut now?");
    if (opened && shut) return {true, "opened and shut"};
    return {false, "look at the driver's supply, valve.line and valve.active (polarity)"};
  }

  Outcome killed() {
    if (!opens()) return {false, "the valve could not be opened for it"};
    const auto answer = client_.post("/selftest/kill", json{{"tap", tap_}}.dump());
    // A killed tapd sends no answer.
    if (answer) {
      end_service();
      return {false, "tapd was not killed: " + answer->body};
    }
    if (confirmed("did the valve shut at once, by itself?"))
      return {true, "a kill shuts the valve"};
    return {false,
            "a killed tapd leaves the valve open: set dtparam=strict_gpiod, wire a pull-down "
            "at the driver (README, Running a tap)"};
  }

  Outcome comes_back() {
    bool back = false;
    const bool shut = in_time(patience_, [&] {
      const json body = asked(fmt::format("/meter?tap={}", tap_));
      back = back || body.contains("valve_open");
      return !body.value("valve_open", true);
    });
    if (shut) return {true, "it answers, and the valve is shut"};
    if (back) return {false, "it answers, and says that the valve is open"};
    return {false, "it does not answer: systemctl status tapd, journalctl -u tapd -x"};
  }

  const ApiClient& client_;
  int tap_;
  seconds patience_;
  std::FILE* out_;
  std::int64_t card_seen_{0};
  json steps_ = json::array();
  int failed_{0};
  bool locked_here_{false};
  const Interruption* interruption_{nullptr};  ///< While it runs.
};

}  // namespace

SelftestCommand::SelftestCommand(CLI::App& app)
    : selftest_{app.add_subcommand("selftest",
                                   "the installer's check of a tap with a dry line: reader, meter, "
                                   "valve, and a kill of tapd")} {
  constexpr std::int64_t longest = 600;
  selftest_->add_option("tap", values_->tap, "its number")
      ->required()
      ->check(CLI::Range(1, model::TapId::largest));
  selftest_->add_option("--patience", values_->patience, "seconds that a step waits for a person")
      ->capture_default_str()
      ->check(CLI::Range(std::int64_t{1}, longest));
  selftest_->add_flag("--no-kill", values_->no_kill, "leave the kill of tapd out");
}

std::optional<int> SelftestCommand::run(const ApiClient& client, bool as_json) const {
  if (!selftest_->parsed()) return std::nullopt;
  Selftest test{client, values_->tap, seconds{values_->patience}, as_json};
  const int code = test.run(!values_->no_kill);
  if (as_json) {
    fmt::print("{}\n", test.results().dump(2));
  } else {
    fmt::print("{}\n", test.sum());
  }
  return code;
}

}  // namespace tapd
