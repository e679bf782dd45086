#include "storage/queue.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "storage/errors.hpp"
#include "storage/pour_rows.hpp"
#include "storage/row_words.hpp"
#include "storage/statement.hpp"

namespace tapd::storage {
namespace {

constexpr std::size_t largest_batch = 10'000;

// The partial index serves only queries that repeat its condition.
constexpr const char* waiting = "status <> 'confirmed' AND status IN ('new', 'sent')";

}  // namespace

Queue::Queue(SQLite::Database& database, Commits& commits, Marks& marks, const model::BootId& boot)
    : commits_{commits},
      marks_{marks},
      boot_{boot.text()},
      due_{database, fmt::format("{} WHERE {} AND (next_attempt_at IS NULL"
                                 " OR next_attempt_at <= ?1) AND (?3 = 0 OR"
                                 " (NOT {} AND volume_ml > 0) = (?3 = 2))"
                                 " ORDER BY pour_seq LIMIT ?2",
                                 select_pours, waiting, live_leave)},
      unconfirmed_{database, fmt::format("{} WHERE status <> 'confirmed' AND status <> 'open'"
                                         " AND pour_seq > iif(?2 = '', 0,"
                                         " (SELECT pour_seq FROM pours WHERE client_tx_id = ?2))"
                                         " ORDER BY pour_seq LIMIT ?1",
                                         select_pours)},
      status_{database, "SELECT status FROM pours WHERE client_tx_id = ?1"},
      mark_sent_{database,
                 "UPDATE pours SET status = 'sent', sent_at = ?2 WHERE client_tx_id = ?1"
                 " AND status IN ('new', 'sent')"},
      confirm_{database,
               "UPDATE pours SET status = 'confirmed', confirmed_at = ?2, settled_marker = ?3,"
               " server_outcome = ?4, last_error = ?5, next_attempt_at = NULL,"
               " next_attempt_boot = NULL WHERE client_tx_id = ?1 AND status = 'sent'"},
      fail_{database,
            "UPDATE pours SET status = 'failed', settled_marker = ?2, server_outcome = ?3,"
            " last_error = ?4, next_attempt_at = NULL, next_attempt_boot = NULL"
            " WHERE client_tx_id = ?1"},
      spend_{database,
             fmt::format(
                 "UPDATE pours SET attempts = attempts + 1,"
                 " server_outcome = iif({}, '{}' || ?2, ?2), last_error = ?3,"
                 " status = iif(attempts + 1 >= ?4, 'failed', 'new'),"
                 " next_attempt_at = iif(attempts + 1 >= ?4, NULL, ?5),"
                 " next_attempt_boot = iif(attempts + 1 >= ?4, NULL, ?6) WHERE client_tx_id = ?1",
                 sent_again, again_word)},
      not_judged_{database, "UPDATE pours SET last_error = ?2 WHERE client_tx_id = ?1"},
      send_again_{database,
                  "UPDATE pours SET status = 'new', attempts = 0, next_attempt_at = NULL,"
                  " next_attempt_boot = NULL, settled_marker = NULL WHERE client_tx_id = ?1"},
      counts_{database,
              "SELECT count(*) FILTER (WHERE status = 'open'),"
              " count(*) FILTER (WHERE status IN ('new', 'sent')),"
              " count(*) FILTER (WHERE status = 'failed'),"
              " coalesce(sum(max(hold_cents, price_cents)) FILTER (WHERE status = 'open'), 0),"
              " coalesce(sum(price_cents) FILTER (WHERE status <> 'open'), 0)"
              " FROM pours WHERE status <> 'confirmed'"},
      confirmed_{database, "SELECT count(*) FROM pours"},
      oldest_{database,
              fmt::format("{} WHERE {} ORDER BY pour_seq LIMIT 1", select_pours, waiting)} {
  // Times since boot mean nothing in another boot.
  SQLite::Statement forget{database,
                           "UPDATE pours SET next_attempt_at = NULL, next_attempt_boot = NULL"
                           " WHERE status <> 'confirmed' AND next_attempt_at IS NOT NULL"
                           " AND (?1 = '' OR next_attempt_boot IS NOT ?1)"};
  Use{forget, boot_}.run();
}

std::vector<model::Pour> Queue::due(std::size_t most, const model::Moment& now, DueRows which) {
  std::vector<model::Pour> pours;
  Use rows{due_, std::int64_t{now.since_boot.count()},
           static_cast<std::int64_t>(std::min(most, largest_batch)),
           static_cast<std::int32_t>(which)};
  while (rows.next()) pours.push_back(read_pour(rows));
  return pours;
}

std::vector<model::Pour> Queue::unconfirmed(std::size_t most, const std::string& after) {
  std::vector<model::Pour> pours;
  Use rows{unconfirmed_, static_cast<std::int64_t>(most), after};
  while (rows.next()) pours.push_back(read_pour(rows));
  return pours;
}

model::PourStatus Queue::status_of(const model::ClientTxId& row) {
  Use use{status_, row.text()};
  if (!use.next()) throw Refusal{fmt::format("pour {}: there is no such row", row.text())};
  const std::string text = use.text();
  const auto status = model::parse_pour_status(text);
  if (!status) throw BadRow{fmt::format("pour {} has the status \"{}\"", row.text(), text)};
  return *status;
}

void Queue::mark_sent(const std::vector<model::ClientTxId>& rows, const model::Moment& now) {
  const std::string at = model::to_iso8601(now.wall);
  for (const auto& row : rows) {
    if (Use{mark_sent_, row.text(), at}.run() == 1) continue;
    throw Refusal{fmt::format("pour {}: it is \"{}\" and not to be sent", row.text(),
                              model::to_text(status_of(row)))};
  }
}

// The final verdicts of one answer are known at one moment, and so share one mark.
void Queue::apply(const std::vector<Verdict>& verdicts, std::int32_t attempt_cap,
                  const model::Moment& now, const model::Moment& retry_at) {
  mark_ = marks_.current() + 1;
  settled_ = false;
  std::int64_t confirmed = 0;
  for (const Verdict& verdict : verdicts) {
    // The usual one, in one statement; what is not `sent` is looked at more closely.
    if (verdict.kind == Verdict::Kind::confirmed && confirm(verdict, now)) {
      ++confirmed;
    } else {
      confirmed += apply_one(verdict, attempt_cap, now, retry_at) ? 1 : 0;
    }
  }
  if (settled_) static_cast<void>(marks_.next());
  note_confirmed(confirmed);
}

bool Queue::apply_one(const Verdict& verdict, std::int32_t attempt_cap, const model::Moment& now,
                      const model::Moment& retry_at) {
  const model::ClientTxId& row = verdict.client_tx_id;
  const model::PourStatus status = status_of(row);
  if (status == model::PourStatus::confirmed) return false;  // Said twice.
  if (status == model::PourStatus::open) {
    throw Refusal{fmt::format("pour {}: it is still open, no verdict can be about it", row.text())};
  }
  const bool confirmed = verdict.kind == Verdict::Kind::confirmed;
  if (status == model::PourStatus::failed) {
    if (!confirmed) return false;  // Parked already; only "it is booked" is news.
    Use{send_again_, row.text()}.run();
  }
  if (status != model::PourStatus::sent)
    Use{mark_sent_, row.text(), model::to_iso8601(now.wall)}.run();
  switch (verdict.kind) {
    case Verdict::Kind::confirmed:
      return confirm(verdict, now);
    case Verdict::Kind::final_failure:
      Use{fail_, row.text(), mark_, short_note(verdict.outcome), short_note(verdict.reason)}.run();
      settled_ = true;
      break;
    case Verdict::Kind::spend_attempt:
      spend_attempt(verdict, attempt_cap, retry_at);
      break;
    case Verdict::Kind::not_judged:
      Use{not_judged_, row.text(), short_note(verdict.reason)}.run();
      break;
  }
  return false;
}

bool Queue::confirm(const Verdict& verdict, const model::Moment& now) {
  const bool done = Use{confirm_, verdict.client_tx_id.text(), model::to_iso8601(now.wall),
                        mark_,    short_note(verdict.outcome), short_note(verdict.reason)}
                        .run() == 1;
  settled_ |= done;
  return done;
}

void Queue::spend_attempt(const Verdict& verdict, std::int32_t attempt_cap,
                          const model::Moment& retry_at) {
  Use{spend_,
      verdict.client_tx_id.text(),
      short_note(verdict.outcome),
      short_note(verdict.reason),
      attempt_cap,
      std::int64_t{retry_at.since_boot.count()},
      boot_}
      .run();
}

void Queue::send_again(const model::ClientTxId& row) {
  if (const model::PourStatus status = status_of(row); status != model::PourStatus::failed) {
    throw Refusal{fmt::format("pour {}: it is \"{}\"; only failed ones are sent again by hand",
                              row.text(), model::to_text(status))};
  }
  Use{send_again_, row.text()}.run();
}

void Queue::note_confirmed(std::int64_t more) {
  if (more == 0) return;
  confirmed_changes_ = true;
  commits_.after_commit([this, more] {
    confirmed_changes_ = false;
    if (known_confirmed_) *known_confirmed_ += more;
  });
}

// A year's rows take a tenth of a second to count, and the storage thread has better to do.
std::int64_t Queue::count_confirmed(std::int64_t unconfirmed) {
  if (known_confirmed_ && !confirmed_changes_) return *known_confirmed_;
  Use all{confirmed_};
  if (!all.next()) throw BadRow{"pours cannot be counted"};
  const std::int64_t confirmed = all.integer() - unconfirmed;
  if (!confirmed_changes_) known_confirmed_ = confirmed;
  return confirmed;
}

QueueCounts Queue::counts() {
  QueueCounts counts;
  {
    Use row{counts_};
    if (!row.next()) throw BadRow{"pours cannot be counted"};
    counts.open = row.integer();
    counts.waiting = row.integer();
    counts.failed = row.integer();
    counts.held = model::Money{row.integer()};
    counts.owed = model::Money{row.integer()};
  }
  counts.confirmed = count_confirmed(counts.open + counts.waiting + counts.failed);
  if (Use row{oldest_}; row.next()) counts.oldest_waiting = read_pour(row).begin.start;
  return counts;
}

}  // namespace tapd::storage
