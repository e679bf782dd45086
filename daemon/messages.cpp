#include "daemon/messages.hpp"

#include <array>

namespace tapd {
namespace {

struct Entry {
  Message message;
  std::string_view name;
  std::string_view id;
  bool held_back{false};
};

constexpr std::array<Entry, message_count> entries{{
    {Message::tapd_starts, "tapd_starts", "989a56aa31d4438e8758752b9c2169b7"},
    {Message::ready, "ready", "e29e03efbff741ceb634dd725b235ddd"},
    {Message::stopping, "stopping", "50d17a37528840fca6a978c854597d46"},
    {Message::stopped, "stopped", "db412f1c72764897b612a5cb915888b2"},
    {Message::stop_unfinished, "stop_unfinished", "e81735bb24d94101ba95e2b7ff7280d6"},
    {Message::cannot_run, "cannot_run", "f3fbdc7cda724530965c4b91b6468580"},
    {Message::tap_opened, "tap_opened", "8e8d00d01d704e159a9148fbb333baad"},
    {Message::kill_is_safe, "kill_is_safe", "efc02d1f974f4d6bb9d6ca2c20859982"},
    {Message::kill_is_unsafe, "kill_is_unsafe", "760872d00b7246f7829bd148d6152ab9"},
    {Message::no_real_time, "no_real_time", "e6a033cd77534fe098d6779ec3f9c2f3"},
    {Message::no_server, "no_server", "5ef50b6feaf448bd91be2574d25c55b0"},
    {Message::config_reloaded, "config_reloaded", "59b39d2f1c4c4f8a841ec10a216869a3"},
    {Message::config_refused, "config_refused", "5223530edd0d425483f0781d1c3dac00"},
    {Message::card_seen, "card_seen", "ba0a919be05e46cd84e3fc0ea16a5f40"},
    {Message::card_left, "card_left", "201dfc60ccfe440098b7839aa8993de3"},
    {Message::card_denied, "card_denied", "de2f4223730d43e8b62184f09649499a", true},
    {Message::valve_opened, "valve_opened", "6e1187f30dd84e3b94c22e6c6dc57da3"},
    {Message::pour_ended, "pour_ended", "ea93b141b21e47b1bf9ee8c127465a96"},
    {Message::pour_settled, "pour_settled", "69cd0c317d774b28bfa19595920dfa14"},
    {Message::pour_recovered, "pour_recovered", "4c4bb41fd52b4a3990f074fe0556e7b6"},
    {Message::tap_locked, "tap_locked", "5056fcd730a4406b891c9d5152b52aad"},
    {Message::tap_unlocked, "tap_unlocked", "e62dbbe2d13a4578b604b7ff1296e304"},
    {Message::fault_reader, "fault_reader", "e3996a9196804258b8e17832a51389e7"},
    {Message::fault_meter, "fault_meter", "b5201e4f8ced42a1ae93d24a675b8182"},
    {Message::fault_valve, "fault_valve", "f4ff320433d24ad78dec9dfef7c6505e"},
    {Message::fault_leak, "fault_leak", "c852eee676314360907049a36c678ffd"},
    {Message::fault_noise, "fault_noise", "a3cddd2cff1e4c54898c6e19be753e07"},
    {Message::fault_stuck_valve, "fault_stuck_valve", "5ae576ca2d1e461e83f04519dd4a4d6c"},
    {Message::tap_repaired, "tap_repaired", "f34dfd2ae219423a8afabaf3b807304b"},
    {Message::tap_cleared, "tap_cleared", "fb6be45701e94029837d7bb1792eda4d"},
    {Message::gas, "gas", "1359ed239ec34ff2b14f96ef33636b6a", true},
    {Message::silence, "silence", "115ff29de0cb4c0cadf7e32182e9a172", true},
    {Message::line_refill, "line_refill", "347acb97759f4128a6bf9de92af3b1f8"},
    {Message::lamp_failed, "lamp_failed", "0ada41d9a2d54d5fa0a110b8bb74ebde", true},
    {Message::reader_recovered, "reader_recovered", "4e1f5bd50ead4ad0a8f767940ed9c6e2", true},
    {Message::reader_trouble, "reader_trouble", "71d2e2ebe0a24fc29e48f11c3bb9ca61", true},
    {Message::clock_set, "clock_set", "ce57f727b9c14dcd8672864c918be8a9"},
    {Message::clock_not_noted, "clock_not_noted", "1d7b6b28771f4a069f7e5c62067c7c7c", true},
    {Message::server_reachable, "server_reachable", "d29767f256a5438389413a6c759cfa41"},
    {Message::server_unreachable, "server_unreachable", "54c6ecae0cde4fda8776d902cb20efa6"},
    {Message::server_answered, "server_answered", "1dd0f318e7ea4e7fbd9528a1db33ae6c"},
    {Message::token_refused, "token_refused", "2ec39a08596d49c4b4bddb4eca7eb57a", true},
    {Message::snapshot_taken, "snapshot_taken", "e89a488ee0304bd0a1c127b2921b9be8"},
    {Message::no_snapshot, "no_snapshot", "ff1a1694b1c84af1830faadf92f32a41"},
    {Message::emergency_stop, "emergency_stop", "c15cecd0fff84361b940f93348f9d9b5"},
    {Message::emergency_over, "emergency_over", "a19490cb533249b5b14f6a41eea99689"},
    {Message::pours_confirmed, "pours_confirmed", "59ff9c813a284d379215a0a05d0a0a52"},
    {Message::pour_not_booked, "pour_not_booked", "21f753feed734c8eae4482c8f3a95f0e"},
    {Message::pour_failed, "pour_failed", "56bc0ecbf9874173b0e5922c0b08ef28"},
    {Message::server_nonsense, "server_nonsense", "e31c33beeb7a45a8b32e1383f39eb29b", true},
    {Message::ledger_trouble, "ledger_trouble", "980c0a7cd2bc4b589c7e05e0699e22f1", true},
    {Message::ledger_restored, "ledger_restored", "260cf1bc14084b629244e331dd4606ad"},
    {Message::ledger_changed, "ledger_changed", "42511e25bc9443ef8ef3d36a0d79c2d6"},
    {Message::backup_written, "backup_written", "8c5d77e8128943b78690b9459314e470"},
    {Message::backup_failed, "backup_failed", "9cd669938b14413b9290ca217fdebd59"},
    {Message::book_keeping_failed, "book_keeping_failed", "882e4b1cfe9d40a685a43727ee1877c3", true},
    {Message::lines_lost, "lines_lost", "a5f8ebe0470342f7adfa344bf37435f3"},
    {Message::loop_stuck, "loop_stuck", "df1f01b40f03431b83adad8e878d820c"},
    {Message::limits_lifted, "limits_lifted", "4d444cbe29b745fdaf0a99a04b9a15b0"},
    {Message::refused_late, "refused_late", "5892717f891e441ba1107db1de660f0e"},
    {Message::service_act, "service_act", "705e9271cb4747ad9f2bba93b73255df"},
    {Message::liquid_lost, "liquid_lost", "6cd0205c10a3427e8986f4b75c608de3"},
    {Message::service_menu, "service_menu", "87923211ae9d4238b8e7fa55de298b89"},
    {Message::no_metrics, "no_metrics", "c3d9fd67ed2643fe9cc79ae2eec54811"},
    {Message::meter_measured, "meter_measured", "7fb8f6a583a54b27916d35b0ca802fcf"},
    {Message::config_waits, "config_waits", "85701046b59c41b391827b7ab78186ac"},
}};

constexpr bool in_order() {
  for (std::size_t i = 0; i < entries.size(); ++i) {
    if (static_cast<std::size_t>(entries.at(i).message) != i) return false;
  }
  return true;
}
static_assert(in_order(), "the table has the order of the enumerators");

const Entry& entry(Message message) {
  return entries.at(static_cast<std::size_t>(message));
}

}  // namespace

std::string_view message_id(Message message) {
  return entry(message).id;
}

std::string_view to_text(Message message) {
  return entry(message).name;
}

bool may_be_held_back(Message message) {
  return entry(message).held_back;
}

}  // namespace tapd
