#include "daemon/book_keeping_thread.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "daemon/backup_place.hpp"
#include "storage/backup.hpp"
#include "storage/upkeep.hpp"

namespace tapd {
namespace {

constexpr std::chrono::seconds between_looks{60};
constexpr int pages_at_once = 64;  ///< 256 KiB; a MiB is synced at once.
constexpr std::size_t rows_at_once = 200;
/// Between two parts the disk is left to others, ...
constexpr std::chrono::milliseconds breath{5};
/// ... and for longer when the medium was kept busy, or somebody pours.
constexpr std::chrono::milliseconds long_breath{100};

/// No chore is worth a tap that stands still: what nobody expected is told, like a failure.
template<typename Work>
storage::Result<> answered(Work&& work) {
  try {
    return work();
  } catch (const std::exception& error) {
    return tl::unexpected(storage::Error{storage::Error::Kind::io, error.what()});
  }
}

tl::unexpected<storage::Error> given_up() {
  return tl::unexpected(
      storage::Error{storage::Error::Kind::refused, "given up: tapd was told to stop"});
}

}  // namespace

BookKeepingThread::BookKeepingThread(BookKeepingRules rules, StorageThread& storage,
                                     std::function<model::Moment()> now, Journal& journal)
    : rules_{std::move(rules)},
      storage_{storage},
      now_{std::move(now)},
      journal_{journal},
      thread_{[this](const std::stop_token& stop) { work(stop); }} {}

bool BookKeepingThread::ask_backup(const std::filesystem::path& file) {
  {
    const std::scoped_lock lock{mutex_};
    std::error_code error;
    if (asked_.stage == BackupAsked::Stage::under_way) return false;
    if (!file.empty() && std::filesystem::exists(file, error)) return false;
    asked_ = {.stage = BackupAsked::Stage::under_way,
              .file = file.empty() ? rules_.backup_file.string() : file.string(),
              .why = {}};
  }
  changed_.notify_one();
  return true;
}

BackupAsked BookKeepingThread::backup_asked() const {
  const std::scoped_lock lock{mutex_};
  return asked_;
}

void BookKeepingThread::work(const std::stop_token& stop) {
  state_.backup_holds = storage::books_of_copy(rules_.backup_file);
  while (!stop.stop_requested()) {
    {
      std::unique_lock lock{mutex_};
      changed_.wait_for(lock, stop, between_looks,
                        [this] { return asked_.stage == BackupAsked::Stage::under_way; });
    }
    if (stop.stop_requested()) return;
    serve_asked(stop);
    look(stop);
  }
}

void BookKeepingThread::breathe(const std::stop_token& stop, std::chrono::milliseconds time) {
  std::unique_lock lock{mutex_};
  changed_.wait_for(lock, stop, time, [] { return false; });
}

void BookKeepingThread::serve_asked(const std::stop_token& stop) {
  const BackupAsked asked = backup_asked();
  if (asked.stage != BackupAsked::Stage::under_way) return;
  const auto done = answered([&] { return back_up(asked.file, stop); });
  journal_.line(
      done ? Message::backup_written : Message::backup_failed, done ? Level::info : Level::error,
      done ? fmt::format("backup written to {}", asked.file)
           : fmt::format("the backup that was asked for failed: {}", done.error().message));
  const std::scoped_lock lock{mutex_};
  asked_.stage = done ? BackupAsked::Stage::done : BackupAsked::Stage::failed;
  if (!done) asked_.why = done.error().message;
}

void BookKeepingThread::look(const std::stop_token& stop) {
  const auto open = storage_.run([](storage::Ledger& ledger) { return ledger.pour_open(); });
  const auto books = storage_.run([](storage::Ledger& ledger) { return ledger.state_of_books(); });
  if (!open || !books) return;  // The ledger's own trouble is told where it is met.
  const Chore chore = next_chore(rules_, state_, *books, *open, now_());
  if (chore == Chore::none) return;
  const auto done = answered([&] { return carry_out(chore, stop); });
  if (done || stop.stop_requested()) return;
  state_.failed[chore] = now_().since_boot;
  if (done.error().kind == storage::Error::Kind::corrupt) {
    storage_.run([](storage::Ledger& ledger) { ledger.note_suspicion(); });
  }
  journal_.line(Message::book_keeping_failed, Level::error,
                fmt::format("book keeping: {}", done.error().message));
}

storage::Result<> BookKeepingThread::carry_out(Chore chore, const std::stop_token& stop) {
  switch (chore) {
    case Chore::none:
      return {};
    case Chore::back_up:
      return back_up(rules_.backup_file, stop);
    case Chore::check:
      return check(stop);
    case Chore::forget:
      return forget(stop);
  }
  return {};
}

storage::Result<> BookKeepingThread::back_up(const std::filesystem::path& file,
                                             const std::stop_token& stop) {
  if (const auto why = why_no_backup(file)) {
    return tl::unexpected(storage::Error{storage::Error::Kind::refused, "no backup: " + *why});
  }
  const std::filesystem::path copy = storage::unfinished_name(file);
  std::string holds;
  auto begun = storage_.run([&](storage::Ledger& ledger) -> storage::Result<> {
    auto books = ledger.state_of_books();
    if (!books) return tl::unexpected(books.error());
    holds = *std::move(books);
    return ledger.begin_copy(copy);
  });
  if (!begun) return begun;
  BackupPace pace;
  for (;;) {
    const auto complete = go_on_copying(copy, pace, stop);
    if (complete && *complete) break;
    if (!complete || stop.stop_requested()) {
      storage_.run([](storage::Ledger& ledger) { ledger.drop_copy(); });
      return complete ? given_up() : storage::Result<>{tl::unexpected(complete.error())};
    }
  }
  const auto told_to_stop = [&stop] { return stop.stop_requested(); };
  if (const auto kept = storage::keep_copy(copy, file, told_to_stop); !kept) return kept;
  if (file == rules_.backup_file) {
    state_.backed_up = now_().since_boot;
    state_.backup_holds = holds;
  }
  return {};
}

/// One step; true: the copy is complete.
storage::Result<bool> BookKeepingThread::go_on_copying(const std::filesystem::path& copy,
                                                       BackupPace& pace,
                                                       const std::stop_token& stop) {
  const auto open = storage_.run([](storage::Ledger& ledger) { return ledger.pour_open(); });
  switch (pace.next(open && *open)) {
    case BackupPace::Step::wait:
      breathe(stop, long_breath);
      return false;
    case BackupPace::Step::sync:
      if (const auto synced = storage::sync_part(copy); !synced) {
        return tl::unexpected(synced.error());
      }
      pace.synced();
      breathe(stop, long_breath);
      return false;
    case BackupPace::Step::copy:
      break;
  }
  const auto part =
      storage_.run([](storage::Ledger& ledger) { return ledger.continue_copy(pages_at_once); });
  pace.copied();
  if (part && !*part) breathe(stop, breath);
  return part;
}

storage::Result<> BookKeepingThread::check(const std::stop_token& stop) {
  storage::ChainPosition from;
  for (bool at_end = false; !at_end;) {
    const auto slice = storage_.run(
        [&from](storage::Ledger& ledger) { return ledger.verify_chain(from, rows_at_once); });
    if (!slice) return tl::unexpected(slice.error());
    if (slice->broken) {
      state_.checked = now_().since_boot;
      return tl::unexpected(storage::Error{
          storage::Error::Kind::corrupt,
          fmt::format("the chain of pours is BROKEN at pour {} ({}): {}; keep the file, compare "
                      "with the venue server, see tapctl verify",
                      slice->broken->chain_no, slice->broken->client_tx_id, slice->broken->what)});
    }
    from = slice->reached;
    at_end = slice->at_end;
    if (stop.stop_requested()) return given_up();
    breathe(stop, breath);
  }
  state_.checked = now_().since_boot;
  return {};
}

storage::Result<> BookKeepingThread::forget(const std::stop_token& stop) {
  const model::Moment now = now_();
  const model::WallTime before = now.wall - rules_.keep_confirmed;
  const model::WallTime balances = std::min(before, now.wall - rules_.oldest_balance);
  std::int64_t after = 0;
  for (bool more = true; more;) {
    const auto batch = storage_.run([&](storage::Ledger& ledger) {
      return ledger.forget_confirmed(before, after, rows_at_once, balances);
    });
    if (!batch) return tl::unexpected(batch.error());
    after = batch->reached;
    more = batch->more;
    if (stop.stop_requested()) return given_up();
    breathe(stop, breath);
  }
  state_.forgotten = now_().since_boot;
  return {};
}

}  // namespace tapd
