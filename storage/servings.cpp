#include "storage/servings.hpp"

#include <fmt/format.h>

#include "storage/errors.hpp"
#include "storage/pour_rows.hpp"
#include "storage/statement.hpp"

namespace tapd::storage {
namespace {

/// More than anybody drinks within the longest window, a day.
constexpr std::int64_t most_servings = 500;

}  // namespace

Servings::Servings(SQLite::Database& database)
    : note_{database,
            "INSERT INTO servings (pour_seq, guest_id, category, limit_ml, lifted_by)"
            " SELECT pour_seq, guest_id, ?2, ?3, nullif(?4, '') FROM pours"
            " WHERE client_tx_id = ?1 AND status = 'open'"},
      newest_{database,
              "SELECT category, iif(status = 'open', max(limit_ml, volume_ml), volume_ml),"
              " start_mono_ns, start_ts, clock_trusted, boot_id,"
              " (SELECT boot_wall_ms FROM clock_marks WHERE clock_marks.boot_id = pours.boot_id)"
              " FROM servings JOIN pours USING (pour_seq) WHERE servings.guest_id = ?1"
              " AND (status = 'open' OR volume_ml > 0) ORDER BY servings.pour_seq DESC LIMIT ?2"} {}

void Servings::note(const ServingNote& note) {
  const std::string lifted_by = note.lifted_by ? note.lifted_by->text() : std::string{};
  const int written =
      Use{note_, note.client_tx_id.text(), note.category, note.limit.in_millilitres(), lifted_by}
          .run();
  if (written != 1) {
    throw Refusal{
        fmt::format("pour {}: it is not open, so nothing is served", note.client_tx_id.text())};
  }
}

std::vector<model::Serving> Servings::of(const model::GuestId& guest) {
  std::vector<model::Serving> servings;
  Use rows{newest_, guest.text(), most_servings};
  while (rows.next()) {
    model::Serving& serving = servings.emplace_back();
    serving.category = rows.text();
    serving.volume = model::Volume::millilitres(rows.integer());
    serving.start.since_boot = model::SinceBoot{rows.integer()};
    serving.start.wall = read_wall_time(rows.text());
    serving.start.wall_trusted = rows.flag();
    serving.boot = model::BootId{rows.text()};
    correct_wall_time(serving.start, rows.integer_or_null());
  }
  return servings;
}

}  // namespace tapd::storage
