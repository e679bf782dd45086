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
  const Heard heard = context_.hear(outcome, probing_, now);
  if (heard.kind == Heard::Kind::token) {
    context_.board.token_refused(endpoint::register_controller, heard.why);
  }
  if (heard.kind != Heard::Kind::usable) return true;
  const auto answer = decode_register(heard.body);
  if (answer) {
    context_.made_sense(endpoint::register_controller);
    return true;
  }
  // Something answers for the venue server, but it is not the venue server.
  context_.made_no_sense(endpoint::register_controller, answer.error().why);
  context_.not_the_server(answer.error().why, probing_, now);
  return true;
}

std::string RegisterLane::version() {
  constexpr std::size_t room_for_base = 18;
  if (!alternate_) return context_.options.firmware_version;
  odd_ = !odd_;
  return context_.options.firmware_version.substr(0, room_for_base) + (odd_ ? "+a" : "+b");
}

}  // namespace tapd::sync
