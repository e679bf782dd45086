#include "tests/demo/evening.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "storage/model/money.hpp"

namespace tapd::demo {
namespace {

struct Words {
  std::string text;
  Mood mood{Mood::quiet};
};

/// What a tap's state means to somebody who looks on.
Words words_for(const TapStatus& tap) {
  if (tap.state == "idle") return {"free", Mood::quiet};
  if (tap.state == "authorizing") return {"may this card pour?", Mood::busy};
  if (tap.state == "preparing") return {"the pour is being written to disk", Mood::busy};
  if (tap.state == "ready") return {"valve OPEN", Mood::good};
  if (tap.state == "pouring") {
    return {tap.authorized_by == "server" ? "valve OPEN, the server said yes"
                                          : "valve OPEN, the balance is known here",
            Mood::good};
  }
  if (tap.state == "settling") return {"valve shut, counting the last drops", Mood::busy};
  if (tap.state == "finished") return {"valve shut, done", Mood::quiet};
  if (tap.state == "denied") return {"REFUSED: " + in_words(tap.reason), Mood::bad};
  return {tap.state + ": " + tap.reason, Mood::bad};
}

std::string standing_of(const PourRecord& pour) {
  if (pour.status == "confirmed") return "booked";
  return pour.status == "failed" ? "NOT BOOKED" : "waits in the queue";
}

std::string guest_at(const Evening& evening, std::int64_t tap) {
  for (const Guest& guest : evening.guests) {
    if (guest.visit().tap == tap && guest.is_there()) return guest.visit().guest;
  }
  return "";
}

TapPicture paint_tap(const Evening& evening, const CastTap& cast) {
  TapPicture picture{.number = cast.number,
                     .beverage = cast.beverage,
                     .litre_price = cast.litre_price,
                     .guest = guest_at(evening, cast.number)};
  if (const auto last = evening.last_pour.find(cast.number); last != evening.last_pour.end()) {
    const PourRecord& pour = evening.pours.at(last->second);
    picture.note = fmt::format("last: {}; {}", in_words(pour, evening.cast), standing_of(pour));
  }
  const TapStatus* const tap = evening.tap(cast.number);
  if (tap == nullptr) {
    picture.state = "not heard of yet";
    return picture;
  }
  picture.has_glass = !tap->receipt.empty();
  picture.volume_ml = tap->volume_ml;
  picture.limit_ml = tap->limit_ml;
  picture.price_cents = tap->price_cents;
  Words words = words_for(*tap);
  if (picture.guest.empty()) picture.guest = tap->guest;  // the card is gone, the tap still counts
  if (!evening.tapd_up) {
    words = {picture.has_glass ? "CUT OFF: receipt " + tap->receipt : "nobody in charge",
             Mood::bad};
  }
  picture.state = words.text;
  picture.mood = words.mood;
  return picture;
}

PartPicture paint_tapd(const Evening& evening) {
  if (!evening.tapd_up) return {"KILLED", "no process; what is on disk stays", Mood::bad};
  const auto open = std::count_if(evening.status.taps.begin(), evening.status.taps.end(),
                                  [](const TapStatus& tap) { return tap.valve_open; });
  return {"UP", fmt::format("{} of {} valves open", open, evening.status.taps.size()), Mood::good};
}

PartPicture paint_server(const Evening& evening) {
  if (!evening.server_up) {
    const bool noticed = evening.tapd_up && !evening.status.server_reachable;
    return {"KILLED", noticed ? "tapd has noticed and sells from cached balances" : "no process",
            Mood::bad};
  }
  if (!evening.tapd_up) return {"UP", "", Mood::good};
  if (!evening.status.server_reachable) return {"UP", "tapd has not found it yet", Mood::busy};
  return {"UP", "tapd reaches it", Mood::good};
}

}  // namespace

const TapStatus* Evening::tap(std::int64_t number) const {
  const auto found = std::find_if(status.taps.begin(), status.taps.end(),
                                  [number](const TapStatus& tap) { return tap.tap == number; });
  return found == status.taps.end() ? nullptr : &*found;
}

Picture paint(const Evening& evening) {
  Picture picture{.elapsed = evening.elapsed,
                  .scene = evening.scene_number,
                  .scenes = evening.scenes,
                  .title = evening.scene.title,
                  .words = evening.scene.words};
  const Incident incident = evening.scene.incident;
  const bool kill = incident == Incident::kill_server || incident == Incident::kill_tapd;
  const bool start = incident == Incident::start_server || incident == Incident::start_tapd;
  picture.mood = kill ? Mood::bad : start ? Mood::good : Mood::quiet;
  for (const CastTap& tap : evening.cast.taps) picture.taps.push_back(paint_tap(evening, tap));
  picture.tapd = paint_tapd(evening);
  picture.server = paint_server(evening);
  picture.waiting = evening.status.queue.waiting;
  picture.owed_cents = evening.status.queue.owed_cents;
  picture.booked = evening.booked_pours;
  picture.booked_cents = evening.booked_cents;
  picture.events = evening.events;
  return picture;
}

std::string in_words(const PourRecord& pour, const Cast& cast) {
  return fmt::format("{}, {} ml, {}, receipt {}", cast.name_of(pour.guest_id), pour.volume_ml,
                     model::to_text(model::Money{pour.price_cents}), pour.receipt);
}

}  // namespace tapd::demo
