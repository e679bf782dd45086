#include <condition_variable>
#include <mutex>
#include <stdexcept>

#include <SQLiteCpp/SQLiteCpp.h>
#include <fmt/format.h>

#include "bench_bar.hpp"
#include "pour_bench.hpp"

namespace tapd::bench {
namespace {

double milliseconds(std::chrono::nanoseconds time) {
  return static_cast<double>(time.count()) / 1e6;
}

constexpr std::chrono::seconds patience{60};

/// Waits for a command of one valve.
class Bell {
 public:
  void ring(std::chrono::nanoseconds at) {
    const std::scoped_lock lock{mutex_};
    rung_ = at;
    changed_.notify_one();
  }
  std::chrono::nanoseconds wait() {
    std::unique_lock lock{mutex_};
    if (!changed_.wait_for(lock, patience, [&] { return rung_.has_value(); })) {
      throw std::runtime_error{"the valve did not open: was the card refused?"};
    }
    return *std::exchange(rung_, std::nullopt);
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<std::chrono::nanoseconds> rung_;
};

/// One durable commit of one small row by SQLite alone, with the ledger's settings.
std::vector<double> bare_commits(int count) {
  const test::TempDir folder;
  SQLite::Database database{"file:" + (folder / "bare.db").string() + "?psow=0",
                            SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE | SQLite::OPEN_URI};
  database.exec("PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL");
  database.exec("CREATE TABLE t (id INTEGER PRIMARY KEY, words TEXT) STRICT");
  std::vector<double> sample;
  for (int i = 0; i < count; ++i) {
    const auto before = drivers::since_boot_now();
    database.exec(
        "INSERT INTO t (words) VALUES ('a row about as long as a pour that begins, with a "
        "card, a guest, a tap, a keg, a price and two times, a hundred and fifty')");
    sample.push_back(milliseconds(drivers::since_boot_now() - before));
  }
  return sample;
}

}  // namespace

void bench_card_to_valve(const PourBenchOptions& options, const Report& report) {
  report.section("From the card's arrival to the command that opens the valve, cached balance");
  Report::progress("one card after the other ...");
  Bell opened;
  BenchPlan plan;
  plan.taps = 1;
  plan.limit = model::Volume::millilitres(2);
  BenchBar bar{plan, [&](std::size_t, bool open) {
                 if (open) opened.ring(drivers::since_boot_now());
               }};
  const auto in_state = [&](TapState wanted) {
    bool is = false;
    bar.ask([&](const Controller& all) { is = all.session(0).state() == wanted; });
    return is;
  };
  std::vector<double> sample;
  const int cards = std::min(options.pours, 300);
  for (int i = 0; i < cards; ++i) {
    const auto arrived = drivers::since_boot_now();
    bar.lay_card(0);
    sample.push_back(milliseconds(opened.wait() - arrived));
    while (!in_state(TapState::finished)) drivers::pause_for(std::chrono::milliseconds{2});
    bar.lift_card(0);
    while (!in_state(TapState::idle)) drivers::pause_for(std::chrono::milliseconds{2});
  }
  const Spread ours = spread(sample);
  const Spread bare = spread(bare_commits(cards));
  report.add("card to valve", ours, "ms", fmt::format("1 tap, {} cards, real disk", cards));
  report.add("one bare SQLite commit", bare, "ms", fmt::format("{} commits, same disk", cards));
  report.add({"card to valve / bare commit, p50", ours.p50 / bare.p50, "x", "same run"});
}

}  // namespace tapd::bench
