#include "sync/drain.hpp"

#include <algorithm>
#include <utility>

namespace tapd::sync {
namespace {

using Rows = Drain::Rows;

bool contains(const Rows& rows, const model::ClientTxId& row) {
  return std::find(rows.begin(), rows.end(), row) != rows.end();
}

// The rows of `of` that are in `which`, or that are not, in the order of `of`.
Rows those(const Rows& of, const Rows& which, bool inside) {
  Rows result;
  std::copy_if(of.begin(), of.end(), std::back_inserter(result),
               [&](const auto& row) { return contains(which, row) == inside; });
  return result;
}

Rows first(Rows rows, std::size_t most) {
  if (rows.size() > most) rows.resize(most);
  return rows;
}

}  // namespace

Drain::Drain(std::size_t batch_size)
    : batch_size_{std::max<std::size_t>(batch_size, 1)},
      most_{batch_size_},
      limit_{std::min(batch_size_, modest_batch)} {}

Rows Drain::pick(const Rows& due) {
  if (!in_flight_.empty()) return {};
  // A row that is no longer due was settled elsewhere or waits for its time.
  suspects_ = those(due, suspects_, true);
  std::erase_if(aside_, [&due](const Aside& each) { return !contains(due, each.row); });
  if (!suspects_.empty()) {
    return first(suspects_, std::max<std::size_t>(suspects_.size() / 2, 1));
  }
  if (went_through_) {
    Rows unheard = first(aside_rows(Aside::Mark::none), most_);
    if (!unheard.empty()) return unheard;
  }
  Rows others = first(those(due, aside_rows(), false), limit_);
  if (!others.empty()) return others;
  return first(aside_rows(), 1);
}

void Drain::started(Rows rows) {
  in_flight_ = std::move(rows);
}

// Below a modest batch the time of a request is the link's or the server's, not the rows'.
std::size_t Drain::next_limit(Pace pace) const {
  const std::size_t modest = std::min(most_, modest_batch);
  switch (pace) {
    case Pace::quick:
      return std::min(limit_ * 2, most_);
    case Pace::fair:
      return std::min(std::max(limit_, std::min(limit_ * 2, modest)), most_);
    case Pace::slow:
      return limit_ > modest ? std::max(limit_ / 2, modest) : std::min(limit_ * 2, modest);
  }
  return modest;
}

Rows Drain::judged(Pace pace) {
  const Rows rows = std::exchange(in_flight_, {});
  suspects_ = those(suspects_, rows, false);
  last_failed_.clear();
  take_back(rows);
  Rows at_fault = aside_rows(Aside::Mark::between);
  take_back(at_fault);
  went_through_ = true;
  most_ = std::min(most_ + 1, batch_size_);
  if (suspects_.empty()) limit_ = next_limit(pace);
  return at_fault;
}

std::optional<model::ClientTxId> Drain::refused(bool too_large) {
  const Rows rows = std::exchange(in_flight_, {});
  last_failed_.clear();
  if (rows.empty()) return std::nullopt;
  if (rows.size() == 1) {
    suspects_.clear();
    take_back(rows);
    limit_ = 1;
    return rows.front();
  }
  if (too_large) {
    most_ = rows.size() / 2;
    limit_ = most_;
    suspects_.clear();
  } else {
    suspects_ = rows;
  }
  return std::nullopt;
}

void Drain::failed(Failure failure) {
  const Rows rows = std::exchange(in_flight_, {});
  if (rows.empty()) return;
  const bool were_aside = is_aside(rows.front());
  // Within a halving the rows have failed before, in larger company.
  const bool again = rows == last_failed_ || !suspects_.empty() || were_aside;
  last_failed_ = rows;
  if (!were_aside) accuse_nobody();
  if (rows.size() == 1) {
    single_failed(rows.front(), failure, again);
  } else if (again) {
    suspects_ = rows;
  }
}

void Drain::not_looked_at() {
  in_flight_.clear();
  accuse_nobody();
}

void Drain::single_failed(const model::ClientTxId& row, Failure failure, bool again) {
  using Mark = Aside::Mark;
  if (!is_aside(row)) {
    if (!again || aside_.size() >= most_aside) return;
    suspects_.clear();
    set_aside(row, Mark::none);
    limit_ = 1;
    return;
  }
  suspects_.clear();
  if (failure == Failure::no_answer) {
    set_aside(row, Mark::hangs);
  } else {
    set_aside(row, went_through_ ? Mark::between : Mark::none);
  }
}

Rows Drain::aside_rows() const {
  Rows rows;
  for (const Aside& each : aside_) rows.push_back(each.row);
  return rows;
}

Rows Drain::aside_rows(Aside::Mark mark) const {
  Rows rows;
  for (const Aside& each : aside_) {
    if (each.mark == mark) rows.push_back(each.row);
  }
  return rows;
}

bool Drain::is_aside(const model::ClientTxId& row) const {
  return std::any_of(aside_.begin(), aside_.end(),
                     [&row](const Aside& each) { return each.row == row; });
}

// At the end: its turn comes after the others'.
void Drain::set_aside(const model::ClientTxId& row, Aside::Mark mark) {
  take_back({row});
  aside_.push_back({row, mark});
}

void Drain::take_back(const Rows& rows) {
  std::erase_if(aside_, [&rows](const Aside& each) { return contains(rows, each.row); });
}

void Drain::accuse_nobody() {
  went_through_ = false;
  for (Aside& each : aside_) {
    if (each.mark == Aside::Mark::between) each.mark = Aside::Mark::none;
  }
}

}  // namespace tapd::sync
