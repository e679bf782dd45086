// What staff do by tapctl in a run of the daemon, as daemon/staff_api.cpp does it: at the tap at
// once, then so that a restart keeps it.
#include <array>

#include "daemon/staff_marks.hpp"
#include "life.hpp"

namespace tapd::simulation {
namespace {

using namespace std::chrono_literals;

constexpr Time storage_free_in = 20ms;

model::TapId id_of(std::size_t tap) {
  return model::TapId{static_cast<std::int32_t>(tap) + 1};
}

}  // namespace

void Life::staff_come(std::size_t tap, Random& luck) {
  switch (luck.below(4)) {
    case 0:
      return close(tap, "staff of the simulation");
    case 1:
      return calibrate(tap);
    default:
      return serve(tap, luck);
  }
}

void Life::staff_go(std::size_t tap) {
  in_control([this, tap] { controller_->end_service(id_of(tap), now()); });
  close(tap, "");
}

/// `why` empty: it is opened.
void Life::close(std::size_t tap, const std::string& why) {
  in_control([this, tap, why] {
    site_.trace.say("staff: tap {} is {}", tap + 1, why.empty() ? "opened" : "closed");
    site_.referee.on_closed(tap, !why.empty());
    if (why.empty()) {
      controller_->unlock(id_of(tap), now());
    } else {
      controller_->lock(id_of(tap), why, now());
    }
    closings_[tap] = why;
    note_closing(tap);
  });
}

void Life::note_closing(std::size_t tap) {
  if (storage_busy_) {
    return put_down(site_.agenda.now() + storage_free_in, [this, tap] { note_closing(tap); });
  }
  const std::string why = closings_[tap];
  site_.referee.on_closing_kept(tap, false);
  on_ledger([&](storage::Ledger& ledger) {
    if (!keep_lock(ledger, id_of(tap), why)) return;
    if (!site_.disk.process_ends()) site_.referee.on_closing_kept(tap, !why.empty());
  });
}

/// The valve opens for staff, who hold a bucket under it for half of the time.
void Life::serve(std::size_t tap, Random& luck) {
  constexpr std::array kinds{ServiceKind::valve_test, ServiceKind::clean, ServiceKind::keg_change,
                             ServiceKind::calibrate, ServiceKind::bleed};
  const ServiceBegun what{.kind = kinds.at(luck.below(kinds.size())),
                          .longest = std::chrono::seconds{luck.between(5, 60)},
                          .most = model::Volume::millilitres(luck.between(100, 3'000))};
  const auto pull = static_cast<double>(luck.between(10, 95));
  in_control([this, tap, what, pull] {
    site_.referee.on_service(tap, what);
    ServiceBegun asked = what;
    if (site_.plan.planted == Planted::long_service) asked.longest += 10s;
    if (const auto begun = controller_->begin_service(id_of(tap), asked, now()); !begun) {
      site_.trace.say("staff: nothing at tap {}: {}", tap + 1, begun.error());
      return site_.referee.on_service_refused(tap);
    }
    TapRig& rig = *site_.rigs[tap];
    rig.physics().pull(pull);
    site_.agenda.in(what.longest / 2, [&rig] {
      rig.physics().pull(0);
      rig.changed();
    });
  });
}

/// They have weighed what ran: the meter is what it is.
void Life::calibrate(std::size_t tap) {
  if (storage_busy_) {
    return put_down(site_.agenda.now() + storage_free_in, [this, tap] { calibrate(tap); });
  }
  const auto configured = controller_->configured(id_of(tap));
  if (!controller_->recalibration_barred(id_of(tap)).empty()) return;
  Calibration measured =
      Calibration::from_milli_pulses_per_litre(site_.rigs[tap]->milli_pulses_per_litre());
  on_ledger([&](storage::Ledger& ledger) {
    const auto id = ledger.calibration(id_of(tap), measured.nominal(), "", "staff", now());
    if (!id) return;
    measured.id = *id;
    in_control([this, tap, measured, configured] {
      if (!controller_->recalibrate(id_of(tap), measured)) return;
      static_cast<void>(keep_calibration(*ledger_, id_of(tap), measured, *configured));
    });
  });
}

}  // namespace tapd::simulation
