#include "daemon/tapctl_watch.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <string>

#include <fmt/format.h>
#include <unistd.h>

#include "daemon/tapctl_talk.hpp"
#include "drivers/clock.hpp"
#include "drivers/edge_intervals.hpp"
#include "storage/model/ids.hpp"

namespace tapd {
namespace {

using nlohmann::json;
using std::chrono::seconds;

constexpr int between_looks_ms = 200;
constexpr std::int64_t most_seconds = 86'400;

/// Whether so many seconds are over; none given: never.
class Patience {
 public:
  explicit Patience(std::int64_t given) : given_{given}, begun_{drivers::since_boot_now()} {}
  [[nodiscard]] bool is_over() const {
    return given_ > 0 && drivers::since_boot_now() - begun_ >= seconds{given_};
  }

 private:
  std::int64_t given_;
  std::chrono::nanoseconds begun_;
};

std::string words_of(const json& sight) {
  const std::string what = sight.at("what").get<std::string>();
  const std::string card = sight.value("card", "");
  const std::string why = sight.value("why", "");
  if (what == "laid_on") return fmt::format("card {} laid on", card);
  if (what == "taken_away") return fmt::format("card {} taken away", card);
  if (what == "refused") return "not usable: " + why;
  if (what == "reader_failed") return "the reader does not work: " + why;
  return "the reader works again";
}

int watch_cards(const ApiClient& client, const Patience& patience, bool as_json) {
  Watched cards{client};
  const auto first = cards.get("/cards");
  if (!first) return first.error();
  auto newest = first->at("newest").get<std::int64_t>();
  if (!as_json) fmt::print("lay a card on any reader; Ctrl-C ends\n");
  while (!patience.is_over()) {
    std::fflush(stdout);
    wait_ms(between_looks_ms);
    const auto body = cards.get(fmt::format("/cards?after={}", newest));
    if (!body) return body.error();
    for (const json& sight : body->at("cards")) {
      if (as_json) {
        fmt::print("{}\n", sight.dump());
      } else {
        fmt::print("{}  tap {:<3} {}\n", sight.at("at").get<std::string>(),
                   sight.at("tap_id").get<int>(), words_of(sight));
      }
    }
    // A tapd that was started anew counts from one again.
    newest = body->at("newest").get<std::int64_t>();
  }
  return exit_done;
}

std::string step_name(std::size_t step) {
  const auto& bounds = drivers::EdgeIntervals::bounds;
  const auto text = [](std::chrono::microseconds at) {
    return at.count() < 1'000 ? fmt::format("{} us", at.count())
                              : fmt::format("{} ms", at.count() / 1'000);
  };
  if (step < bounds.size()) return "below " + text(bounds.at(step));
  return "longer";
}

void print_histogram(const MeterCounts& counts) {
  constexpr std::int64_t widest = 40;
  const auto& steps = counts.intervals;
  const std::int64_t most = *std::max_element(steps.begin(), steps.end());
  if (most == 0) return;
  fmt::print("between two edges:\n");
  for (std::size_t step = 0; step < steps.size(); ++step) {
    if (steps.at(step) == 0) continue;
    const auto length = static_cast<std::size_t>(1 + steps.at(step) * (widest - 1) / most);
    fmt::print("  {:<12} {:>7} {}\n", step_name(step), steps.at(step), std::string(length, '#'));
  }
}

/// Pulses a second in tenths, and millilitres a second in tenths.
struct Rate {
  std::int64_t hz_tenths{0};
  std::int64_t ml_tenths{0};
};
Rate rate_of(const MeterWhile& seen) {
  if (seen.time.count() <= 0) return {};
  // Two edges are a pulse, ten tenths a whole, a million microseconds a second.
  const std::int64_t tenths = seen.counts.edges * 5'000'000 / seen.time.count();
  return {.hz_tenths = tenths, .ml_tenths = tenths * seen.nanolitres_per_pulse / 1'000'000};
}

json meter_json(const MeterWhile& seen) {
  const MeterVerdict verdict = seen.verdict();
  const Rate rate = rate_of(seen);
  json steps = json::array();
  for (std::size_t step = 0; step < seen.counts.intervals.size(); ++step) {
    steps.push_back({{"interval", step_name(step)}, {"count", seen.counts.intervals.at(step)}});
  }
  return {{"edges", seen.counts.edges},           {"rejected", seen.counts.rejected},
          {"edges_lost", seen.counts.edges_lost}, {"out_of_turn", seen.counts.out_of_turn},
          {"time_us", seen.time.count()},         {"pulses_per_s_tenths", rate.hz_tenths},
          {"ml_per_s_tenths", rate.ml_tenths},    {"intervals", steps},
          {"verdict", to_text(verdict.look)},     {"words", verdict.words}};
}

void print_live(int tap, const MeterWhile& seen) {
  const Rate rate = rate_of(seen);
  fmt::print("\rtap {}: {}.{} pulses/s, {}.{} ml/s\033[K", tap, rate.hz_tenths / 10,
             rate.hz_tenths % 10, rate.ml_tenths / 10, rate.ml_tenths % 10);
  std::fflush(stdout);
}

int watch_meter(const ApiClient& client, int tap, const Patience& patience, bool as_json) {
  Watched meter{client};
  const auto look = [&] { return meter.get(fmt::format("/meter?tap={}", tap)); };
  const auto first = look();
  if (!first) return first.error();
  if (auto why = unheard(*first, tap); !why.empty())
    return refuse(fmt::format("tap {}: {}", tap, why));
  const bool live = !as_json && ::isatty(STDOUT_FILENO) == 1;
  json last = *first;
  bool shut = true;
  while (!patience.is_over()) {
    wait_ms(between_looks_ms);
    auto now = look();
    if (!now) return now.error();
    const auto seen = between(last, *now);
    if (!seen) return refuse(counted_anew);
    shut = shut && seen->valve_shut;
    if (live) print_live(tap, *seen);
    last = *std::move(now);
  }
  MeterWhile whole = between(*first, last).value();
  whole.valve_shut = whole.valve_shut && shut;
  const MeterVerdict verdict = whole.verdict();
  if (as_json) {
    fmt::print("{}\n", meter_json(whole).dump(2));
  } else {
    fmt::print(
        "{}tap {}: {} pulses ({} edges) in {}.{} s, {} edges refused, {} lost, {} out of turn\n",
        live ? "\r\033[K" : "", tap, whole.counts.edges / 2, whole.counts.edges,
        whole.time.count() / 1'000'000, whole.time.count() % 1'000'000 / 100'000,
        whole.counts.rejected, whole.counts.edges_lost, whole.counts.out_of_turn);
    print_histogram(whole.counts);
    fmt::print("verdict: {}: {}\n", to_text(verdict.look), verdict.words);
  }
  return verdict.look == MeterLook::clean ? exit_done : exit_refused;
}

}  // namespace

std::optional<MeterWhile> between(const json& first, const json& second) {
  if (first.value("start", json{}) != second.value("start", json{})) return std::nullopt;
  const auto grown = [&](const char* key) {
    return second.at(key).get<std::int64_t>() - first.at(key).get<std::int64_t>();
  };
  MeterWhile seen;
  seen.counts.edges = grown("edges");
  seen.counts.rejected = grown("rejected");
  seen.counts.edges_lost = grown("edges_lost");
  seen.counts.out_of_turn = grown("out_of_turn");
  for (std::size_t step = 0; step < seen.counts.intervals.size(); ++step) {
    seen.counts.intervals.at(step) = second.at("intervals").at(step).get<std::int64_t>() -
                                     first.at("intervals").at(step).get<std::int64_t>();
  }
  seen.time = std::chrono::microseconds{grown("at_us")};
  seen.valve_shut = !first.at("valve_open").get<bool>() && !second.at("valve_open").get<bool>();
  seen.most_millihertz = second.at("most_millihertz").get<std::int64_t>();
  seen.nanolitres_per_pulse = second.at("nanolitres_per_pulse").get<std::int64_t>();
  return seen;
}

std::string unheard(const json& look, int tap) {
  if (!look.value("unheard", false)) return {};
  return fmt::format(
      "nobody listens to this line since it stormed: see to its cable and screen, "
      "then tapctl clear {}, and look again",
      tap);
}

tl::expected<json, int> look_at_meter(const ApiClient& client, int tap) {
  return body_of(client.get(fmt::format("/meter?tap={}", tap)));
}

WatchCommands::WatchCommands(CLI::App& app)
    : card_{app.add_subcommand("card", "what the readers see: `card watch`")},
      meter_{app.add_subcommand("meter",
                                "what a meter's line gives: rate, intervals, and whether it is "
                                "clean, bounces or is noise")} {
  Values& values = *values_;
  card_->require_subcommand(1);
  CLI::App* watch = card_->add_subcommand("watch", "tells each card that is laid on or taken away");
  watch->add_option("--seconds", values.seconds, "for so long (without it: until Ctrl-C)")
      ->check(CLI::Range(std::int64_t{1}, most_seconds));
  meter_->add_option("tap", values.tap, "its number")
      ->required()
      ->check(CLI::Range(1, model::TapId::largest));
  meter_->add_option("--seconds", values.seconds, "for so long (without it: 10)")
      ->check(CLI::Range(std::int64_t{1}, most_seconds));
}

std::optional<int> WatchCommands::run(const ApiClient& client, bool as_json) const {
  const Values& values = *values_;
  if (card_->parsed()) return watch_cards(client, Patience{values.seconds}, as_json);
  if (!meter_->parsed()) return std::nullopt;
  constexpr std::int64_t usual_seconds = 10;
  const Patience patience{values.seconds > 0 ? values.seconds : usual_seconds};
  return watch_meter(client, values.tap, patience, as_json);
}

}  // namespace tapd
