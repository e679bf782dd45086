#include "venue.hpp"

#include <algorithm>

namespace tapd::crash {
namespace {

using storage::Error;
using storage::Result;
using storage::Verdict;

constexpr std::int32_t attempt_cap = 10;
constexpr int most_batches = 100;
const model::BootId boot{"cccccccc-0000-4000-8000-000000000001"};

model::PourProgress progress_of(std::uint64_t number, std::int64_t millilitres,
                                std::int64_t second) {
  model::PourProgress progress;
  progress.client_tx_id = pour_id(number);
  progress.volume = model::Volume::millilitres(millilitres);
  progress.price = model::price_of(progress.volume, litre_price);
  progress.pulses = 2 * millilitres;
  progress.at = at(second);
  return progress;
}

template<typename T>
const T& take(const Result<T>& result) {
  if (!result) throw Stopped{result.error()};
  return *result;
}

template<typename T>
Result<> only_done(const Result<T>& result) {
  if (!result) return tl::make_unexpected(result.error());
  return {};
}

}  // namespace

Venue::Venue(CrashDisk& disk, Sheet sheet, Server server, int medium_blocks)
    : disk_{disk},
      medium_blocks_{medium_blocks},
      sheet_{std::move(sheet)},
      server_{std::move(server)} {
  steps_.push_back({disk_.operations(), disk_.operations(), false, sheet_, server_});
  open();
}

void Venue::open() {
  ledger_.emplace(storage::LedgerOptions{ledger_name, disk_.name(), boot, medium_blocks_});
}

void Venue::restart() {
  ledger_.reset();
  open();
  finish_open();
}

std::optional<std::uint64_t> Venue::open_on(std::int32_t tap) const {
  for (const auto& [number, pour] : sheet_.pours) {
    if (pour.status == model::PourStatus::open && pour.tap == tap) return number;
  }
  return std::nullopt;
}

void Venue::call(const Sheet& after, bool progress, const std::function<Result<>()>& call) {
  const std::size_t began = disk_.operations();
  Result<> result = call();
  if (!result && decide_) {
    if (!in_doubt_) in_doubt_ = after;
    if (decide_(result.error())) result = call();
  }
  if (!result) throw Stopped{result.error()};
  sheet_ = after;
  ++second_;
  steps_.push_back({began, disk_.operations(), progress, sheet_, server_});
}

void Venue::settle_on(const Sheet& sheet) {
  sheet_ = sheet;
  for (Step& step : steps_) step.after = sheet;
}

void Venue::begin(std::int32_t tap, int guest, std::int64_t hold) {
  const std::uint64_t number = sheet_.pours.empty() ? 1 : sheet_.pours.rbegin()->first + 1;
  Sheet after = sheet_;
  after.pours[number] = {.guest = guest, .tap = tap, .hold = hold};
  model::PourBegin begin;
  begin.client_tx_id = pour_id(number);
  begin.guest_id = guest_id(guest);
  begin.card_uid = card_uid(guest);
  begin.tap_id = model::TapId{tap};
  begin.price = litre_price;
  begin.authorized_by = model::AuthorizedBy::server;
  begin.hold = model::Money{hold};
  begin.start = at(second_);
  begin.calibration_id = 1;
  call(after, false, [&] { return ledger_->begin_pour(begin, boot); });
}

void Venue::progress(std::int32_t tap, std::int64_t millilitres) {
  const auto number = open_on(tap);
  if (!number) return;
  Sheet after = sheet_;
  const std::int64_t now = after.pours.at(*number).millilitres += millilitres;
  call(after, true, [&] { return ledger_->record_progress(progress_of(*number, now, second_)); });
}

void Venue::end(std::int32_t tap, std::int64_t millilitres) {
  const auto number = open_on(tap);
  if (!number) return;
  Sheet after = sheet_;
  TruePour& pour = after.pours.at(*number);
  pour.millilitres += millilitres;
  pour.status = model::PourStatus::fresh;
  call(after, true, [&] {
    return only_done(ledger_->end_pour(
        {progress_of(*number, pour.millilitres, second_), model::StopReason::card_removed}));
  });
}

void Venue::finish_open() {
  call(sheet_.finished(), false,
       [&] { return only_done(ledger_->finish_open_pours(at(second_))); });
}

void Venue::send(std::size_t most, bool answer_lost, bool refuses) {
  std::vector<model::ClientTxId> ids;
  std::vector<std::uint64_t> numbers;
  Sheet sent = sheet_;
  for (auto& [number, pour] : sent.pours) {
    const bool due =
        pour.status == model::PourStatus::fresh || pour.status == model::PourStatus::sent;
    if (!due || numbers.size() == most) continue;
    pour.status = model::PourStatus::sent;
    numbers.push_back(number);
    ids.push_back(pour_id(number));
  }
  if (numbers.empty()) return;
  call(sent, false, [&] { return ledger_->mark_sent(ids, at(second_)); });

  std::vector<Verdict> verdicts;
  Sheet judged = sheet_;
  for (const std::uint64_t number : numbers) {
    TruePour& pour = judged.pours.at(number);
    const auto kind = server_.judge(number, pour, refuses && number == numbers.front());
    pour.status =
        kind == Verdict::Kind::confirmed ? model::PourStatus::confirmed : model::PourStatus::failed;
    verdicts.push_back({pour_id(number), kind, "accepted", ""});
  }
  steps_.back().server = server_;  // The rows are with the server, whatever happens now.
  if (answer_lost) return;
  call(judged, false,
       [&] { return ledger_->apply_verdicts(verdicts, attempt_cap, at(second_), at(second_)); });
}

void Venue::snapshot() {
  const storage::Marker asked = take(ledger_->ask_marker());
  call(sheet_, false,
       [&] { return ledger_->apply_snapshot(server_.snapshot(), asked, at(second_), boot); });
}

void Venue::hear_balance(int guest) {
  const storage::Marker asked = take(ledger_->ask_marker());
  const storage::HeardBalance heard{card_uid(guest), guest_id(guest),
                                    "Anna",          model::Money{server_.balance(guest)},
                                    asked,           at(second_)};
  call(sheet_, false, [&] { return ledger_->hear_balance(heard, boot); });
}

void reference_evening(Venue& venue) {
  constexpr int rounds = 6;
  venue.snapshot();
  for (int round = 0; round < rounds; ++round) {
    venue.begin(1, 1, 900);
    venue.progress(1, 50);
    venue.begin(2, 1 + round % 2, 700);
    venue.progress(2, 40);
    venue.progress(1, 50);
    venue.end(1, 12);
    venue.progress(2, 50);
    venue.send(10, round % 3 == 1, false);
    venue.end(2, 7);
    if (round == 3) venue.hear_balance(1);
    venue.send(10, false, round == 4);
  }
  venue.snapshot();
  venue.begin(1, 3, 500);
  venue.progress(1, 50);
  venue.restart();
  venue.begin(1, 2, 400);
  venue.progress(1, 33);
  venue.end(1, 3);
  venue.send(10, true, false);
}

void random_evening(Venue& venue, test::Random& random, int commits) {
  venue.snapshot();
  while (venue.steps().size() < static_cast<std::size_t>(commits)) {
    const auto tap = static_cast<std::int32_t>(random.between(1, taps));
    const int guest = static_cast<int>(random.between(1, guests));
    const std::uint64_t dice = random.below(40);
    if (!venue.pouring(tap) && dice < 20) {
      venue.begin(tap, guest, random.between(0, 400));
    } else if (dice < 14) {
      venue.progress(tap, random.between(0, 60));
    } else if (dice < 22) {
      venue.end(tap, random.between(0, 30));
    } else if (dice < 34) {
      venue.send(static_cast<std::size_t>(random.between(1, 5)), random.chance(25),
                 random.chance(5));
    } else if (dice < 36) {
      venue.snapshot();
    } else if (dice < 39) {
      venue.hear_balance(guest);
    } else if (random.chance(40)) {
      venue.restart();
    }
  }
}

void recovery(Venue& venue) {
  venue.finish_open();
  const auto waits = [&venue] {
    return std::any_of(venue.sheet().pours.begin(), venue.sheet().pours.end(), [](const auto& row) {
      return row.second.status == model::PourStatus::fresh ||
             row.second.status == model::PourStatus::sent;
    });
  };
  for (int batch = 0; batch < most_batches && waits(); ++batch) venue.send(50, false, false);
  venue.snapshot();
}

}  // namespace tapd::crash
