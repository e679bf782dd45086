#include "storage_pours.hpp"

#include <array>
#include <stdexcept>

namespace tapd::bench {
namespace {

constexpr model::LitrePrice litre_price{500};
constexpr std::int64_t step_ml = 40;

}  // namespace

model::Moment bench_time(std::int64_t second) {
  const std::chrono::seconds since_boot{second};
  return {since_boot, std::chrono::sys_days{std::chrono::year{2026} / 11 / 21} + since_boot, true};
}

// Spread like the random ids of real pours: neighbours in time are no neighbours in the index.
model::ClientTxId bench_pour_id(std::uint64_t number) {
  std::array<std::uint8_t, 16> bytes{};
  const std::uint64_t mixed = number * 0x9E3779B97F4A7C15U;
  for (std::size_t i = 0; i < 8; ++i) {
    bytes.at(i) = static_cast<std::uint8_t>(mixed >> (8U * i));
    bytes.at(15 - i) = static_cast<std::uint8_t>(number >> (8U * i));
  }
  return model::ClientTxId::from_random(bytes);
}

model::PourBegin bench_begin(std::uint64_t number) {
  model::PourBegin begin;
  begin.client_tx_id = bench_pour_id(number);
  begin.guest_id = model::GuestId{"aaaaaaaa-0000-4000-8000-000000000001"};
  begin.card_uid = model::CardUid::parse("04ab7815cd6b80").value();
  begin.tap_id = model::TapId{1};
  begin.keg_id = model::KegId{"bbbbbbbb-0000-4000-8000-000000000001"};
  begin.price = litre_price;
  begin.authorized_by = model::AuthorizedBy::server;
  begin.hold = model::Money{1000};
  begin.start = bench_time(10);
  begin.calibration_id = 1;
  return begin;
}

model::PourProgress bench_progress(std::uint64_t number, std::int64_t millilitres) {
  model::PourProgress progress;
  progress.client_tx_id = bench_pour_id(number);
  progress.volume = model::Volume::millilitres(millilitres);
  progress.price = model::price_of(progress.volume, litre_price);
  progress.pulses = 2 * millilitres;
  progress.at = bench_time(12);
  return progress;
}

void need(const storage::Result<>& result) {
  if (!result) throw std::runtime_error{result.error().message};
}

void pour_once(storage::Ledger& ledger, std::uint64_t number, int progresses) {
  need(ledger.begin_pour(bench_begin(number), bench_boot));
  for (int i = 1; i <= progresses; ++i) {
    need(ledger.record_progress(bench_progress(number, step_ml * i)));
  }
  const auto ended = ledger.end_pour(
      {bench_progress(number, step_ml * progresses + 12), model::StopReason::card_removed});
  if (!ended) throw std::runtime_error{ended.error().message};
}

void confirm_once(storage::Ledger& ledger, std::uint64_t number) {
  const model::ClientTxId id = bench_pour_id(number);
  need(ledger.mark_sent({id}, bench_time(20)));
  need(ledger.apply_verdicts({{id, storage::Verdict::Kind::confirmed, "accepted", ""}}, 10,
                             bench_time(21), bench_time(30)));
}

}  // namespace tapd::bench
