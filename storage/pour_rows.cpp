#include "storage/pour_rows.hpp"

#include <optional>

#include <fmt/format.h>

#include "storage/errors.hpp"

namespace tapd::storage {
namespace {

using std::chrono::milliseconds;

template<typename Value>
Value known(const std::optional<Value>& value, const char* column, const std::string& text) {
  if (value) return *value;
  throw BadRow{fmt::format("pours.{} holds \"{}\", which means nothing", column, text)};
}

model::PourBegin read_begin(Use& row) {
  model::PourBegin begin;
  const std::string id = row.text();
  const auto parsed_id = model::ClientTxId::parse(id);
  if (!parsed_id) throw BadRow{parsed_id.error()};
  begin.client_tx_id = *parsed_id;
  begin.guest_id = model::GuestId{row.text()};
  const auto card = model::CardUid::parse(row.text());
  if (!card) throw BadRow{card.error()};
  begin.card_uid = *card;
  begin.tap_id = model::TapId{static_cast<std::int32_t>(row.integer())};
  begin.keg_id = model::KegId{row.text()};
  begin.price = model::LitrePrice{row.integer()};
  const std::string by = row.text();
  begin.authorized_by = known(model::parse_authorized_by(by), "authorized_by", by);
  begin.hold = model::Money{row.integer()};
  begin.calibration_id = row.integer();
  return begin;
}

}  // namespace

const char* const select_pours =
    "SELECT client_tx_id, guest_id, card_uid, tap_id, coalesce(keg_id, ''), price_cents_per_litre,"
    " authorized_by, hold_cents, calibration_id,"
    " start_mono_ns, start_ts, end_mono_ns, end_ts, clock_trusted,"
    " (SELECT boot_wall_ms FROM clock_marks WHERE clock_marks.boot_id = pours.boot_id),"
    " volume_ml, tail_volume_ml, price_cents, coalesce(duration_ms, 0),"
    " coalesce(stop_reason, 'power_loss'), status, pulses, edges_lost, checkpoints, attempts,"
    " last_error, server_outcome FROM pours ";

model::Pour read_pour(Use& row) {
  model::Pour pour;
  pour.begin = read_begin(row);
  pour.begin.start.since_boot = model::SinceBoot{row.integer()};
  pour.begin.start.wall = read_wall_time(row.text());
  pour.end.since_boot = model::SinceBoot{row.integer()};
  pour.end.wall = read_wall_time(row.text());
  pour.begin.start.wall_trusted = pour.end.wall_trusted = row.flag();
  const auto boot_wall_ms = row.integer_or_null();
  correct_wall_time(pour.begin.start, boot_wall_ms);
  correct_wall_time(pour.end, boot_wall_ms);

  pour.volume = model::Volume::millilitres(row.integer());
  pour.tail = model::Volume::millilitres(row.integer());
  pour.price = model::Money{row.integer()};
  pour.duration = milliseconds{row.integer()};
  const std::string reason = row.text();
  pour.stop_reason = known(model::parse_stop_reason(reason), "stop_reason", reason);
  const std::string status = row.text();
  pour.status = known(model::parse_pour_status(status), "status", status);
  pour.pulses = row.integer();
  pour.edges_lost = row.integer();
  pour.checkpoints = row.integer();
  pour.attempts = static_cast<std::int32_t>(row.integer());
  pour.last_error = row.text();
  pour.server_outcome = row.text();
  return pour;
}

model::WallTime read_wall_time(const std::string& text) {
  const auto time = model::parse_iso8601(text);
  if (!time) throw BadRow{fmt::format("a row holds \"{}\" where a time belongs", text)};
  return *time;
}

void correct_wall_time(model::Moment& moment, std::optional<std::int64_t> boot_wall_ms) {
  if (moment.wall_trusted || !boot_wall_ms) return;
  moment.wall = model::WallTime{milliseconds{*boot_wall_ms}} +
                std::chrono::floor<milliseconds>(moment.since_boot);
  moment.wall_trusted = true;
}

std::int64_t milliseconds_of(model::WallTime time) {
  return time.time_since_epoch().count();
}

model::WallTime wall_time_of_boot(const model::Moment& moment) {
  return moment.wall - std::chrono::floor<milliseconds>(moment.since_boot);
}

}  // namespace tapd::storage
