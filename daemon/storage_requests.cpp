#include "daemon/storage_requests.hpp"

#include <utility>

#include <fmt/format.h>

#include "storage/notes.hpp"

namespace tapd {
namespace {

/// What was decided from may be older than what another tap has begun since.
std::optional<Denial> taken_meanwhile(const ServingClaim& claim,
                                      const std::vector<model::Serving>& served,
                                      const model::Moment& now, const model::BootId& boot) {
  const auto left = left_to_serve(claim.limits, claim.category, served, now, boot);
  if (!left || *left >= claim.limit) return std::nullopt;
  return Denial{.reason = DenialReason::serving_limit,
                .message = fmt::format("the serving limit no longer allows {}: this guest is being "
                                       "served at another tap",
                                       model::to_text(claim.limit))};
}

storage::Result<> begin_served(storage::Ledger& ledger, const model::BootId& boot,
                               const model::PourBegin& begin, const ServingClaim& claim) {
  return ledger.in_one_commit([&]() -> storage::Result<> {
    if (auto begun = ledger.begin_pour(begin, boot); !begun) return begun;
    auto noted =
        ledger.note_serving({begin.client_tx_id, claim.category, claim.limit, claim.lifted_by});
    if (!noted || !claim.lifted_by) return noted;
    return ledger.audit(
        "card " + claim.lifted_by->text(), "pour_beyond_serving_limits", begin.client_tx_id.text(),
        fmt::format("guest {} at tap {}, at most {} of \"{}\"", begin.guest_id.text(),
                    begin.tap_id.number(), model::to_text(claim.limit), claim.category),
        begin.start);
  });
}

std::optional<Denial> taken_offline(const OfflineLimits& limits,
                                    const model::AuthorizationFacts& facts, model::Money hold) {
  const bool of_guest = facts.offline_guest.spent + hold > limits.per_guest ||
                        facts.offline_guest.pours >= limits.pours_per_guest;
  if (!of_guest && facts.offline_controller.spent + hold <= limits.controller) return std::nullopt;
  return Denial{
      .reason = of_guest ? DenialReason::offline_guest_limit : DenialReason::offline_exposure,
      .message = fmt::format("the offline limits no longer allow {}: another tap has taken it",
                             model::to_text(hold))};
}

Begun begin_row(storage::Ledger& ledger, const model::BootId& boot, const BeginRow& row) {
  const model::PourBegin& begin = row.begin;
  const auto facts = ledger.facts(begin.card_uid, begin.tap_id);
  if (!facts) return tl::unexpected(facts.error());
  if (facts->available + row.overdraft < begin.hold) {
    return Denial{
        .reason = DenialReason::insufficient_funds,
        .message = fmt::format("balance {} no longer covers {}: it is being spent at another tap",
                               model::to_text(facts->available), model::to_text(begin.hold))};
  }
  if (begin.authorized_by == model::AuthorizedBy::cache) {
    if (auto taken = taken_offline(row.offline, *facts, begin.hold)) return taken;
  }
  if (row.serving) {
    if (auto taken = taken_meanwhile(*row.serving, facts->servings, begin.start, boot)) {
      return taken;
    }
  }
  const auto begun = row.serving ? begin_served(ledger, boot, begin, *row.serving)
                                 : ledger.begin_pour(begin, boot);
  if (!begun) return tl::unexpected(begun.error());
  return std::nullopt;
}

storage::Result<> note_act(storage::Ledger& ledger, const NoteAct& note) {
  const std::string action = note.act == ServiceAct::lift_limits
                                 ? "lift_serving_limits"
                                 : fmt::format("service_{}", to_text(note.act));
  return ledger.audit("card " + note.card.text(), action, fmt::format("tap {}", note.tap.number()),
                      note.detail, note.at);
}

storage::Result<model::Pour> end_row(storage::Ledger& ledger, const EndRow& row) {
  auto pour = ledger.end_pour(row.end);
  if (!pour || !row.close_time) return pour;
  const auto kept =
      ledger.set_meta(close_time_key(row.tap), std::to_string(row.close_time->count()));
  if (!kept) return tl::unexpected(kept.error());
  return pour;
}

storage::Result<World> read_world(storage::Ledger& ledger) {
  auto taps = ledger.taps();
  if (!taps) return tl::unexpected(taps.error());
  const auto stop = ledger.emergency_stop();
  if (!stop) return tl::unexpected(stop.error());
  const auto queue = ledger.queue_counts();
  if (!queue) return tl::unexpected(queue.error());
  return World{.taps = std::move(*taps), .emergency_stop = *stop, .queue = *queue};
}

struct CarryOut {
  storage::Ledger& ledger;
  const model::BootId& boot;

  auto operator()(const BeginRow& row) const { return begin_row(ledger, boot, row); }
  auto operator()(const ProgressRow& row) const { return ledger.record_progress(row.progress); }
  auto operator()(const EndRow& row) const { return end_row(ledger, row); }
  auto operator()(const ReadFacts& ask) const { return ledger.facts(ask.card, ask.tap); }
  auto operator()(const ReadWorld&) const { return read_world(ledger); }
  auto operator()(const WriteFlowEvent& write) const {
    return ledger.record_flow_event(write.event);
  }
  auto operator()(const NoteAct& note) const { return note_act(ledger, note); }
  auto operator()(const NoteClock& note) const { return ledger.note_clock(note.at, boot); }
  auto operator()(const KeepClosings& keep) const {
    return ledger.set_meta(closings_key(keep.tap), keep.closings);
  }
};

// The answer to each request, whether or not it was carried out: who asked waits for it.
BeginRowDone answer_to(const BeginRow& row, Begun result) {
  return {row.begin.tap_id, row.begin.client_tx_id, std::move(result)};
}
ProgressRowDone answer_to(const ProgressRow& row, storage::Result<> result) {
  return {row.tap, std::move(result)};
}
EndRowDone answer_to(const EndRow& row, storage::Result<model::Pour> result) {
  return {row.tap, row.end.last.client_tx_id, std::move(result)};
}
FactsRead answer_to(const ReadFacts& ask, storage::Result<model::AuthorizationFacts> result) {
  return {ask.ticket, std::move(result)};
}
WorldRead answer_to(const ReadWorld& /*ask*/, storage::Result<World> result) {
  return {std::move(result)};
}
FlowEventDone answer_to(const WriteFlowEvent& write, storage::Result<> result) {
  return {write.event, std::move(result)};
}
ActNoted answer_to(const NoteAct& note, storage::Result<> result) {
  return {note.tap, note.card, note.act, std::move(result)};
}
ClockNoted answer_to(const NoteClock& /*note*/, storage::Result<> result) {
  return {std::move(result)};
}
ClosingsKept answer_to(const KeepClosings& keep, storage::Result<> result) {
  return {keep.tap, keep.closings, std::move(result)};
}

}  // namespace

std::string close_time_key(model::TapId tap) {
  return fmt::format("close_time_us.{}", tap.number());
}

std::string closings_key(model::TapId tap) {
  return fmt::format("{}.{}", storage::own_closings, tap.number());
}

StorageAnswer carry_out(storage::Ledger& ledger, const model::BootId& boot,
                        const StorageRequest& request) {
  return std::visit(
      [&](const auto& asked) -> StorageAnswer {
        return answer_to(asked, CarryOut{ledger, boot}(asked));
      },
      request);
}

namespace {

StorageAnswer failed(const StorageRequest& request, const storage::Error& error) {
  return std::visit(
      [&](const auto& asked) -> StorageAnswer { return answer_to(asked, tl::unexpected(error)); },
      request);
}

}  // namespace

std::optional<bool> was_written(const StorageAnswer& answer) {
  return std::visit(
      [](const auto& done) -> std::optional<bool> {
        using Done = std::decay_t<decltype(done)>;
        if constexpr (std::is_same_v<Done, FactsRead> || std::is_same_v<Done, WorldRead>) {
          return std::nullopt;
        } else {
          if constexpr (std::is_same_v<Done, BeginRowDone>) {
            if (done.result && *done.result) return std::nullopt;
          }
          if (done.result) return true;
          if (done.result.error().kind == storage::Error::Kind::refused) return std::nullopt;
          return false;
        }
      },
      answer);
}

std::vector<StorageAnswer> carry_out_together(storage::Ledger& ledger, const model::BootId& boot,
                                              std::span<const StorageRequest> requests) {
  std::vector<StorageAnswer> answers;
  const auto committed = ledger.in_one_commit([&]() -> storage::Result<> {
    answers.clear();
    for (const StorageRequest& request : requests) {
      answers.push_back(carry_out(ledger, boot, request));
    }
    return {};
  });
  if (committed) return answers;
  // Of all requests: when not even the transaction could be begun, none was carried out.
  answers.clear();
  for (const StorageRequest& request : requests) {
    answers.push_back(failed(request, committed.error()));
  }
  return answers;
}

}  // namespace tapd
