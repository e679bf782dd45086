#include "daemon/journal_lines.hpp"

#include <fmt/format.h>

namespace tapd {
namespace {

std::string who(const TapContext& context) {
  std::string text = context.card.empty() ? "no card" : "card " + context.card.masked();
  if (!context.guest.empty()) text += " (" + context.guest + ")";
  return text;
}

/// Of thousandths, rounded.
std::string tenths(std::int64_t milli) {
  const std::int64_t rounded = (milli + 50) / 100;
  return fmt::format("{}.{}", rounded / 10, rounded % 10);
}

JournalFields fields_of(const TapContext& context, std::string_view reason) {
  return {.tap = context.tap,
          .client_tx_id = context.client_tx_id,
          .card = context.card.empty() ? std::nullopt : std::optional{context.card},
          .volume = {},
          .price = {},
          .reason = std::string{reason},
          .state = std::string{context.state}};
}

Message message_for(FaultKind kind) {
  switch (kind) {
    case FaultKind::reader:
      return Message::fault_reader;
    case FaultKind::meter:
      return Message::fault_meter;
    case FaultKind::valve:
      return Message::fault_valve;
    case FaultKind::leak:
      return Message::fault_leak;
    case FaultKind::noise:
      return Message::fault_noise;
    case FaultKind::stuck_valve:
      return Message::fault_stuck_valve;
  }
  return Message::fault_valve;
}

struct Words {
  Message message{Message::ready};
  Level level{Level::info};
  std::string text;
};

Words words_for(const Say& say, const TapContext& context) {
  switch (say.topic) {
    case Topic::card_seen:
      return {Message::card_seen, Level::info, fmt::format("{} laid on", who(context))};
    case Topic::denied:
      if (say.reason == to_text(DenialReason::limits_lifted)) {
        return {Message::limits_lifted, Level::warning,
                fmt::format("{} is a service card: {}", who(context), say.detail)};
      }
      return {Message::card_denied, Level::warning,
              fmt::format("{} may not pour: {}", who(context), say.detail)};
    case Topic::valve_opened:
      return {Message::valve_opened, Level::info,
              fmt::format("valve open for {}{}{}", who(context),
                          context.beverage.empty() ? "" : ", ", context.beverage)};
    case Topic::pour_ended:
      return {Message::pour_settled, Level::debug, fmt::format("settled after {}", say.detail)};
    case Topic::tap_locked:
      return {Message::tap_locked, Level::warning, fmt::format("does not sell: {}", say.detail)};
    case Topic::tap_unlocked:
      // Another lock, or a fault, may keep it closed.
      return {Message::tap_unlocked, Level::info,
              context.state == "locked" || context.state == "faulted"
                  ? fmt::format("{} lifted, but it stays {}", say.detail, context.state)
                  : fmt::format("sells again ({} lifted)", say.detail)};
    case Topic::tap_faulted:
      return {message_for(say.fault.value_or(FaultKind::valve)), Level::error,
              fmt::format("FAULT {}; the valve is told to shut", say.detail)};
    case Topic::tap_repaired:
      return {Message::tap_repaired, Level::info, fmt::format("{} is well again", say.detail)};
    case Topic::gas:
      return {Message::gas, Level::warning,
              fmt::format("gas or foam instead of beer: the valve is shut and {} are not charged; "
                          "look at the keg, its pressure and the line's temperature; if beer "
                          "came, at the meter's cable",
                          say.detail)};
    case Topic::silence:
      return {Message::silence, Level::warning,
              fmt::format("{}; if the handle was pulled, look for an empty keg, a shut cock, a "
                          "valve that does not open or a dead meter",
                          say.detail)};
    case Topic::line_refill:
      return {Message::line_refill, Level::info,
              fmt::format("{} filled the line after the pause and are not charged", say.detail)};
    case Topic::liquid_lost:
      return {Message::liquid_lost, Level::warning,
              fmt::format("{}: lost, charged to nobody", say.detail)};
    case Topic::menu_opened:
      return {Message::service_menu, Level::info,
              fmt::format("{} has opened the service menu", who(context))};
    case Topic::menu_closed:
      return {Message::service_menu, Level::info,
              "the service menu is closed, and nothing was done"};
    case Topic::refused_late:
      return {Message::refused_late, Level::warning,
              fmt::format("{} is refused while it pours ({}): the valve shuts", who(context),
                          say.detail)};
    case Topic::abandoned:
      return {Message::card_left, Level::info,
              fmt::format("{} left before the valve opened", who(context))};
  }
  return {Message::ready, Level::error, "a line without words"};
}

}  // namespace

JournalLine line_for(const Say& say, const TapContext& context) {
  Words words = words_for(say, context);
  JournalFields fields = fields_of(context, say.reason);
  fields.volume = say.volume;
  return {words.message, words.level, fmt::format("tap {}: {}", context.tap.number(), words.text),
          std::move(fields)};
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

/// All of it, for programs and for whoever looks into a complaint months later.
std::string measured(const EndPour& ended) {
  const MeterEvidence& meter = ended.evidence;
  std::string text = fmt::format(
      "edges={} lost={} rejected={} out_of_turn={} below_range={} most_millihertz={} "
      "not_believed_ul={} run_on_ul={} refill_ul={} tail_ul={} suspect_gas={}",
      meter.edges, meter.edges_lost, meter.rejected, meter.out_of_turn, meter.low_flow,
      meter.most_millihertz, meter.not_believed.in_microlitres(), meter.run_on.in_microlitres(),
      meter.refill.in_microlitres(), ended.end.last.tail.in_microlitres(),
      meter.suspect_gas ? 1 : 0);
  if (ended.close_time) text += fmt::format(" close_time_us={}", ended.close_time->count());
  return text;
}

bool loses_edges(const MeterEvidence& meter) {
  return meter.edges_lost > 0 || meter.out_of_turn * tolerable_out_of_turn > meter.edges;
}

}  // namespace

JournalLine line_for(const EndPour& ended, const TapContext& context) {
  const model::PourProgress& last = ended.end.last;
  JournalFields fields = fields_of(context, model::to_text(ended.end.reason));
  fields.client_tx_id = last.client_tx_id;
  fields.volume = last.volume;
  fields.price = last.price;
  fields.edges_lost = last.edges_lost;
  fields.measured = measured(ended);
  if (ended.end.reason == model::StopReason::limit_reached) fields.shut_after = context.shut_after;
  return {Message::pour_ended, loses_edges(ended.evidence) ? Level::warning : Level::info,
          fmt::format("tap {}: {} poured {} for {} (receipt {}, tail {}, {} pulses{}), ended by {}",
                      context.tap.number(), who(context), model::to_text(last.volume),
                      model::to_text(last.price), last.client_tx_id.short_id(),
                      model::to_text(last.tail), last.pulses, oddities(ended.evidence),
                      model::to_text(ended.end.reason)),
          std::move(fields)};
}

JournalLine measured_line(model::TapId tap, const Calibration& measured,
                          const Calibration& configured) {
  return {
      Message::meter_measured,
      Level::info,
      fmt::format("tap {}: counts {} pulses per litre, as staff have measured; the configuration "
                  "says {}",
                  tap.number(), tenths(measured.milli_pulses_per_litre()),
                  tenths(configured.milli_pulses_per_litre())),
      {.tap = tap}};
}

JournalLine line_for(const storage::RecoveredPour& recovered) {
  const model::Pour& pour = recovered.pour;
  return {Message::pour_recovered,
          Level::warning,
          fmt::format("tap {}: receipt {} was still open when tapd was cut off: charged {} for {}, "
                      "its last progress on disk",
                      pour.begin.tap_id.number(), pour.begin.client_tx_id.short_id(),
                      model::to_text(pour.price), model::to_text(pour.volume)),
          {.tap = pour.begin.tap_id,
           .client_tx_id = pour.begin.client_tx_id,
           .card = pour.begin.card_uid,
           .volume = pour.volume,
           .price = pour.price,
           .reason = "power_loss",
           .state = {}}};
}

namespace {

struct NoticeLine {
  bool sells_offline{true};

  JournalLine operator()(const sync::AuthorizeAnswered& answered) const {
    if (const auto* none = std::get_if<sync::NoAnswer>(&answered.verdict)) {
      return {Message::server_answered, Level::debug,
              fmt::format("tap {}: no authorization from the server ({}): the cache "
                          "decides",
                          answered.tap.number(), none->why)};
    }
    return {Message::server_answered, Level::debug,
            fmt::format("tap {}: the server answered", answered.tap.number())};
  }
  JournalLine operator()(const sync::ServerReachable&) const {
    return {Message::server_reachable, Level::info, "server: reachable", {}};
  }
  JournalLine operator()(const sync::ServerUnreachable& gone) const {
    return {Message::server_unreachable, Level::warning,
            fmt::format("server: not reachable ({}): {}; next try in {} ms", gone.why,
                        sells_offline ? "pours go on from the cached balances"
                                      : "no guest is served (policy.sell_offline is off)",
                        gone.next_try.count())};
  }
  JournalLine operator()(const sync::TokenRefused& refused) const {
    return {Message::token_refused, Level::error,
            fmt::format("server: the token was refused ({}): rows wait; check "
                        "server.token_file",
                        refused.what)};
  }
  JournalLine operator()(const sync::SnapshotApplied& applied) const {
    return {Message::snapshot_taken, Level::debug,
            applied.since
                ? fmt::format("server: changes from snapshot {} to {} taken over: {} guests, {} "
                              "cards",
                              *applied.since, applied.revision, applied.guests, applied.cards)
                : fmt::format("server: snapshot {} taken over: {} guests, {} cards",
                              applied.revision, applied.guests, applied.cards)};
  }
  JournalLine operator()(const sync::NoSnapshotHere&) const {
    return {Message::no_snapshot, Level::info,
            "server: it has no snapshot: balances are learnt from authorizations"};
  }
  JournalLine operator()(const sync::EmergencyStop& stop) const {
    return {stop.on ? Message::emergency_stop : Message::emergency_over,
            stop.on ? Level::warning : Level::info,
            stop.on ? "server: EMERGENCY STOP: every valve is shut" : "server: no emergency stop"};
  }
  JournalLine operator()(const sync::PoursConfirmed& confirmed) const {
    JournalFields fields;
    fields.confirmed_after = confirmed.after;
    return {Message::pours_confirmed, Level::info,
            fmt::format("server: {} pour{} confirmed", confirmed.count,
                        confirmed.count == 1 ? "" : "s"),
            fields};
  }
  JournalLine operator()(const sync::PourNotBooked& refused) const {
    const char* then = "; sent again later";
    if (refused.final) then = "; it is kept as failed";
    if (refused.outcome == "audit_only") then = "; the server keeps it for staff, charging nobody";
    return {refused.final ? Message::pour_failed : Message::pour_not_booked,
            refused.final ? Level::error : Level::warning,
            fmt::format("server: receipt {} not booked: {} ({}){}", refused.client_tx_id.short_id(),
                        refused.outcome, refused.reason, then),
            {.tap = {},
             .client_tx_id = refused.client_tx_id,
             .card = {},
             .volume = {},
             .price = {},
             .reason = refused.outcome,
             .state = {}}};
  }
  JournalLine operator()(const sync::Nonsense& nonsense) const {
    return {Message::server_nonsense, Level::warning,
            fmt::format("server: {} answered what makes no sense: {}", nonsense.endpoint,
                        nonsense.why)};
  }
  JournalLine operator()(const sync::BooksTrouble& trouble) const {
    return {Message::ledger_trouble, Level::error, fmt::format("ledger: {}", trouble.what), {}};
  }
};

}  // namespace

JournalLine line_for(const sync::Notice& notice, bool sells_offline) {
  return std::visit(NoticeLine{.sells_offline = sells_offline}, notice);
}

}  // namespace tapd
