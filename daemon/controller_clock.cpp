#include <fmt/format.h>

#include "daemon/controller.hpp"

namespace tapd {

// A board without a battery clock sells before it knows the date. Once a time service has told it,
// one mark in the ledger dates everything that this boot has written.
void Controller::watch_clock(const model::Moment& now) {
  if (!now.wall_trusted || !note_clock_at_ || now.since_boot < *note_clock_at_) return;
  note_clock_at_.reset();
  ports_.storage(NoteClock{now});
}

void Controller::on_clock_noted(const ClockNoted& noted, const model::Moment& now) {
  if (noted.result) {
    ports_.journal->line(Message::clock_set, Level::info,
                         fmt::format("the clock is set: it is {}", model::to_iso8601(now.wall)));
    return;
  }
  note_clock_at_ = now.since_boot + options_.clock_retry;
  ports_.journal->line(Message::clock_not_noted, Level::warning,
                       "the time of the clock could not be noted, pours before it was set keep "
                       "their wrong dates until it can: " +
                           noted.result.error().message);
}

}  // namespace tapd
