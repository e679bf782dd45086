#include "drivers/mfrc522_recovery.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace tapd::drivers {
namespace {

using std::chrono::duration_cast;
using std::chrono::milliseconds;
using std::chrono::seconds;

const char* in_words(std::optional<ReaderRemedy> remedy) {
  if (!remedy) return "nothing was done";
  switch (*remedy) {
    case ReaderRemedy::initialise:
      return "initialised again";
    case ReaderRemedy::soft_reset:
      return "reset by its reset command";
    case ReaderRemedy::reset_line:
      return "reset by its reset line";
    case ReaderRemedy::reopen:
      return "its SPI device opened again";
  }
  return "";
}

std::string in_words(std::chrono::nanoseconds length) {
  const auto ms = duration_cast<milliseconds>(length).count();
  if (ms < 100'000) return fmt::format("{}.{} s", ms / 1'000, ms % 1'000 / 100);
  return fmt::format("{} min", (ms + 59'999) / 60'000);
}

}  // namespace

ReaderRecovery::ReaderRecovery(RecoveryRules rules)
    : rules_(rules), next_pause_(rules.first_pause) {}

void ReaderRecovery::failed(const std::string& what, SinceBoot now) {
  trouble_ = what;
  if (last_failure_ && now - *last_failure_ >= rules_.well_for) next_pause_ = rules_.first_pause;
  last_failure_ = now;
  if (!incident_) {
    incident_ = Incident{
        .what = what, .began = now, .remedy = std::nullopt, .works_since = {}, .good_looks = 0};
    ++counted_.incidents;
  }
  incident_->good_looks = 0;
  incident_->works_since.reset();
  failures_.push_back(now);
  while (now - failures_.front() >= rules_.failure_window) failures_.pop_front();
  if (retry_at_) {
    pause(now);
  } else if (failures_.size() >= static_cast<std::size_t>(rules_.failures_to_fault)) {
    give_up(now);
  }
  while (failures_.size() >= static_cast<std::size_t>(rules_.failures_to_fault)) {
    failures_.pop_front();
  }
}

void ReaderRecovery::pause(SinceBoot now) {
  retry_at_ = now + next_pause_;
  next_pause_ = std::min(2 * next_pause_, rules_.longest_pause);
}

void ReaderRecovery::give_up(SinceBoot now) {
  pause(now);
  ++counted_.given_up;
  notes_.push_back(
      {.serious = true,
       .text = fmt::format("{}; no remedy helped for long ({} failures, last: {}); out of service, "
                           "tried again every 0.5 to {} s",
                           incident_->what, rules_.failures_to_fault, in_words(incident_->remedy),
                           duration_cast<seconds>(rules_.longest_pause).count())});
}

void ReaderRecovery::worked(SinceBoot now) {
  if (!incident_) return;
  if (!incident_->works_since) incident_->works_since = now;
  if (++incident_->good_looks >= rules_.good_looks_to_end) end_incident();
}

void ReaderRecovery::end_incident() {
  notes_.push_back({.serious = retry_at_.has_value(),
                    .text = fmt::format("{}; {}; works again after {}", incident_->what,
                                        in_words(incident_->remedy),
                                        in_words(*incident_->works_since - incident_->began))});
  if (retry_at_) failures_.clear();
  retry_at_.reset();
  incident_.reset();
}

std::optional<ReaderRemedy> ReaderRecovery::next(SinceBoot now) {
  if (!incident_) {
    return rules_.has_reset_line ? ReaderRemedy::reset_line : ReaderRemedy::soft_reset;
  }
  if (retry_at_ && now < *retry_at_) return std::nullopt;
  incident_->remedy = retry_at_ ? ReaderRemedy::reopen : stronger_than(incident_->remedy);
  count(*incident_->remedy);
  return incident_->remedy;
}

ReaderRemedy ReaderRecovery::stronger_than(std::optional<ReaderRemedy> remedy) const {
  if (!remedy) return ReaderRemedy::initialise;
  switch (*remedy) {
    case ReaderRemedy::initialise:
      return ReaderRemedy::soft_reset;
    case ReaderRemedy::soft_reset:
      return rules_.has_reset_line ? ReaderRemedy::reset_line : ReaderRemedy::reopen;
    case ReaderRemedy::reset_line:
    case ReaderRemedy::reopen:
      break;
  }
  return ReaderRemedy::reopen;
}

void ReaderRecovery::count(ReaderRemedy remedy) {
  switch (remedy) {
    case ReaderRemedy::initialise:
      ++counted_.initialised;
      return;
    case ReaderRemedy::soft_reset:
      ++counted_.soft_resets;
      return;
    case ReaderRemedy::reset_line:
      ++counted_.line_resets;
      return;
    case ReaderRemedy::reopen:
      ++counted_.reopened;
      return;
  }
}

void ReaderRecovery::report(ReaderHealth& health) const {
  health.out_of_service = out_of_service();
  health.incidents = counted_.incidents;
  health.initialised = counted_.initialised;
  health.soft_resets = counted_.soft_resets;
  health.line_resets = counted_.line_resets;
  health.reopened = counted_.reopened;
  health.given_up = counted_.given_up;
}

std::vector<ReaderNote> ReaderRecovery::take_notes() {
  return std::exchange(notes_, {});
}

}  // namespace tapd::drivers
