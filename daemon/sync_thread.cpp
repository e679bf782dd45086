#include "daemon/sync_thread.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

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

LedgerBooks::LedgerBooks(StorageThread& storage, model::BootId boot)
    : storage_{storage}, boot_{std::move(boot)} {}

storage::Result<std::vector<model::Pour>> LedgerBooks::due_pours(std::size_t most,
                                                                 const model::Moment& now,
                                                                 storage::DueRows which) {
  return storage_.run([&](storage::Ledger& ledger) { return ledger.due_pours(most, now, which); });
}
storage::Result<storage::CardStanding> LedgerBooks::card_standing(const model::CardUid& card,
                                                                  model::TapId tap,
                                                                  model::SinceBoot since) {
  return storage_.run(
      [&](storage::Ledger& ledger) { return ledger.card_standing(card, tap, since, boot_); });
}
storage::Result<std::vector<storage::WaitingFlowEvent>> LedgerBooks::due_flow_events(
    std::size_t most, const model::Moment& now) {
  return storage_.run([&](storage::Ledger& ledger) { return ledger.due_flow_events(most, now); });
}
storage::Result<> LedgerBooks::settle_flow_event(const storage::FlowVerdict& verdict,
                                                 std::int32_t attempt_cap, const model::Moment& now,
                                                 const model::Moment& retry_at) {
  return storage_.run([&](storage::Ledger& ledger) {
    return ledger.settle_flow_event(verdict, attempt_cap, now, retry_at);
  });
}
storage::Result<> LedgerBooks::mark_sent(const std::vector<model::ClientTxId>& rows,
                                         const model::Moment& now) {
  return storage_.run([&](storage::Ledger& ledger) { return ledger.mark_sent(rows, now); });
}
storage::Result<> LedgerBooks::apply_verdicts(const std::vector<storage::Verdict>& verdicts,
                                              std::int32_t attempt_cap, const model::Moment& now,
                                              const model::Moment& retry_at) {
  return storage_.run([&](storage::Ledger& ledger) {
    return ledger.apply_verdicts(verdicts, attempt_cap, now, retry_at);
  });
}
storage::Result<storage::Marker> LedgerBooks::ask_marker() {
  return storage_.run([](storage::Ledger& ledger) { return ledger.ask_marker(); });
}
storage::Result<> LedgerBooks::apply_snapshot(const model::Snapshot& snapshot,
                                              storage::Marker asked,
                                              const model::Moment& heard_at) {
  return storage_.run([&](storage::Ledger& ledger) {
    return ledger.apply_snapshot(snapshot, asked, heard_at, boot_);
  });
}
storage::Result<> LedgerBooks::snapshot_unchanged(storage::Marker asked,
                                                  const model::Moment& heard_at) {
  return storage_.run(
      [&](storage::Ledger& ledger) { return ledger.snapshot_unchanged(asked, heard_at, boot_); });
}
storage::Result<> LedgerBooks::hear_system_state(const model::SystemState& state,
                                                 const model::Moment& at) {
  return storage_.run([&](storage::Ledger& ledger) { return ledger.hear_system_state(state, at); });
}
storage::Result<> LedgerBooks::hear_balance(const storage::HeardBalance& heard) {
  return storage_.run([&](storage::Ledger& ledger) { return ledger.hear_balance(heard, boot_); });
}
storage::Result<> LedgerBooks::hear_card_status(const model::CardUid& card,
                                                model::CardStatus status, const model::Moment& at) {
  return storage_.run(
      [&](storage::Ledger& ledger) { return ledger.hear_card_status(card, status, at); });
}

SyncThread::SyncThread(sync::EngineOptions options, StorageThread& storage,
                       const model::BootId& boot, std::unique_ptr<sync::Transport> transport,
                       const drivers::Clock& clock, std::function<void(sync::Notice)> notice)
    : books_{storage, boot},
      transport_{std::move(transport)},
      clock_{clock},
      notice_{std::move(notice)},
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

void SyncThread::hand_over_wishes(const model::Moment& now) {
  std::deque<sync::AuthorizeAsk> asks;
  bool pours = false;
  {
    const std::scoped_lock lock{mutex_};
    asks = std::exchange(asks_, {});
    pours = std::exchange(pours_waiting_, false);
  }
  if (pours) engine_.pours_waiting();
  for (const sync::AuthorizeAsk& ask : asks) engine_.ask(ask, now);
}

void SyncThread::work(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    hand_over_wishes(moment(clock_));
    for (const sync::Outgoing& outgoing : engine_.due(moment(clock_))) {
      transport_->start(outgoing.id, outgoing.request);
    }
    for (sync::Notice& notice : engine_.take_notices()) notice_(std::move(notice));
    const auto until = engine_.wake_at() - moment(clock_).since_boot;
    const auto wait = std::clamp(std::chrono::duration_cast<std::chrono::milliseconds>(until),
                                 std::chrono::milliseconds{0}, longest_wait);
    for (const sync::Completion& completion : transport_->wait(wait)) {
      engine_.on_outcome(completion.id, completion.outcome, moment(clock_));
    }
    for (sync::Notice& notice : engine_.take_notices()) notice_(std::move(notice));
  }
}

}  // namespace tapd
