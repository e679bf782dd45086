// tapd-crash: cuts the power under the ledger and shows what came of it.
#include <cstdio>
#include <thread>

#include <fmt/format.h>
#include <unistd.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "campaign.hpp"

namespace {

using namespace tapd::crash;

void show_progress(const std::string& row, std::uint64_t done, std::uint64_t all) {
  if (::isatty(STDERR_FILENO) != 1) return;
  constexpr std::uint64_t width = 30;
  const std::uint64_t full = done * width / all;
  fmt::print(stderr, "\r\033[K  [{:<{}}] {}", std::string(full, '='), width, row);
  if (done == all) fmt::print(stderr, "\r\033[K");
  std::fflush(stderr);
}

const char* verdict(const Row& row) {
  switch (row.expected) {
    case Expected::nothing:
    case Expected::lies:
      return row.good() ? "ok" : "FAILED";
    case Expected::caught:
    case Expected::spoilt:
      return row.good() ? "caught" : "SURVIVED";
  }
  return "?";
}

void print_head() {
  fmt::print("{:<46} {:>9} {:>11} {:>6} {:>6} {:>6} {:>6} {:>6} {:>6} {:>6} {:>6}\n", "", "cuts",
             "acked pours", "lost", "behind", "double", "money", "other", "told", "later",
             "rolled");
}

void print_row(const Row& row) {
  const Tally& t = row.tally;
  fmt::print("{:<46} {:>9} {:>11} {:>6} {:>6} {:>6} {:>6} {:>6} {:>6} {:>6} {:>6}  {}\n", row.name,
             t.cuts, t.acknowledged, t.lost, t.behind, t.doubled, t.balance, t.wrong, t.told,
             t.told_later, t.rolled_back, verdict(row));
  if (!row.good()) fmt::print("    {}\n", t.first.empty() ? t.first_damage : t.first);
}

void print_json(const Row& row, std::uint64_t seed) {
  const Tally& t = row.tally;
  fmt::print("{}\n", nlohmann::json{{"name", row.name},
                                    {"seed", seed},
                                    {"cuts", t.cuts},
                                    {"acknowledged_pours", t.acknowledged},
                                    {"lost", t.lost},
                                    {"behind", t.behind},
                                    {"doubled", t.doubled},
                                    {"wrong_balance", t.balance},
                                    {"other", t.wrong},
                                    {"damage_told", t.told},
                                    {"damage_told_later", t.told_later},
                                    {"rolled_back", t.rolled_back},
                                    {"verdict", verdict(row)},
                                    {"first", t.first},
                                    {"first_damage", t.first_damage}}
                         .dump());
}

int run(int argc, char** argv) {
  CLI::App app{
      "tapd-crash cuts the power under the real ledger: at every disk operation of a reference "
      "scenario and of its recovery, then at random; lets every operation fail; and runs the "
      "settings that are known to be bad, which must be caught."};
  CampaignOptions options;
  options.threads = std::max(1U, std::thread::hardware_concurrency());
  bool as_json = false;
  bool random_only = false;
  app.add_option("--cuts", options.cuts, "random power cuts")->capture_default_str();
  app.add_option("--seed", options.seed, "replays a run")->capture_default_str();
  app.add_option("--evening", options.only_evening, "of the random evenings, this one only");
  app.add_option("--sample", options.sample,
                 "of recoveries, failures and known faults, each so-manieth operation only")
      ->check(CLI::Range(1, 1000));
  app.add_option("--threads", options.threads)->check(CLI::Range(1, 256));
  app.add_flag("--random-only", random_only, "only the random cuts");
  app.add_flag("--json", as_json, "one JSON object a row");
  CLI11_PARSE(app, argc, argv);

  if (!as_json) {
    fmt::print("seed {}\n", options.seed);
    print_head();
  }
  bool all_good = true;
  const auto show = [&](const std::vector<Row>& rows) {
    for (const Row& row : rows) {
      as_json ? print_json(row, options.seed) : print_row(row);
      std::fflush(stdout);
      all_good = all_good && row.good();
    }
  };
  random_only = random_only || options.only_evening != 0;
  if (!random_only) {
    show(every_operation(options, show_progress));
    show(every_recovery(options, show_progress));
    show(every_failure(options, show_progress));
    show(mutants(options, show_progress));
  }
  if (options.cuts > 0) show(random_cuts(options, show_progress));
  return all_good ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    fmt::print(stderr, "tapd-crash: {}\n", error.what());
    return 2;
  }
}
