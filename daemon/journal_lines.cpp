#include "daemon/journal_lines.hpp"

#include <fmt/format.h>

namespace tapd {
namespace {

std::string who(const TapContext& context) {
  std::string text = context.card.empty() ? "no card" : "card " + context.card.masked();
  if (!context.guest.empty()) text += " (" + context.guest + ")";
  return text;
}

}  // namespace

JournalLine line_for(const Say& say, const TapContext& context) {
  const int tap = context.tap.number();
  switch (say.topic) {
    case Topic::card_seen:
      return {Level::info, fmt::format("tap {}: {} laid on", tap, who(context))};
    case Topic::denied:
      return {Level::warning,
              fmt::format("tap {}: {} may not pour: {}", tap, who(context), say.detail)};
    case Topic::valve_opened:
      return {Level::info, fmt::format("tap {}: valve open for {}{}{}", tap, who(context),
                                       context.beverage.empty() ? "" : ", ", context.beverage)};
    case Topic::pour_ended:
      return {Level::debug, fmt::format("tap {}: settled after {}", tap, say.detail)};
    case Topic::tap_locked:
      return {Level::warning, fmt::format("tap {}: does not sell: {}", tap, say.detail)};
    case Topic::tap_unlocked:
      return {Level::info, fmt::format("tap {}: sells again ({} lifted)", tap, say.detail)};
    case Topic::tap_faulted:
      return {Level::error,
              fmt::format("tap {}: FAULT {}; the valve is told to shut", tap, say.detail)};
    case Topic::tap_repaired:
      return {Level::info, fmt::format("tap {}: {} is well again", tap, say.detail)};
    case Topic::gas:
      return {Level::warning,
              fmt::format("tap {}: gas or foam instead of beer: the valve is shut and {} are not "
                          "charged; look at the keg, its pressure and the line's temperature",
                          tap, say.detail)};
    case Topic::silence:
      return {Level::warning,
              fmt::format("tap {}: {}; if the handle was pulled, look for an empty keg, a shut "
                          "cock, a valve that does not open or a dead meter",
                          tap, say.detail)};
    case Topic::line_refill:
      return {Level::info,
              fmt::format("tap {}: {} filled the line after the pause and are not charged", tap,
                          say.detail)};
    case Topic::abandoned:
      return {Level::info,
              fmt::format("tap {}: {} left before the valve opened", tap, who(context))};
  }
  return {Level::error, "a line without words"};
}

namespace {

/// More edges out of turn than one in so many: pulses are being lost somewhere.
constexpr std::int64_t tolerable_out_of_turn = 100;

/// What was odd about the measurement, with a comma in front; empty: nothing.
std::string oddities(const MeterEvidence& meter) {
  std::string text;
  const auto add = [&text](std::int64_t count, std::string_view what) {
    if (count > 0) text += fmt::format(", {} {}", count, what);
  };
  add(meter.edges_lost, "edges lost by the kernel and counted");
  add(meter.out_of_turn, "edges out of turn");
  if (meter.low_flow * 10 > meter.edges) add(meter.low_flow, "edges below the meter's range");
  if (meter.run_on > model::Volume{}) {
    text += fmt::format(", {} of run-on taken off", model::to_text(meter.run_on));
  }
  if (meter.suspect_gas) text += ", suspect gas";
  if (meter.not_believed > model::Volume{}) {
    text += fmt::format(", {} not believed", model::to_text(meter.not_believed));
  }
  return text;
}

bool loses_edges(const MeterEvidence& meter) {
  return meter.edges_lost > 0 || meter.out_of_turn * tolerable_out_of_turn > meter.edges;
}

}  // namespace

JournalLine line_for(const EndPour& ended, const TapContext& context) {
  const model::PourProgress& last = ended.end.last;
  return {loses_edges(ended.evidence) ? Level::warning : Level::info,
          fmt::format("tap {}: {} poured {} for {} (receipt {}, tail {}, {} pulses{}), ended by {}",
                      context.tap.number(), who(context), model::to_text(last.volume),
                      model::to_text(last.price), last.client_tx_id.short_id(),
                      model::to_text(last.tail), last.pulses, oddities(ended.evidence),
                      model::to_text(ended.end.reason))};
}

JournalLine line_for(const storage::RecoveredPour& recovered) {
  const model::Pour& pour = recovered.pour;
  return {Level::warning,
          fmt::format("tap {}: receipt {} was still open when tapd was cut off: charged {} for {}, "
                      "its last progress on disk",
                      pour.begin.tap_id.number(), pour.begin.client_tx_id.short_id(),
                      model::to_text(pour.price), model::to_text(pour.volume))};
}

namespace {

struct NoticeLine {
  JournalLine operator()(const sync::AuthorizeAnswered& answered) const {
    if (const auto* none = std::get_if<sync::NoAnswer>(&answered.verdict)) {
      return {Level::debug, fmt::format("tap {}: no authorization from the server ({}): the cache "
                                        "decides",
                                        answered.tap.number(), none->why)};
    }
    return {Level::debug, fmt::format("tap {}: the server answered", answered.tap.number())};
  }
  JournalLine operator()(const sync::ServerReachable&) const {
    return {Level::info, "server: reachable"};
  }
  JournalLine operator()(const sync::ServerUnreachable& gone) const {
    return {
        Level::warning,
        fmt::format("server: not reachable ({}): pours go on from the cached balances; next try "
                    "in {} ms",
                    gone.why, gone.next_try.count())};
  }
  JournalLine operator()(const sync::TokenRefused& refused) const {
    return {Level::error, fmt::format("server: the token was refused ({}): rows wait; check "
                                      "server.token_file",
                                      refused.what)};
  }
  JournalLine operator()(const sync::SnapshotApplied& applied) const {
    return {Level::debug, fmt::format("server: snapshot {} taken over: {} guests, {} cards",
                                      applied.revision, applied.guests, applied.cards)};
  }
  JournalLine operator()(const sync::NoSnapshotHere&) const {
    return {Level::info, "server: it has no snapshot: balances are learnt from authorizations"};
  }
  JournalLine operator()(const sync::EmergencyStop& stop) const {
    return {stop.on ? Level::warning : Level::info,
            stop.on ? "server: EMERGENCY STOP: every valve is shut" : "server: no emergency stop"};
  }
  JournalLine operator()(const sync::PoursConfirmed& confirmed) const {
    return {Level::info, fmt::format("server: {} pour{} confirmed", confirmed.count,
                                     confirmed.count == 1 ? "" : "s")};
  }
  JournalLine operator()(const sync::PourNotBooked& refused) const {
    return {refused.final ? Level::error : Level::warning,
            fmt::format("server: receipt {} not booked: {} ({}){}", refused.client_tx_id.short_id(),
                        refused.outcome, refused.reason,
                        refused.final ? "; it is kept as failed" : "; sent again later")};
  }
  JournalLine operator()(const sync::Nonsense& nonsense) const {
    return {Level::warning, fmt::format("server: {} answered what makes no sense: {}",
                                        nonsense.endpoint, nonsense.why)};
  }
  JournalLine operator()(const sync::BooksTrouble& trouble) const {
    return {Level::error, fmt::format("ledger: {}", trouble.what)};
  }
};

}  // namespace

JournalLine line_for(const sync::Notice& notice) {
  return std::visit(NoticeLine{}, notice);
}

}  // namespace tapd
