#include "sync/register_lane.hpp"

#include "sync/wire.hpp"

namespace tapd::sync {

void RegisterLane::due(const model::Moment& now, std::vector<Outgoing>& outgoing) {
  if (wake_at() > now.since_boot) return;
  probing_ = context_.circuit.probe_due(now.since_boot);
  if (probing_) context_.circuit.probe_started();
  in_flight_ = context_.new_id();
  const auto& options = context_.options;
  next_at_ = now.since_boot + options.register_interval;
  outgoing.push_back({in_flight_, context_.post(endpoint::register_controller,
                                                encode_register(options.controller_id,
                                                                options.ip_address, version()),
                                                options.request_deadline)});
}

model::SinceBoot RegisterLane::wake_at() const {
  if (in_flight_ != 0) return never;
  if (context_.circuit.is_closed()) return next_at_;
  return context_.circuit.probe_at().value_or(never);
}

bool RegisterLane::on_outcome(RequestId id, const HttpOutcome& outcome, const model::Moment& now) {
  if (id == 0 || id != in_flight_) return false;
  in_flight_ = 0;
  const Heard heard = context_.hear(endpoint::register_controller, outcome, probing_, now);
  if (heard.kind == Heard::Kind::token) {
    context_.board.token_refused(endpoint::register_controller, heard.why);
  } else if (heard.kind == Heard::Kind::usable) {
    on_body(heard, now);
  } else if (heard.kind == Heard::Kind::unchanged) {
    not_the_server("304 without being asked", now);
  }
  return true;
}

void RegisterLane::on_body(const Heard& heard, const model::Moment& now) {
  if (const auto answer = decode_register(heard.body); !answer) {
    not_the_server(answer.error().why, now);
    return;
  }
  context_.made_sense(endpoint::register_controller);
}

// Something answers in the venue server's place: a portal, a proxy, a wrong address.
void RegisterLane::not_the_server(const std::string& why, const model::Moment& now) {
  context_.made_no_sense(endpoint::register_controller, why);
  context_.not_the_server(why, probing_, now);
}

std::string RegisterLane::version() {
  constexpr std::size_t room_for_base = 18;
  if (!alternate_) return context_.options.firmware_version;
  odd_ = !odd_;
  return context_.options.firmware_version.substr(0, room_for_base) + (odd_ ? "+a" : "+b");
}

}  // namespace tapd::sync
