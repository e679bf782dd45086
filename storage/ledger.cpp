#include "storage/ledger.hpp"

#include <exception>
#include <type_traits>
#include <utility>

#include <fmt/format.h>

#include "storage/cache.hpp"
#include "storage/card_standing.hpp"
#include "storage/chain_walk.hpp"
#include "storage/commits.hpp"
#include "storage/connection.hpp"
#include "storage/errors.hpp"
#include "storage/flow_queue.hpp"
#include "storage/hearings.hpp"
#include "storage/marks.hpp"
#include "storage/measuring.hpp"
#include "storage/notes.hpp"
#include "storage/offline_risk.hpp"
#include "storage/pours.hpp"
#include "storage/queue.hpp"
#include "storage/servings.hpp"
#include "storage/snapshot.hpp"
#include "storage/start_check.hpp"
#include "storage/told_rows.hpp"
#include "storage/upkeep.hpp"

namespace tapd::storage {

struct Ledger::Implementation {
  explicit Implementation(const LedgerOptions& options)
      : on_system_files{!options.vfs},
        connection{options},
        commits{connection.database(), connection.file()},
        marks{connection.database()},
        hearings{connection.database(), commits},
        told{connection.database()},
        notes{connection.database()},
        pours{connection.database()},
        queue{connection.database(), commits, marks, options.boot},
        standings{connection.database(), notes},
        cache{connection.database(), marks, hearings, told},
        offline_risk{connection.database()},
        snapshots{connection.database(), hearings, told},
        measuring{connection.database(), notes},
        flow_queue{connection.database(), options.boot},
        chain{connection.database()},
        upkeep{connection.database()},
        servings{connection.database()} {
    static_cast<void>(marks.current());  // A count that cannot go on is a damage, too.
    refuse_broken_rows(chain, pours, commits, connection.suspected(), options.file.string());
    if (on_system_files) clear_suspicion(options.file);
  }
  /// A clean end keeps how fresh the balances are; an end that fails has nothing to tell.
  ~Implementation() {
    static_cast<void>(change([this] { hearings.keep(std::chrono::nanoseconds{1}); }));
  }
  Implementation(const Implementation&) = delete;
  Implementation& operator=(const Implementation&) = delete;
  Implementation(Implementation&&) = delete;
  Implementation& operator=(Implementation&&) = delete;

  /// Runs `work` in a transaction (or in the one that is open) and answers what it answers.
  template<typename Work>
  auto change(Work&& work) -> Result<std::invoke_result_t<Work>> {
    using Answer = std::invoke_result_t<Work>;
    if constexpr (std::is_void_v<Answer>) {
      return noted(commits.run([&work]() -> Result<> {
        work();
        return {};
      }));
    } else {
      Result<Answer> answer = tl::make_unexpected(Error{});
      const Result<> done = commits.run([&work, &answer]() -> Result<> {
        answer = work();
        return {};
      });
      if (!done) answer = tl::make_unexpected(done.error());
      return noted(std::move(answer));
    }
  }

  /// Runs `work`, which only reads, and answers what it answers.
  template<typename Work>
  auto look(Work&& work) -> Result<std::invoke_result_t<Work>> {
    using Answer = Result<std::invoke_result_t<Work>>;
    try {
      return work();
    } catch (const std::exception&) {
      return noted(Answer{tl::make_unexpected(commits.failed_look())});
    }
  }

  /// What contradicts the file while it is in use makes the next start read all of it.
  template<typename Answer>
  Answer noted(Answer answer) const {
    if (!answer && answer.error().kind == Error::Kind::corrupt) note_suspicion();
    return answer;
  }
  void note_suspicion() const {
    if (on_system_files) suspect(connection.file());
  }

  bool on_system_files;
  Connection connection;
  Commits commits;
  Marks marks;
  Hearings hearings;
  ToldRows told;
  Notes notes;
  Pours pours;
  Queue queue;
  CardStandings standings;
  Cache cache;
  OfflineRisk offline_risk;
  SnapshotWriter snapshots;
  Measuring measuring;
  FlowQueue flow_queue;
  ChainWalk chain;
  Upkeep upkeep;
  Servings servings;
};

namespace {

// What the parts prepare and read while they are built fails like the opening itself.
template<typename Implementation>
std::unique_ptr<Implementation> open(const LedgerOptions& options) {
  try {
    return std::make_unique<Implementation>(options);
  } catch (const std::exception&) {
    throw_as_open_error(fmt::format("cannot open the ledger {}", options.file.string()),
                        "; keep the file for examination");
  }
}

}  // namespace

Ledger::Ledger(const LedgerOptions& options) : self_{open<Implementation>(options)} {}

Ledger::~Ledger() = default;

Result<> Ledger::in_one_commit(const std::function<Result<>()>& work) {
  return self_->commits.run(work);
}

// --- pours ---------------------------------------------------------------------------------------

Result<> Ledger::begin_pour(const model::PourBegin& begin, const model::BootId& boot) {
  return self_->change([&] {
    self_->pours.begin(begin, boot);
    self_->hearings.keep(Hearings::written_along);
  });
}

Result<> Ledger::note_serving(const ServingNote& note) {
  return self_->change([&] { self_->servings.note(note); });
}

Result<> Ledger::record_progress(const model::PourProgress& progress) {
  return self_->change([&] { self_->pours.record_progress(progress); });
}

Result<model::Pour> Ledger::end_pour(const model::PourEnd& end) {
  return self_->change([&] { return self_->pours.end(end); });
}

Result<std::vector<RecoveredPour>> Ledger::finish_open_pours(const model::Moment& now) {
  return self_->change([&] {
    std::vector<RecoveredPour> recovered;
    for (model::Pour& pour : self_->pours.finish_open()) {
      self_->notes.audit("tapd", "finish_open_pour", pour.begin.client_tx_id.text(),
                         fmt::format("found open at start, ended at its last progress: {}, {}",
                                     model::to_text(pour.volume), model::to_text(pour.price)),
                         now);
      recovered.push_back(RecoveredPour{std::move(pour)});
    }
    return recovered;
  });
}

Result<PourList> Ledger::newest_pours(std::size_t most, const std::string& before) const {
  return self_->look([&] { return self_->pours.newest(most, before); });
}

// --- the queue -----------------------------------------------------------------------------------

Result<PourList> Ledger::due_pours(std::size_t most, const model::Moment& now,
                                   DueRows which) const {
  return self_->look([&] { return self_->queue.due(most, now, which); });
}

Result<> Ledger::mark_sent(const std::vector<model::ClientTxId>& rows, const model::Moment& now) {
  return self_->change([&] { self_->queue.mark_sent(rows, now); });
}

Result<> Ledger::apply_verdicts(const std::vector<Verdict>& verdicts, std::int32_t attempt_cap,
                                const model::Moment& now, const model::Moment& retry_at) {
  return self_->change([&] { self_->queue.apply(verdicts, attempt_cap, now, retry_at); });
}

Result<> Ledger::send_again(const model::ClientTxId& row, const std::string& who,
                            const model::Moment& at) {
  return self_->change([&] {
    self_->queue.send_again(row);
    self_->notes.audit(who, "send_again", row.text(), "", at);
  });
}

Result<PourList> Ledger::unconfirmed_pours(std::size_t most, const std::string& after) const {
  return self_->look([&] { return self_->queue.unconfirmed(most, after); });
}

Result<QueueCounts> Ledger::queue_counts() const {
  return self_->look([&] { return self_->queue.counts(); });
}

Result<CardStanding> Ledger::card_standing(const model::CardUid& card, model::TapId tap,
                                           model::SinceBoot since,
                                           const model::BootId& boot) const {
  return self_->look([&] { return self_->standings.of(card, tap, since, boot); });
}

Result<LeftBehind> Ledger::left_behind(std::size_t most) const {
  return self_->look([&] { return self_->standings.left_behind(most); });
}

Result<> Ledger::note_locks(const LeftBehind::Locks& locks) {
  return self_->change([&] { self_->standings.note(locks); });
}

// --- what the server told ------------------------------------------------------------------------

Result<Marker> Ledger::ask_marker() const {
  return self_->look([&] { return self_->marks.current(); });
}

Result<> Ledger::apply_snapshot(const model::Snapshot& snapshot, Marker asked,
                                const model::Moment& heard_at, const model::BootId& boot) {
  return self_->change([&] { self_->snapshots.apply(snapshot, Hearing{asked, heard_at, boot}); });
}

Result<> Ledger::apply_changes(const model::SnapshotChanges& changes, Marker asked,
                               const model::Moment& heard_at, const model::BootId& boot) {
  return self_->change([&] { self_->snapshots.apply(changes, Hearing{asked, heard_at, boot}); });
}

Result<> Ledger::snapshot_unchanged(Marker asked, const model::Moment& heard_at,
                                    const model::BootId& boot) {
  return self_->change([&] { self_->hearings.hear_again(Hearing{asked, heard_at, boot}); });
}

Result<> Ledger::hear_balance(const HeardBalance& heard, const model::BootId& boot) {
  return self_->change([&] { self_->cache.hear_balance(heard, boot); });
}

Result<> Ledger::hear_card_status(const model::CardUid& card, model::CardStatus status,
                                  const model::Moment& at) {
  return self_->change([&] { self_->cache.hear_card_status(card, status, at); });
}

Result<> Ledger::hear_system_state(const model::SystemState& state, const model::Moment& at) {
  return self_->change([&] { self_->cache.hear_system_state(state, at); });
}

Result<AuthorizationFacts> Ledger::facts(const model::CardUid& card, model::TapId tap) const {
  return self_->look([&] {
    AuthorizationFacts facts = self_->cache.facts(card, tap);
    self_->offline_risk.add_to(facts);
    if (facts.guest) facts.servings = self_->servings.of(facts.guest->id);
    return facts;
  });
}

Result<std::vector<AuthorizationFacts>> Ledger::spenders(const model::GuestId& after,
                                                         std::size_t most) const {
  return self_->look([&] {
    auto spenders = self_->cache.spenders(after, most);
    for (AuthorizationFacts& facts : spenders) self_->offline_risk.add_guest(facts);
    return spenders;
  });
}

Result<model::OfflineSpending> Ledger::offline_spending() const {
  return self_->look([&] { return self_->offline_risk.of_everybody(); });
}

Result<std::vector<model::Tap>> Ledger::taps() const {
  return self_->look([&] { return self_->cache.taps(); });
}

Result<bool> Ledger::emergency_stop() const {
  return self_->look([&] { return self_->cache.emergency_stop(); });
}

// --- measuring -----------------------------------------------------------------------------------

Result<std::int64_t> Ledger::calibration(model::TapId tap, std::int64_t nanolitres_per_pulse,
                                         const std::string& curve, const std::string& who,
                                         const model::Moment& now) {
  return self_->change(
      [&] { return self_->measuring.calibration(tap, nanolitres_per_pulse, curve, who, now); });
}

Result<> Ledger::record_flow_event(const model::FlowEvent& event) {
  return self_->change([&] { self_->measuring.record_flow_event(event); });
}

Result<std::vector<WaitingFlowEvent>> Ledger::due_flow_events(std::size_t most,
                                                              const model::Moment& now) const {
  return self_->look([&] { return self_->flow_queue.due(most, now); });
}

Result<> Ledger::settle_flow_event(const FlowVerdict& verdict, std::int32_t attempt_cap,
                                   const model::Moment& now, const model::Moment& retry_at) {
  return self_->change([&] { self_->flow_queue.settle(verdict, attempt_cap, now, retry_at); });
}

Result<std::size_t> Ledger::stop_open_flow_events(const model::Moment& now) {
  return self_->change([&] { return self_->flow_queue.stop_open_events(now); });
}

Result<std::vector<model::Volume>> Ledger::recent_tails(model::TapId tap, std::size_t most) const {
  return self_->look([&] { return self_->pours.recent_tails(tap, most); });
}

// --- keeping books -------------------------------------------------------------------------------

Result<> Ledger::note_clock(const model::Moment& now, const model::BootId& boot) {
  return self_->change([&] { self_->notes.note_clock(now, boot); });
}

Result<ChainSlice> Ledger::verify_chain(const ChainPosition& from, std::size_t most) const {
  return self_->look([&] { return self_->chain.slice(from, most); });
}

Result<Forgotten> Ledger::forget_confirmed(model::WallTime before, std::int64_t after,
                                           std::size_t most, model::WallTime balances) {
  return self_->change([&] {
    Forgotten forgotten = self_->upkeep.forget_confirmed(before, after, most, balances);
    self_->queue.forgot(forgotten.pours);
    return forgotten;
  });
}

Result<std::string> Ledger::state_of_books() const {
  return self_->look([&] { return self_->upkeep.state_of_books(); });
}

Result<bool> Ledger::pour_open() const {
  return self_->look([&] { return self_->upkeep.pour_open(); });
}

void Ledger::note_suspicion() {
  self_->note_suspicion();
}

Result<> Ledger::begin_copy(const std::filesystem::path& file) {
  try {
    self_->upkeep.begin_copy(file);
    return {};
  } catch (const std::exception& error) {
    return tl::make_unexpected(
        Error{Error::Kind::io, fmt::format("{}: no copy: {}", file.string(), error.what())});
  }
}

Result<bool> Ledger::continue_copy(int pages) {
  return self_->look([&] { return self_->upkeep.continue_copy(pages); });
}

void Ledger::drop_copy() {
  self_->upkeep.drop_copy();
}

Result<std::optional<std::string>> Ledger::meta(const std::string& key) const {
  return self_->look([&] { return self_->notes.meta(key); });
}

Result<> Ledger::set_meta(const std::string& key, const std::string& value) {
  return self_->change([&] { self_->notes.set_meta(key, value); });
}

Result<> Ledger::audit(const std::string& who, const std::string& action, const std::string& target,
                       const std::string& details, const model::Moment& at) {
  return self_->change([&] { self_->notes.audit(who, action, target, details, at); });
}

}  // namespace tapd::storage
