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
    : batch_size_{std::max<std::size_t>(batch_size, 1)}, most_{batch_size_}, limit_{batch_size_} {}

Rows Drain::pick(const Rows& due) {
  if (!in_flight_.empty()) return {};
  // A row that is no longer due was settled elsewhere or waits for its time.
  suspects_ = those(due, suspects_, true);
  aside_ = those(aside_, due, true);
  if (!suspects_.empty()) {
    return first(suspects_, std::max<std::size_t>(suspects_.size() / 2, 1));
  }
  if (recheck_aside_ && !aside_.empty()) return first(aside_, most_);
  Rows others = first(those(due, aside_, false), limit_);
  if (!others.empty()) return others;
  return first(aside_, 1);
}

void Drain::started(Rows rows) {
  in_flight_ = std::move(rows);
}

void Drain::judged() {
  const Rows rows = std::exchange(in_flight_, {});
  suspects_ = those(suspects_, rows, false);
  aside_ = those(aside_, rows, false);
  recheck_aside_ = !aside_.empty();
  last_failed_.clear();
  most_ = std::min(most_ + 1, batch_size_);
  if (suspects_.empty()) limit_ = std::min(limit_ * 2, most_);
}

std::optional<model::ClientTxId> Drain::refused(bool too_large) {
  const Rows rows = std::exchange(in_flight_, {});
  last_failed_.clear();
  if (rows.empty()) return std::nullopt;
  if (rows.size() == 1) {
    suspects_.clear();
    aside_ = those(aside_, rows, false);
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

std::optional<model::ClientTxId> Drain::failed(Failure failure) {
  const Rows rows = std::exchange(in_flight_, {});
  if (rows.empty()) return std::nullopt;
  // Within a halving the rows have failed before, in larger company.
  const bool again = rows == last_failed_ || !suspects_.empty();
  last_failed_ = rows;
  if (rows.size() == 1) return single_failed(rows.front(), failure, again);
  several_failed(rows, again);
  return std::nullopt;
}

std::optional<model::ClientTxId> Drain::single_failed(const model::ClientTxId& row, Failure failure,
                                                      bool again) {
  const Rows alone{row};
  if (contains(aside_, row)) {
    suspects_.clear();
    aside_ = those(aside_, alone, false);
    const bool at_fault = recheck_aside_ && failure == Failure::server_error;
    if (at_fault) return row;
    // Its turn comes again after the others, and after a neighbour went through.
    aside_.push_back(row);
    recheck_aside_ = false;
    return std::nullopt;
  }
  if (!again || aside_.size() >= most_aside) return std::nullopt;
  suspects_.clear();
  aside_.push_back(row);
  limit_ = 1;
  return std::nullopt;
}

void Drain::several_failed(const Rows& rows, bool again) {
  const bool rechecking = contains(aside_, rows.front());
  if (again || rechecking) suspects_ = rows;
}

}  // namespace tapd::sync
