#include "daemon/card_log.hpp"

#include <variant>

#include <fmt/format.h>

namespace tapd {
namespace {

std::string hex(const drivers::Uid& uid) {
  std::string text;
  for (std::size_t i = 0; i < uid.size; ++i) text += fmt::format("{:02X}", uid.bytes.at(i));
  return text;
}

/// Fills in what, card and why.
struct Describe {
  CardSight& sight;
  void operator()(const drivers::CardArrived& arrived) const {
    sight.what = "laid_on";
    sight.card = hex(arrived.uid);
  }
  void operator()(const drivers::CardLeft& left) const {
    sight.what = "taken_away";
    sight.card = hex(left.uid);
  }
  void operator()(const drivers::CardRefused& refused) const {
    sight.what = "refused";
    sight.why = refused.why;
  }
  void operator()(const drivers::ReaderFailed& failed) const {
    sight.what = "reader_failed";
    sight.why = failed.what;
  }
  void operator()(const drivers::ReaderBack&) const { sight.what = "reader_back"; }
};

}  // namespace

void CardLog::put(model::TapId tap, const drivers::PresenceEvent& event, model::WallTime at) {
  CardSight sight{.number = 0, .tap = tap, .at = at, .what = {}, .card = {}, .why = {}};
  std::visit(Describe{sight}, event);
  const std::lock_guard lock{guard_};
  sight.number = ++newest_;
  sights_.push_back(std::move(sight));
  if (sights_.size() > most) sights_.pop_front();
}

std::vector<CardSight> CardLog::after(std::int64_t number) const {
  const std::lock_guard lock{guard_};
  std::vector<CardSight> found;
  for (const CardSight& sight : sights_) {
    if (sight.number > number) found.push_back(sight);
  }
  return found;
}

std::int64_t CardLog::newest() const {
  const std::lock_guard lock{guard_};
  return newest_;
}

}  // namespace tapd
