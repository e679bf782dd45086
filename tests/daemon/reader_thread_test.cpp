// The reader's thread with a reader that says what the test wants. A look waits until it is
// allowed, so that nothing here depends on how fast the thread is.
#include "daemon/reader_thread.hpp"

#include <catch2/catch_test_macros.hpp>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <utility>
#include <vector>

namespace tapd {
namespace {

using namespace std::chrono_literals;

constexpr auto patience = 20s;
const drivers::Uid anna{.bytes = {1, 2, 3, 4}, .size = 4};

/// Time that moves by 50 ms with each look.
class StepClock final : public drivers::Clock {
 public:
  [[nodiscard]] drivers::ClockReading read() const override {
    return {.since_boot = std::chrono::nanoseconds{now_.load()}, .wall = {}, .wall_trusted = true};
  }
  void step() { now_ += std::chrono::nanoseconds{50ms}.count(); }

 private:
  std::atomic<std::int64_t> now_{std::chrono::nanoseconds{1h}.count()};
};

/// What test and reader share, as the reader belongs to the thread.
struct Script {
  std::mutex guard;
  std::condition_variable changed;
  std::deque<drivers::Look> looks;  ///< An empty one: the reader hangs, until it ends.
  bool ended{false};
  int looked{0};
  int cycled{0};
  std::vector<drivers::ReaderNote> notes;

  void allow(int count, const drivers::Look& look) {
    std::unique_lock lock{guard};
    for (int i = 0; i < count; ++i) looks.push_back(look);
    changed.notify_all();
    REQUIRE(changed.wait_for(lock, patience, [this] { return looks.empty(); }));
  }
  void end() {
    const std::scoped_lock lock{guard};
    ended = true;
    changed.notify_all();
  }
};

class ScriptedReader final : public drivers::CardReader {
 public:
  ScriptedReader(Script& script, StepClock& clock) : script_(script), clock_(clock) {}
  [[nodiscard]] drivers::Look look(drivers::SinceBoot) override {
    std::unique_lock lock{script_.guard};
    script_.changed.wait(lock, [this] { return script_.ended || !script_.looks.empty(); });
    if (script_.looks.empty()) return drivers::ReaderTrouble{"ended"};
    const drivers::Look look = script_.looks.front();
    script_.looks.pop_front();
    ++script_.looked;
    clock_.step();
    script_.changed.notify_all();
    return look;
  }
  void cycle_field() override {
    const std::scoped_lock lock{script_.guard};
    ++script_.cycled;
  }
  [[nodiscard]] drivers::ReaderHealth health() const override {
    const std::scoped_lock lock{script_.guard};
    drivers::ReaderHealth health;
    health.looks = static_cast<std::uint64_t>(script_.looked);
    return health;
  }
  [[nodiscard]] std::vector<drivers::ReaderNote> take_notes() override {
    const std::scoped_lock lock{script_.guard};
    return std::exchange(script_.notes, {});
  }
  [[nodiscard]] std::string describe() const override { return "scripted"; }

 private:
  Script& script_;
  StepClock& clock_;
};

/// A thread with its reader, and what it has reported.
class Bench {
 public:
  Bench()
      : thread_{std::make_unique<ScriptedReader>(script, clock), drivers::PresenceRules{}, 0ms,
                clock,
                ReaderThread::Reports{
                    .presence = [this](drivers::PresenceEvent event) { keep(std::move(event)); },
                    .note = [this](const drivers::ReaderNote& note) { keep(note); }}} {}
  ~Bench() { script.end(); }
  Bench(const Bench&) = delete;
  Bench& operator=(const Bench&) = delete;
  Bench(Bench&&) = delete;
  Bench& operator=(Bench&&) = delete;

  /// Waits for so many reports in all.
  std::vector<drivers::PresenceEvent> events(std::size_t count) {
    std::unique_lock lock{guard_};
    REQUIRE(changed_.wait_for(lock, patience, [&] { return events_.size() >= count; }));
    return events_;
  }
  std::vector<drivers::ReaderNote> notes(std::size_t count) {
    std::unique_lock lock{guard_};
    REQUIRE(changed_.wait_for(lock, patience, [&] { return notes_.size() >= count; }));
    return notes_;
  }
  [[nodiscard]] ReaderThread& thread() { return thread_; }

  Script script;
  StepClock clock;

 private:
  void keep(drivers::PresenceEvent event) {
    const std::scoped_lock lock{guard_};
    events_.push_back(std::move(event));
    changed_.notify_all();
  }
  void keep(const drivers::ReaderNote& note) {
    const std::scoped_lock lock{guard_};
    notes_.push_back(note);
    changed_.notify_all();
  }

  std::mutex guard_;
  std::condition_variable changed_;
  std::vector<drivers::PresenceEvent> events_;
  std::vector<drivers::ReaderNote> notes_;
  ReaderThread thread_;
};

TEST_CASE("a card's coming and going is reported, and the field cycled after it has gone",
          "[reader_thread]") {
  Bench bench;
  bench.script.allow(2, drivers::CardSeen{anna});
  CHECK(std::get<drivers::CardArrived>(bench.events(1)[0]).uid == anna);
  bench.script.allow(10, drivers::NobodyThere{});
  const auto events = bench.events(2);
  CHECK(std::get<drivers::CardLeft>(events[1]).uid == anna);
  const std::scoped_lock lock{bench.script.guard};
  CHECK(bench.script.cycled == 1);
}

TEST_CASE("trouble that lasts is reported, and its end", "[reader_thread]") {
  Bench bench;
  bench.script.allow(30, drivers::ReaderTrouble{"no chip"});
  CHECK(std::get<drivers::ReaderFailed>(bench.events(1)[0]).what == "no chip");
  bench.script.allow(1, drivers::NobodyThere{});
  CHECK(std::holds_alternative<drivers::ReaderBack>(bench.events(2)[1]));
}

TEST_CASE("what the reader has been through is told and kept", "[reader_thread]") {
  Bench bench;
  {
    const std::scoped_lock lock{bench.script.guard};
    bench.script.notes.push_back({.serious = true, .text = "was reset"});
  }
  bench.script.allow(1, drivers::NobodyThere{});
  const auto notes = bench.notes(1);
  CHECK(notes[0].text == "was reset");
  CHECK(notes[0].serious);
  // The look after it has begun, so the health of the first one is kept.
  bench.script.allow(1, drivers::NobodyThere{});
  CHECK(bench.thread().health().looks >= 1);
}

// How a thread that hangs in its driver is noticed: the time of the last look stands still.
TEST_CASE("the last look's time moves with each look, and with nothing else", "[reader_thread]") {
  Bench bench;
  const auto begin = bench.thread().last_look();
  bench.script.allow(3, drivers::NobodyThere{});
  bench.script.allow(1, drivers::NobodyThere{});
  const auto after = bench.thread().last_look();
  CHECK(after >= begin + 3 * 50ms);
  CHECK(after <= begin + 4 * 50ms);
}

// Found by a busy machine: "ready" was said before anybody had looked, and the card that was laid
// on then counted as one that lay there.
TEST_CASE("the first look can be waited for, and a reader that hangs is not waited for",
          "[reader_thread]") {
  Bench bench;
  CHECK_FALSE(bench.thread().wait_for_first_look(1ms));
  bench.script.allow(1, drivers::NobodyThere{});
  CHECK(bench.thread().wait_for_first_look(patience));
}

}  // namespace
}  // namespace tapd
