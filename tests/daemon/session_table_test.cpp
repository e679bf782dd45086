// Every cell of the tap session's table: what each event does in each state, and what holds in all
// of them.
#include <array>
#include <functional>
#include <string>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include "session_fixture.hpp"

namespace tapd::test {
namespace {

using enum TapState;

constexpr std::array all_states{starting, idle,      authorizing, preparing, ready,
                                pouring,  settling,  denied,      finished,  locked,
                                faulted,  servicing, service_menu};

const ServiceBegun staff_at_work{.kind = ServiceKind::clean,
                                 .longest = std::chrono::seconds{20},
                                 .most = model::Volume::millilitres(300)};

const BeginFailed no_row{{DenialReason::ledger_unavailable, "full"}};

/// Brings a session into a state on the way a guest would.
SessionFixture in_state(TapState state) {
  SessionFixture tap;
  if (state == starting) return tap;
  tap.start();
  switch (state) {
    case starting:
    case idle:
      break;
    case locked:
      tap.give(Locked{LockReason::tap_status, "by the venue"});
      break;
    case faulted:
      tap.give(Faulted{FaultKind::meter, "silent"});
      break;
    case servicing:
      tap.give(staff_at_work);
      break;
    case service_menu:
      tap.lay_on();
      tap.give(StaffCard{ann});
      break;
    case denied:
      tap.lay_on();
      tap.give(Denied{{.reason = DenialReason::lost_card, .message = ""}});
      break;
    case authorizing:
    case preparing:
    case ready:
    case pouring:
    case settling:
    case finished:
      tap.lay_on();
      if (state == authorizing) break;
      tap.allow(300);
      if (state == preparing) break;
      tap.give(BeginWritten{});
      if (state == ready) break;
      tap.flow(10);
      if (state == pouring) break;
      if (state == settling) {
        tap.take_away();
        break;
      }
      tap.flow(290);
      tap.pass(std::chrono::milliseconds{150});
      break;
  }
  return tap;
}

struct Row {
  std::string what;
  Event event;
  std::array<TapState, all_states.size()> becomes;  // in the order of all_states
};

const std::vector<Row>& table() {
  static const Event granted = Granted{.grant = grant(300), .client_tx_id = some_id()};
  static const Event denial = Denied{{.reason = DenialReason::unknown_card, .message = ""}};
  // clang-format off
  static const std::vector<Row> rows{
    //                                              starting  idle         authorizing  preparing  ready     pouring   settling  denied       finished  locked   faulted  servicing  service_menu
    {"started",         Started{},                 {idle,     idle,        authorizing, preparing, ready,    pouring,  settling, denied,      finished, locked,  faulted, servicing, service_menu}},
    {"same card",       CardPresent{ann},          {starting, authorizing, authorizing, preparing, settling, settling, settling, denied,      finished, locked,  faulted, servicing, service_menu}},
    {"other card",      CardPresent{bob},          {starting, authorizing, denied,      settling,  settling, settling, settling, denied,      finished, locked,  faulted, servicing, authorizing}},
    {"card gone",       CardGone{},                {starting, idle,        idle,        settling,  settling, settling, settling, denied,      idle,     locked,  faulted, servicing, service_menu}},
    {"two cards",       CardUnusable{"two cards"}, {starting, denied,      denied,      settling,  settling, settling, settling, denied,      denied,   locked,  faulted, servicing, finished}},
    {"a little flow",   Flow{.edges = 5},               {starting, idle,        authorizing, preparing, pouring,  pouring,  settling, denied,      finished, locked,  faulted, servicing, service_menu}},
    {"much flow",       Flow{.edges = 400},             {starting, faulted,     faulted,     settling,  settling, settling, settling, faulted,     faulted,  faulted, faulted, settling, faulted}},
    {"a tick",          Tick{},                    {starting, idle,        authorizing, preparing, ready,    pouring,  settling, denied,      finished, locked,  faulted, servicing, service_menu}},
    {"granted",         granted,                   {starting, idle,        preparing,   preparing, ready,    pouring,  settling, denied,      finished, locked,  faulted, servicing, service_menu}},
    {"denied",          denial,                    {starting, idle,        denied,      preparing, ready,    pouring,  settling, denied,      finished, locked,  faulted, servicing, denied}},
    {"refused late",    RefusedLate{{.reason = DenialReason::lost_card, .message = ""}},
                                                   {starting, idle,        authorizing, settling,  settling, pouring,  settling, denied,      finished, locked,  faulted, servicing, service_menu}},
    {"row written",     BeginWritten{},            {starting, idle,        authorizing, ready,     ready,    pouring,  settling, denied,      finished, locked,  faulted, servicing, service_menu}},
    {"row not written", no_row,                    {starting, idle,        authorizing, denied,    ready,    pouring,  settling, denied,      finished, locked,  faulted, servicing, service_menu}},
    {"progress written", ProgressWritten{},        {starting, idle,        authorizing, preparing, ready,    pouring,  settling, denied,      finished, locked,  faulted, servicing, service_menu}},
    {"locked",          Locked{LockReason::storage, ""},
                                                   {starting, locked,      locked,      settling,  settling, settling, settling, locked,      locked,   locked,  faulted, settling, locked}},
    {"unlocked",        Unlocked{LockReason::tap_status},
                                                   {starting, idle,        authorizing, preparing, ready,    pouring,  settling, denied,      finished, idle,    faulted, servicing, service_menu}},
    {"faulted",         Faulted{FaultKind::reader, ""},
                                                   {starting, faulted,     faulted,     settling,  settling, settling, settling, faulted,     faulted,  faulted, faulted, settling, faulted}},
    {"cleared",         Cleared{},                 {starting, idle,        authorizing, preparing, ready,    pouring,  settling, denied,      finished, locked,  faulted, servicing, service_menu}},
    {"repaired",        Repaired{FaultKind::meter},
                                                   {starting, idle,        authorizing, preparing, ready,    pouring,  settling, denied,      finished, locked,  idle, servicing, service_menu}},
    {"staff begin",     staff_at_work,             {starting, servicing,   authorizing, preparing, ready,    pouring,  settling, servicing,   servicing, servicing, faulted, servicing, service_menu}},
    {"staff end",       ServiceEnded{},            {starting, idle,        authorizing, preparing, ready,    pouring,  settling, denied,      finished, locked,  faulted, settling, service_menu}},
    {"staff's card",    StaffCard{ann},            {starting, idle,        service_menu, preparing, ready,   pouring,  settling, denied,      finished, locked,  faulted, servicing, service_menu}},
  };
  // clang-format on
  return rows;
}

bool open_in(TapState state) {
  return state == ready || state == pouring || state == servicing;
}

}  // namespace

TEST_CASE("every cell of the session's table leads where the table says", "[tap_session]") {
  for (const Row& row : table()) {
    for (std::size_t i = 0; i < all_states.size(); ++i) {
      SessionFixture tap = in_state(all_states.at(i));
      INFO(to_text(all_states.at(i)) << " + " << row.what);
      REQUIRE(tap.session.state() == all_states.at(i));
      tap.give(row.event);
      CHECK(to_text(tap.session.state()) == to_text(row.becomes.at(i)));
    }
  }
}

TEST_CASE("in every cell the valve is commanded as the state says", "[tap_session]") {
  for (const Row& row : table()) {
    for (const TapState before : all_states) {
      SessionFixture tap = in_state(before);
      INFO(to_text(before) << " + " << row.what);
      tap.give(row.event);
      const TapState after = tap.session.state();
      CHECK(tap.session.valve_open() == open_in(after));
      CHECK(tap.did<OpenValve>() == (!open_in(before) && open_in(after)));
      CHECK(tap.did<ShutValve>() == (open_in(before) && !open_in(after)));
      // A row is ended exactly where a pour's time is over, never while the valve is open.
      if (tap.did<EndPour>()) CHECK_FALSE(open_in(after));
    }
  }
}

TEST_CASE("a session left alone comes to rest from every cell", "[tap_session]") {
  for (const Row& row : table()) {
    for (const TapState before : all_states) {
      if (before == starting) continue;
      SessionFixture tap = in_state(before);
      INFO(to_text(before) << " + " << row.what);
      tap.give(row.event);
      tap.give(Unlocked{LockReason::storage});
      tap.give(Unlocked{LockReason::tap_status});
      tap.give(Repaired{FaultKind::meter});
      tap.give(Repaired{FaultKind::reader});
      for (int i = 0; i < 10; ++i) {
        // The ledger answers, guests go away, time passes.
        if (tap.session.state() == preparing || tap.session.state() == settling) {
          tap.give(BeginWritten{});
        }
        tap.take_away();
        tap.pass(std::chrono::seconds{21});
      }
      CHECK(to_text(tap.session.state()) == to_text(idle));
      CHECK_FALSE(tap.session.wake_at().has_value());
    }
  }
}

}  // namespace tapd::test
