#include "daemon/staff_api.hpp"

#include <mutex>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "daemon/api_answers.hpp"
#include "daemon/control_talk.hpp"
#include "daemon/staff_marks.hpp"
#include "storage/model/cut.hpp"

namespace tapd {
namespace {

using nlohmann::json;

constexpr std::size_t longest_words = 200;
/// Who asked waits for 5 s (api_client); a valve does not open for somebody who has been told no.
constexpr std::chrono::seconds longest_note{3};

/// A whole number within bounds, or words that say what is wrong.
tl::expected<std::int64_t, std::string> whole(const json& body, const char* key, std::int64_t least,
                                              std::int64_t most) {
  const auto found = body.find(key);
  if (found != body.end() && found->is_number_integer()) {
    const auto value = found->get<std::int64_t>();
    if (value >= least && value <= most) return value;
  }
  return tl::unexpected{
      fmt::format("\"{}\" must be a whole number from {} to {}", key, least, most)};
}

std::string words(const json& body, const char* key) {
  const auto found = body.find(key);
  if (found == body.end() || !found->is_string()) return {};
  return model::cut_to(longest_words, found->get<std::string>());
}

std::optional<ServiceKind> kind_of(const std::string& word) {
  for (const ServiceKind kind :
       {ServiceKind::valve_test, ServiceKind::clean, ServiceKind::keg_change,
        ServiceKind::calibrate, ServiceKind::bleed}) {
    if (word == to_text(kind)) return kind;
  }
  return std::nullopt;
}

/// Runs with the tap of the body, or says what is wrong with it.
template<typename Serve>
ApiResponse with_tap(const ApiRequest& request, Serve serve) {
  const auto body = object_of(request);
  if (!body) return problem(400, "the body is not a JSON object");
  const auto tap = whole(*body, "tap", 1, model::TapId::largest);
  if (!tap) return problem(400, tap.error());
  return serve(model::TapId{static_cast<std::int32_t>(*tap)}, *body);
}

/// The audit row, durable; a refusal in words otherwise.
std::optional<ApiResponse> unnoted(
    const StaffApiPorts& ports, const ApiRequest& request, const std::string& action,
    model::TapId tap, const std::string& detail,
    const char* else_said = "not done, because it could not be noted") {
  const auto written = ports.storage->run([&](storage::Ledger& ledger) {
    return ledger.audit(request.user, action, fmt::format("tap {}", tap.number()), detail,
                        ports.now());
  });
  if (written) return std::nullopt;
  return problem(503, fmt::format("{}: {}", else_said, written.error().message));
}

/// The same for what must not happen behind the back of who asked for it: in time as well.
std::optional<ApiResponse> unaudited(const StaffApiPorts& ports, const ApiRequest& request,
                                     const std::string& action, model::TapId tap,
                                     const std::string& detail) {
  const auto asked = ports.now().since_boot;
  auto refusal = unnoted(ports, request, action, tap, detail);
  if (refusal || ports.now().since_boot - asked <= longest_note) return refusal;
  return problem(503, "not done: noting it took too long, and you may have gone; try again");
}

/// What opens a tap, or changes what guests pay, is not done when its failure was told already.
std::optional<ApiResponse> hung_up(const ApiRequest& request) {
  if (!request.gone || !request.gone()) return std::nullopt;
  return problem(503, "not done: who asked has hung up");
}

using Outcome = tl::expected<void, std::string>;

ApiResponse told(const std::optional<Outcome>& outcome) {
  if (!outcome) return control_is_silent();
  if (!*outcome) return problem(409, outcome->error());
  return json_answer({{"done", true}});
}

ApiResponse begin_service(const StaffApiPorts& ports, const ApiRequest& request, model::TapId tap,
                          const json& body) {
  const auto kind = kind_of(words(body, "kind"));
  if (!kind)
    return problem(400, "\"kind\" must be valve_test, clean, keg_change, calibrate or bleed");
  const auto seconds = whole(body, "seconds", 1, most_service_seconds);
  if (!seconds) return problem(400, seconds.error());
  const auto ml = whole(body, "ml", 1, most_service_ml);
  if (!ml) return problem(400, ml.error());
  const auto barred = ask<std::string>(*ports.control, [=](const Controller& controller) {
    return controller.service_barred(tap, std::chrono::seconds{*seconds});
  });
  if (!barred) return control_is_silent();
  if (!barred->empty()) return problem(409, fmt::format("tap {}: {}", tap.number(), *barred));
  const ServiceBegun what{.kind = *kind,
                          .longest = std::chrono::seconds{*seconds},
                          .most = model::Volume::millilitres(*ml)};
  if (auto refusal = unaudited(ports, request, fmt::format("service_{}", to_text(*kind)), tap,
                               fmt::format("at most {} s and {} ml", *seconds, *ml))) {
    return *std::move(refusal);
  }
  if (auto refusal = hung_up(request)) return *std::move(refusal);
  return told(order<Outcome>(*ports.control, [tap, what](Controller& controller, const auto& now) {
    return controller.begin_service(tap, what, now);
  }));
}

ApiResponse end_service(const StaffApiPorts& ports, model::TapId tap) {
  return told(order<Outcome>(
      *ports.control,
      [tap](Controller& controller, const auto& now) -> Outcome {
        if (controller.end_service(tap, now)) return {};
        return tl::unexpected{fmt::format("nobody is at work at tap {}", tap.number())};
      },
      Late::done_all_the_same));
}

/// Somebody would lose by a kill.
bool has_session(TapState state) {
  switch (state) {
    case TapState::authorizing:
    case TapState::preparing:
    case TapState::ready:
    case TapState::pouring:
    case TapState::settling:
    case TapState::servicing:
    case TapState::service_menu:
      return true;
    case TapState::starting:
    case TapState::idle:
    case TapState::denied:
    case TapState::finished:
    case TapState::locked:
    case TapState::faulted:
      return false;
  }
  return true;
}

/// Why tapd may not be killed for a test at this tap now; empty: it may.
std::string kill_barred(const Controller& controller, model::TapId tap) {
  bool tested = false;
  for (std::size_t i = 0; i < controller.tap_count(); ++i) {
    const TapSession& session = controller.session(i);
    if (session.tap() == tap) {
      tested = session.state() == TapState::servicing;
    } else if (has_session(session.state())) {
      return fmt::format("tap {} is {}", session.tap().number(), to_text(session.state()));
    }
  }
  return tested ? "" : fmt::format("tap {} is not open for staff", tap.number());
}

/// The kill test: tapd ends as if it had been shot, with this tap's valve open. What then becomes
/// of the valve is what the installer wants to see.
ApiResponse kill_for_test(const StaffApiPorts& ports, const ApiRequest& request, model::TapId tap) {
  const auto barred = ask<std::string>(
      *ports.control, [tap](const Controller& controller) { return kill_barred(controller, tap); });
  if (!barred) return control_is_silent();
  if (!barred->empty()) return problem(409, *barred);
  if (auto refusal = unaudited(ports, request, "selftest_kill", tap, "")) return *refusal;
  // Looked at again where nobody can begin meanwhile: never under a guest.
  const auto late = ask<std::string>(*ports.control, [&ports, tap](const Controller& controller) {
    std::string why = kill_barred(controller, tap);
    if (why.empty()) ports.die();
    return why;
  });
  if (late && !late->empty()) return problem(409, *late);
  return problem(500, "tapd lives on although it was told to die");
}

/// What the tap found wrong has been looked after. At once: it is also how lines are taken anew, a
/// valve's first and shut.
ApiResponse clear(const StaffApiPorts& ports, const ApiRequest& request) {
  const auto tap = tap_named(request.body);
  if (!tap) return problem(400, fmt::format("\"{}\" is not a tap's number", request.body));
  struct Cleared {
    bool there{false};
    Outcome outcome;
  };
  const auto cleared =
      order<Cleared>(*ports.control, [tap = *tap](Controller& controller, const auto& now) {
        return Cleared{.there = controller.has(tap), .outcome = controller.clear(tap, now)};
      });
  if (!cleared) return control_is_silent();
  if (!cleared->there) return told(cleared->outcome);
  const std::string left = cleared->outcome ? std::string{} : cleared->outcome.error();
  if (auto refusal =
          unnoted(ports, request, "clear", *tap, left, "cleared, but not in the audit log")) {
    return *std::move(refusal);
  }
  return told(cleared->outcome);
}

/// The ledger's word on a lock follows the tap's own in the same order.
std::mutex lock_notes;

storage::Result<> note_lock(const StaffApiPorts& ports, model::TapId tap, const std::string& why) {
  return ports.storage->run([&](storage::Ledger& ledger) { return keep_lock(ledger, tap, why); });
}

/// Closes a tap: at once, whatever the disk does, and then so that a restart keeps it closed.
ApiResponse lock(const StaffApiPorts& ports, const ApiRequest& request, model::TapId tap,
                 const std::string& why) {
  const auto closed = order<Outcome>(
      *ports.control,
      [tap, why](Controller& controller, const auto& now) -> Outcome {
        if (controller.lock(tap, why, now)) return {};
        return tl::unexpected{fmt::format("there is no tap {}", tap.number())};
      },
      Late::done_all_the_same);
  if (closed && !*closed) return told(closed);
  const auto kept = [&] {
    const std::lock_guard one_at_a_time{lock_notes};
    // Of two who close it at once both may be heard before either is noted: what the tap says
    // counts.
    const auto said = ask<std::string>(*ports.control, [tap](const Controller& controller) {
      return controller.closed_by_staff(tap);
    });
    return note_lock(ports, tap, said.value_or(why));
  }();
  if (!kept) {
    return problem(503, fmt::format("tap {} is closed until tapd starts again, and no longer: {}",
                                    tap.number(), kept.error().message));
  }
  if (auto refusal = unnoted(ports, request, "lock", tap, why, "closed, but not in the audit log"))
    return *std::move(refusal);
  return told(closed);
}

/// Opens it again, and keeps it so over a restart: in this order, so that what fails leaves the
/// lock in the ledger. Not when somebody has closed it anew since this was asked for.
ApiResponse unlock(const StaffApiPorts& ports, const ApiRequest& request, model::TapId tap) {
  const auto seen = ask<std::optional<std::uint64_t>>(
      *ports.control, [tap](const Controller& controller) { return controller.times_locked(tap); });
  if (!seen) return control_is_silent();
  if (!*seen) return problem(409, fmt::format("there is no tap {}", tap.number()));
  if (auto refusal = unaudited(ports, request, "unlock", tap, "")) return *std::move(refusal);
  const std::lock_guard one_at_a_time{lock_notes};
  if (auto refusal = hung_up(request)) return *std::move(refusal);
  const auto opened = order<Outcome>(
      *ports.control, [tap, times = **seen](Controller& controller, const auto& now) -> Outcome {
        if (controller.times_locked(tap) == times && controller.unlock(tap, now)) return {};
        return tl::unexpected{
            fmt::format("tap {} was closed anew: see why, and say it again", tap.number())};
      });
  if (!opened || !*opened) return told(opened);
  if (const auto kept = note_lock(ports, tap, ""); !kept) {
    return problem(503, fmt::format("tap {} is open until tapd starts again, and closed then: {}",
                                    tap.number(), kept.error().message));
  }
  return told(opened);
}

/// Why one value cannot be the calibration; empty: it can.
std::string curve_bars(model::TapId tap, const Calibration& configured) {
  if (configured.curve_text().empty()) return {};
  return fmt::format(
      "tap {} has a curve (meter.curve), which one value cannot replace: "
      "measure its points and write them into the configuration",
      tap.number());
}

/// What was noted did not come into force: the newest calibration in the books is the one that is.
/// Where that cannot be said now, the next start says it.
void note_in_force(const StaffApiPorts& ports, const ApiRequest& request, model::TapId tap) {
  const auto found = ask<std::optional<Calibration>>(
      *ports.control, [tap](const Controller& controller) { return controller.in_force(tap); });
  if (!found || !*found) return;
  static_cast<void>(ports.storage->run([&](storage::Ledger& ledger) {
    return ledger.calibration(tap, (*found)->nominal(), (*found)->curve_text(),
                              request.user + ": refused, as before", ports.now());
  }));
}

ApiResponse calibrate(const StaffApiPorts& ports, const ApiRequest& request, model::TapId tap,
                      const json& body) {
  const auto milli =
      whole(body, "milli_pulses_per_litre", Calibration::least_milli_pulses_per_litre,
            Calibration::most_milli_pulses_per_litre);
  if (!milli) return problem(400, milli.error());
  const auto configured = ask<std::optional<Calibration>>(
      *ports.control, [tap](const Controller& controller) { return controller.configured(tap); });
  if (!configured) return control_is_silent();
  if (!*configured) return problem(409, fmt::format("there is no tap {}", tap.number()));
  if (auto why = curve_bars(tap, **configured); !why.empty()) return problem(409, why);
  const auto barred = ask<std::string>(*ports.control, [tap](const Controller& controller) {
    return controller.recalibration_barred(tap);
  });
  if (!barred) return control_is_silent();
  if (!barred->empty()) return problem(409, fmt::format("tap {}: {}", tap.number(), *barred));
  Calibration measured = Calibration::from_milli_pulses_per_litre(*milli);
  const auto id = ports.storage->run([&](storage::Ledger& ledger) {
    return ledger.calibration(tap, measured.nominal(), "",
                              request.user + ": " + words(body, "note"), ports.now());
  });
  if (!id) return problem(503, "not done: " + id.error().message);
  if (auto refusal = hung_up(request)) {
    note_in_force(ports, request, tap);
    return *std::move(refusal);
  }
  measured.id = *id;
  const auto done =
      order<Outcome>(*ports.control, [tap, measured](Controller& controller, const auto&) {
        return controller.recalibrate(tap, measured);
      });
  // Kept for the next start only when it is in force: a guest may have begun meanwhile.
  if (!done || !*done) {
    note_in_force(ports, request, tap);
    return told(done);
  }
  const auto kept = ports.storage->run([&](storage::Ledger& ledger) {
    return keep_calibration(ledger, tap, measured, **configured);
  });
  if (!kept) return problem(503, "in force until the next start only: " + kept.error().message);
  return told(done);
}

ApiResponse calibration_in_force(const StaffApiPorts& ports, const ApiRequest& request) {
  const std::string text = of_query(request, "tap");
  const auto tap = tap_named(text);
  if (!tap) return problem(400, fmt::format("\"{}\" is not a tap's number", text));
  const auto found = ask<std::optional<Calibration>>(
      *ports.control,
      [tap = *tap](const Controller& controller) { return controller.in_force(tap); });
  if (!found) return control_is_silent();
  if (!*found) return problem(400, fmt::format("there is no tap {}", tap->number()));
  return json_answer({{"milli_pulses_per_litre", (*found)->milli_pulses_per_litre()},
                      {"curve", (*found)->curve_text()},
                      {"barred", curve_bars(*tap, **found)},
                      {"version", (*found)->id}});
}

}  // namespace

std::optional<ApiResponse> serve_staff(const StaffApiPorts& ports, const ApiRequest& request) {
  if (request.method == "GET" && request.path == "/calibration") {
    return calibration_in_force(ports, request);
  }
  if (request.method != "POST") return std::nullopt;
  if (request.path == "/clear") return clear(ports, request);
  if (request.path == "/service") {
    return with_tap(request, [&](model::TapId tap, const json& body) {
      return begin_service(ports, request, tap, body);
    });
  }
  if (request.path == "/service/end") {
    return with_tap(request,
                    [&](model::TapId tap, const json&) { return end_service(ports, tap); });
  }
  if (request.path == "/selftest/kill") {
    return with_tap(
        request, [&](model::TapId tap, const json&) { return kill_for_test(ports, request, tap); });
  }
  if (request.path == "/lock") {
    return with_tap(request, [&](model::TapId tap, const json& body) {
      const std::string why = words(body, "why");
      return lock(ports, request, tap, why.empty() ? "closed by " + request.user : why);
    });
  }
  if (request.path == "/unlock") {
    return with_tap(request,
                    [&](model::TapId tap, const json&) { return unlock(ports, request, tap); });
  }
  if (request.path == "/calibration") {
    return with_tap(request, [&](model::TapId tap, const json& body) {
      return calibrate(ports, request, tap, body);
    });
  }
  return std::nullopt;
}

}  // namespace tapd
