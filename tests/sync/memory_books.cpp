#include "tests/sync/memory_books.hpp"

#include <algorithm>

#include "tests/sync/samples.hpp"

namespace tapd::sync::test {

using storage::Error;
using storage::Result;
using Kind = storage::Verdict::Kind;
using model::PourStatus;

namespace {

template<typename Row, typename Id>
void replace(std::vector<Row>& rows, const std::vector<Row>& put, const std::vector<Id>& gone,
             Id Row::* id) {
  std::erase_if(rows, [&](const Row& row) {
    const auto is_same = [&](const Row& other) { return other.*id == row.*id; };
    return std::any_of(put.begin(), put.end(), is_same) ||
           std::find(gone.begin(), gone.end(), row.*id) != gone.end();
  });
  rows.insert(rows.end(), put.begin(), put.end());
}

model::Snapshot changed(model::Snapshot all, const model::SnapshotChanges& news) {
  const model::Snapshot& now = news.now;
  all.revision = now.revision;
  all.system_states = now.system_states;
  all.heard_since = now.heard_since;
  replace(all.beverages, now.beverages, news.gone.beverages, &model::Beverage::id);
  replace(all.kegs, now.kegs, news.gone.kegs, &model::Keg::id);
  replace(all.taps, now.taps, news.gone.taps, &model::Tap::id);
  replace(all.guests, now.guests, news.gone.guests, &model::Guest::id);
  replace(all.cards, now.cards, news.gone.cards, &model::Card::uid);
  return all;
}

}  // namespace

void MemoryBooks::begin(const model::Pour& pour) {
  sessions.push_back({pour.begin.card_uid, pour.begin.tap_id, pour.begin.start.since_boot});
}

void MemoryBooks::end(const model::Pour& pour) {
  const auto session = std::find_if(sessions.begin(), sessions.end(), [&](const Session& each) {
    return each.card == pour.begin.card_uid && each.tap == pour.begin.tap_id &&
           each.began == pour.begin.start.since_boot;
  });
  if (session == sessions.end()) throw std::logic_error{"a pour ends that was not begun"};
  sessions.erase(session);
  rows_.push_back({pour, std::nullopt, {}});
}

std::map<model::ClientTxId, RowState> MemoryBooks::rows() {
  std::map<model::ClientTxId, RowState> all;
  for (const Row& row : rows_) {
    all[row.pour.begin.client_tx_id] = {row.pour.status, row.pour.attempts,
                                        row.pour.server_outcome};
  }
  return all;
}

std::optional<model::Money> MemoryBooks::available(std::uint64_t guest) {
  const model::GuestId id{guest_uuid(guest)};
  const auto balance = balances_.find(id);
  if (balance == balances_.end()) return std::nullopt;
  model::Money left = balance->second.amount;
  for (const Row& row : rows_) {
    if (row.pour.begin.guest_id != id) continue;
    if (!row.settled || *row.settled > balance->second.asked) left -= row.pour.price;
  }
  return left;
}

Result<std::vector<model::Pour>> MemoryBooks::due_pours(std::size_t most, const model::Moment& now,
                                                        storage::DueRows which) {
  if (broken) return tl::make_unexpected(*broken);
  std::vector<model::Pour> due;
  for (const Row& row : rows_) {
    const bool waits = row.pour.status == PourStatus::fresh || row.pour.status == PourStatus::sent;
    const bool offline = row.pour.begin.authorized_by == model::AuthorizedBy::cache &&
                         row.pour.volume > model::Volume{};
    if (which != storage::DueRows::all && offline != (which == storage::DueRows::to_settle))
      continue;
    if (waits && row.not_before <= now.since_boot && due.size() < most) due.push_back(row.pour);
  }
  return due;
}

Result<storage::CardStanding> MemoryBooks::card_standing(const model::CardUid& card,
                                                         model::TapId tap, model::SinceBoot since) {
  if (broken) return tl::make_unexpected(*broken);
  ++standings;
  storage::CardStanding standing;
  for (const Session& session : sessions) {
    standing.in_session |= session.card == card || session.tap == tap;
    standing.began_since |= session.card == card && session.tap == tap && session.began >= since;
  }
  for (const Row& row : rows_) {
    const model::PourBegin& begin = row.pour.begin;
    const bool waits = row.pour.status == PourStatus::fresh || row.pour.status == PourStatus::sent;
    const bool needs_lock =
        begin.authorized_by == model::AuthorizedBy::server || row.pour.volume == model::Volume{};
    const bool unsent = waits && needs_lock && begin.card_uid == card;
    standing.unsent |= unsent;
    standing.unsent_here |= unsent && begin.tap_id == tap;
    if (unsent) {
      standing.unsent_began = std::max(standing.unsent_began, begin.start.since_boot);
    }
    standing.in_doubt |=
        row.pour.status == PourStatus::sent && !needs_lock && begin.card_uid == card;
    standing.began_since |=
        begin.card_uid == card && begin.tap_id == tap && begin.start.since_boot >= since;
  }
  return standing;
}

Result<> MemoryBooks::note_locks(const storage::LeftBehind::Locks& locks) {
  if (broken) return tl::make_unexpected(*broken);
  ++lock_notes;
  noted_ = locks;
  return {};
}

Result<storage::LeftBehind> MemoryBooks::left_behind(std::size_t most) {
  if (broken) return tl::make_unexpected(*broken);
  if (left_behind_fails) {
    return tl::make_unexpected(storage::Error{storage::Error::Kind::io, "it cannot be read"});
  }
  storage::LeftBehind left;
  left.noted = noted_;
  left.had_snapshots = !snapshots.empty();
  for (const Row& row : rows_) {
    const model::PourBegin& begin = row.pour.begin;
    left.sent |= row.pour.status == PourStatus::sent;
    const bool given_up = row.pour.status == PourStatus::failed && !row.settled;
    if (given_up && left.locks.size() < most) left.locks.push_back({begin.card_uid, begin.tap_id});
  }
  return left;
}

Result<std::vector<storage::WaitingFlowEvent>> MemoryBooks::due_flow_events(
    std::size_t most, const model::Moment& now) {
  if (broken) return tl::make_unexpected(*broken);
  std::vector<storage::WaitingFlowEvent> due;
  for (std::size_t i = 0; i < flow_events.size() && due.size() < most; ++i) {
    const Flow& flow = flow_events[i];
    const bool waits = flow.status == PourStatus::fresh || flow.status == PourStatus::sent;
    if (!waits || flow.not_before > now.since_boot) continue;
    due.push_back({static_cast<std::int64_t>(i), flow.attempts, flow.event});
  }
  return due;
}

Result<> MemoryBooks::settle_flow_event(const storage::FlowVerdict& verdict,
                                        std::int32_t attempt_cap, const model::Moment& /*now*/,
                                        const model::Moment& retry_at) {
  using FlowKind = storage::FlowVerdict::Kind;
  if (broken) return tl::make_unexpected(*broken);
  Flow& flow = flow_events.at(static_cast<std::size_t>(verdict.row));
  if (verdict.kind == FlowKind::sent) flow.status = PourStatus::sent;
  if (verdict.kind == FlowKind::confirmed) flow.status = PourStatus::confirmed;
  if (verdict.kind == FlowKind::set_aside) {
    flow.status = PourStatus::fresh;
    flow.not_before = retry_at.since_boot;
  }
  if (verdict.kind == FlowKind::spend_attempt) {
    flow.status = ++flow.attempts >= attempt_cap ? PourStatus::failed : PourStatus::fresh;
    flow.not_before = retry_at.since_boot;
  }
  return {};
}

Result<> MemoryBooks::mark_sent(const std::vector<model::ClientTxId>& rows,
                                const model::Moment& /*now*/) {
  if (broken) return tl::make_unexpected(*broken);
  for (const model::ClientTxId& id : rows) {
    Row* const row = find(id);
    if (row == nullptr ||
        (row->pour.status != PourStatus::fresh && row->pour.status != PourStatus::sent)) {
      return tl::make_unexpected(Error{Error::Kind::refused, "not to be sent: " + id.text()});
    }
    row->pour.status = PourStatus::sent;
  }
  return {};
}

Result<> MemoryBooks::apply_verdicts(const std::vector<storage::Verdict>& verdicts,
                                     std::int32_t attempt_cap, const model::Moment& /*now*/,
                                     const model::Moment& retry_at) {
  if (broken) return tl::make_unexpected(*broken);
  for (const storage::Verdict& verdict : verdicts) {
    Row* const row = find(verdict.client_tx_id);
    if (row == nullptr || row->pour.status != PourStatus::sent) {
      return tl::make_unexpected(
          Error{Error::Kind::refused, "no verdict is due on " + verdict.client_tx_id.text()});
    }
    apply(*row, verdict, attempt_cap, retry_at);
  }
  return {};
}

void MemoryBooks::apply(Row& row, const storage::Verdict& verdict, std::int32_t attempt_cap,
                        const model::Moment& retry_at) {
  row.pour.server_outcome = verdict.outcome;
  row.pour.last_error = verdict.reason;
  switch (verdict.kind) {
    case Kind::confirmed:
      row.pour.status = PourStatus::confirmed;
      row.settled = ++marker_;
      break;
    case Kind::final_failure:
      row.pour.status = PourStatus::failed;
      row.settled = ++marker_;
      break;
    case Kind::spend_attempt:
      ++row.pour.attempts;
      row.pour.status = row.pour.attempts >= attempt_cap ? PourStatus::failed : PourStatus::fresh;
      row.not_before = retry_at.since_boot;
      break;
    case Kind::not_judged:
      break;
  }
}

Result<storage::Marker> MemoryBooks::ask_marker() {
  if (broken) return tl::make_unexpected(*broken);
  return marker_;
}

Result<> MemoryBooks::apply_snapshot(const model::Snapshot& snapshot, storage::Marker asked,
                                     const model::Moment& /*heard_at*/) {
  if (broken) return tl::make_unexpected(*broken);
  if (snapshot_broken) return tl::make_unexpected(*snapshot_broken);
  snapshots.push_back(snapshot);
  const auto& stays = snapshot.heard_since.guests;
  for (const model::Guest& guest : snapshot.guests) {
    if (std::find(stays.begin(), stays.end(), guest.id) != stays.end()) continue;
    Balance& known = balances_[guest.id];
    if (known.asked <= asked) known = {guest.balance, asked};
  }
  return {};
}

Result<> MemoryBooks::apply_changes(const model::SnapshotChanges& news, storage::Marker asked,
                                    const model::Moment& heard_at) {
  if (broken) return tl::make_unexpected(*broken);
  if (snapshots.empty() || snapshots.back().revision != news.since) {
    return tl::make_unexpected(Error{Error::Kind::refused, "changes of another snapshot"});
  }
  ++changes;
  return apply_snapshot(changed(snapshots.back(), news), asked, heard_at);
}

Result<> MemoryBooks::hear_balance(const storage::HeardBalance& balance) {
  if (broken) return tl::make_unexpected(*broken);
  heard.push_back(balance);
  Balance& known = balances_[balance.guest_id];
  if (known.asked <= balance.asked) known = {balance.balance, balance.asked};
  return {};
}

Result<> MemoryBooks::hear_card_status(const model::CardUid& card, model::CardStatus status,
                                       const model::Moment& /*at*/) {
  if (broken) return tl::make_unexpected(*broken);
  if (status == model::CardStatus::lost) lost.insert(card);
  return {};
}

Result<> MemoryBooks::snapshot_unchanged(storage::Marker asked, const model::Moment& /*heard_at*/) {
  if (broken) return tl::make_unexpected(*broken);
  if (snapshots.empty()) {
    return tl::make_unexpected(Error{Error::Kind::refused, "there never was a snapshot"});
  }
  ++unchanged;
  for (const model::Guest& guest : snapshots.back().guests) {
    Balance& known = balances_[guest.id];
    if (known.asked <= asked && known.amount == guest.balance) known.asked = asked;
  }
  return {};
}

Result<> MemoryBooks::hear_system_state(const model::SystemState& state,
                                        const model::Moment& /*at*/) {
  if (broken) return tl::make_unexpected(*broken);
  states.push_back(state);
  return {};
}

MemoryBooks::Row* MemoryBooks::find(const model::ClientTxId& id) {
  const auto found = std::find_if(rows_.begin(), rows_.end(), [&id](const Row& row) {
    return row.pour.begin.client_tx_id == id;
  });
  return found == rows_.end() ? nullptr : &*found;
}

}  // namespace tapd::sync::test
