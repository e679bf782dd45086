#include "daemon/sync_thread.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "sync/wire.hpp"

namespace tapd {

namespace {

/// The longest sleep without looking at the engine's clock again.
constexpr std::chrono::milliseconds longest_wait{1'000};

std::uint64_t random_below(std::uint64_t bound) {
  std::uint64_t value = 0;
  drivers::fill_random(reinterpret_cast<unsigned char*>(&value), sizeof value);
  return bound == 0 ? 0 : value % bound;
}

}  // namespace

model::Moment moment(const drivers::Clock& clock) {
  const drivers::ClockReading reading = clock.read();
  return {
      .since_boot = reading.since_boot, .wall = reading.wall, .wall_trusted = reading.wall_trusted};
}

SyncThread::SyncThread(sync::EngineOptions options, StorageThread& storage,
                       const model::BootId& boot, std::unique_ptr<sync::Transport> transport,
                       const drivers::Clock& clock, Reports reports)
    : books_{[&storage](const std::function<void(storage::Ledger&)>& work) { storage.run(work); },
             boot},
      transport_{std::move(transport)},
      clock_{clock},
      reports_{std::move(reports)},
      engine_{std::move(options), books_, random_below},
      thread_{[this](const std::stop_token& stop) { work(stop); }} {}

SyncThread::~SyncThread() {
  thread_.request_stop();
  transport_->wake();
}

void SyncThread::ask(sync::AuthorizeAsk ask) {
  {
    const std::scoped_lock lock{mutex_};
    asks_.push_back(std::move(ask));
  }
  transport_->wake();
}

void SyncThread::pours_waiting() {
  {
    const std::scoped_lock lock{mutex_};
    pours_waiting_ = true;
  }
  transport_->wake();
}

void SyncThread::given_up(const model::CardUid& card, model::TapId tap) {
  {
    const std::scoped_lock lock{mutex_};
    given_up_.push_back({card, tap});
  }
  transport_->wake();
}

void SyncThread::hand_over_wishes(const model::Moment& now) {
  std::deque<sync::AuthorizeAsk> asks;
  std::vector<storage::LeftBehind::Lock> given_up;
  bool pours = false;
  {
    const std::scoped_lock lock{mutex_};
    asks = std::exchange(asks_, {});
    given_up = std::exchange(given_up_, {});
    pours = std::exchange(pours_waiting_, false);
  }
  for (const auto& [card, tap] : given_up) engine_.given_up(card, tap, now);
  if (pours) engine_.pours_waiting();
  for (const sync::AuthorizeAsk& ask : asks) engine_.ask(ask, now);
}

void SyncThread::start(const sync::Outgoing& outgoing) {
  under_way_[outgoing.id] = {sync::endpoint::word(outgoing.request.path), clock_.read().since_boot};
  transport_->start(outgoing.id, outgoing.request);
}

void SyncThread::end(const sync::Completion& completion) {
  if (const auto started = under_way_.extract(completion.id)) {
    reports_.requested(started.mapped().endpoint, completion.outcome.has_value(),
                       clock_.read().since_boot - started.mapped().at);
  }
  engine_.on_outcome(completion.id, completion.outcome, moment(clock_));
}

void SyncThread::work(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    hand_over_wishes(moment(clock_));
    for (const sync::Outgoing& outgoing : engine_.due(moment(clock_))) start(outgoing);
    for (sync::Notice& notice : engine_.take_notices()) reports_.notice(std::move(notice));
    const auto until = engine_.wake_at() - moment(clock_).since_boot;
    const auto wait = std::clamp(std::chrono::duration_cast<std::chrono::milliseconds>(until),
                                 std::chrono::milliseconds{0}, longest_wait);
    for (const sync::Completion& completion : transport_->wait(wait)) end(completion);
    for (sync::Notice& notice : engine_.take_notices()) reports_.notice(std::move(notice));
  }
}

}  // namespace tapd
