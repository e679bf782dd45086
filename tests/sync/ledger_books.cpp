#include "tests/sync/ledger_books.hpp"

#include <stdexcept>

#include "tests/sync/samples.hpp"

namespace tapd::sync::test {
namespace {

using storage::Result;

const model::BootId boot{"11111111-2222-4333-8444-555555555555"};
constexpr std::size_t all_of_them = 10'000;

template<typename T>
void require(const Result<T>& result) {
  if (!result) throw std::runtime_error{result.error().message};
}

}  // namespace

LedgerBooks::LedgerBooks() {
  reopen();
}

void LedgerBooks::reopen() {
  ledger_.reset();
  ledger_.emplace(storage::LedgerOptions{folder_ / "tap.db", std::nullopt, boot});
}

void LedgerBooks::begin(const model::Pour& pour) {
  require(ledger_->begin_pour(pour.begin, boot));
}

void LedgerBooks::end(const model::Pour& pour) {
  model::PourProgress last;
  last.client_tx_id = pour.begin.client_tx_id;
  last.volume = pour.volume;
  last.tail = pour.tail;
  last.price = pour.price;
  last.pulses = pour.pulses;
  last.at = pour.end;
  require(ledger_->end_pour({last, pour.stop_reason}));
}

std::map<model::ClientTxId, RowState> LedgerBooks::rows() {
  const auto pours = ledger_->newest_pours(all_of_them);
  require(pours);
  std::map<model::ClientTxId, RowState> all;
  for (const model::Pour& pour : *pours) {
    all[pour.begin.client_tx_id] = {pour.status, pour.attempts, pour.server_outcome};
  }
  return all;
}

std::optional<model::Money> LedgerBooks::available(std::uint64_t guest) {
  const auto facts = ledger_->facts(card(guest), model::TapId{1});
  require(facts);
  if (!facts->guest) return std::nullopt;
  return facts->available;
}

Result<std::vector<model::Pour>> LedgerBooks::due_pours(std::size_t most, const model::Moment& now,
                                                        storage::DueRows which) {
  return ledger_->due_pours(most, now, which);
}

Result<storage::CardStanding> LedgerBooks::card_standing(const model::CardUid& card,
                                                         model::TapId tap, model::SinceBoot since) {
  return ledger_->card_standing(card, tap, since, boot);
}

Result<> LedgerBooks::note_locks(const storage::LeftBehind::Locks& locks) {
  return ledger_->note_locks(locks);
}

Result<storage::LeftBehind> LedgerBooks::left_behind(std::size_t most) {
  return ledger_->left_behind(most);
}

Result<std::vector<storage::WaitingFlowEvent>> LedgerBooks::due_flow_events(
    std::size_t most, const model::Moment& now) {
  return ledger_->due_flow_events(most, now);
}

Result<> LedgerBooks::settle_flow_event(const storage::FlowVerdict& verdict,
                                        std::int32_t attempt_cap, const model::Moment& now,
                                        const model::Moment& retry_at) {
  return ledger_->settle_flow_event(verdict, attempt_cap, now, retry_at);
}

Result<> LedgerBooks::mark_sent(const std::vector<model::ClientTxId>& rows,
                                const model::Moment& now) {
  return ledger_->mark_sent(rows, now);
}

Result<> LedgerBooks::apply_verdicts(const std::vector<storage::Verdict>& verdicts,
                                     std::int32_t attempt_cap, const model::Moment& now,
                                     const model::Moment& retry_at) {
  return ledger_->apply_verdicts(verdicts, attempt_cap, now, retry_at);
}

Result<storage::Marker> LedgerBooks::ask_marker() {
  return ledger_->ask_marker();
}

Result<> LedgerBooks::apply_snapshot(const model::Snapshot& snapshot, storage::Marker asked,
                                     const model::Moment& heard_at) {
  return ledger_->apply_snapshot(snapshot, asked, heard_at, boot);
}

Result<> LedgerBooks::apply_changes(const model::SnapshotChanges& changes, storage::Marker asked,
                                    const model::Moment& heard_at) {
  return ledger_->apply_changes(changes, asked, heard_at, boot);
}

Result<> LedgerBooks::hear_balance(const storage::HeardBalance& heard) {
  return ledger_->hear_balance(heard, boot);
}

Result<> LedgerBooks::hear_card_status(const model::CardUid& card, model::CardStatus status,
                                       const model::Moment& at) {
  return ledger_->hear_card_status(card, status, at);
}

Result<> LedgerBooks::snapshot_unchanged(storage::Marker asked, const model::Moment& heard_at) {
  return ledger_->snapshot_unchanged(asked, heard_at, boot);
}

Result<> LedgerBooks::hear_system_state(const model::SystemState& state, const model::Moment& at) {
  return ledger_->hear_system_state(state, at);
}

}  // namespace tapd::sync::test
