#include "tests/conformance/served_venue.hpp"

#include <fmt/format.h>

#include "sync/wire.hpp"
#include "tests/conformance/http_call.hpp"

namespace tapd::conformance {
namespace {

using sync::test::card;
using sync::test::guest_uuid;

/// Per thousand requests.
constexpr std::uint64_t server_restart = 5;
constexpr std::uint64_t database_crash = 1;
constexpr std::uint64_t keg = 0xAAAA;  // Of test::pour().
constexpr int keg_ml = 1'000'000;
constexpr int taps = 3;  // Of sync::test::Schedule.

/// Pours and audit rows are append-only; a replica's session may still delete them.
constexpr const char* sweep =
    "SET session_replication_role = replica;"
    "DELETE FROM pours; DELETE FROM audit_logs; DELETE FROM authorizations;"
    "DELETE FROM flow_events; DELETE FROM cards; DELETE FROM guests; DELETE FROM taps;"
    "DELETE FROM kegs; DELETE FROM beverages; DELETE FROM controllers;"
    "SET session_replication_role = DEFAULT;";

}  // namespace

ServedVenue::ServedVenue(test::PostgresCluster& cluster) : cluster_{cluster} {
  start_server();
  looks_ = std::make_unique<central::Connection>(cluster_.url());
}

void ServedVenue::start_server() {
  call_ = {};
  server_.reset();
  central::CentralOptions options;
  options.database_url = cluster_.url();
  options.strict = !has_snapshot;
  options.http.token = token;
  options.http.workers = 4;
  server_ = std::make_unique<central::CentralServer>(options);
  call_ = http_call(server_->url());
}

void ServedVenue::open(std::uint64_t seed) {
  dice_ = sync::test::Dice{seed};
  start_server();
  looks_->run_script(sweep);
  const std::string beverage = guest_uuid(0xBBBB);
  looks_->run("INSERT INTO beverages VALUES ($1, 'Harbour IPA', NULL, NULL, NULL, 12.90)",
              {beverage});
  for (int tap = 1; tap <= taps; ++tap) {
    const std::string on_tap = guest_uuid(keg + static_cast<std::uint64_t>(tap - 1));
    looks_->run("INSERT INTO kegs VALUES ($1, $2, $3, $3, NULL, 'in_use')",
                {on_tap, beverage, keg_ml});
    looks_->run("INSERT INTO taps VALUES ($1, $2, 'Tap', 'active')", {tap, on_tap});
  }
  std::uint64_t number = 0;
  for (const auto& [id, balance] : balances) {
    looks_->run(
        "INSERT INTO guests (guest_id, first_name, balance) VALUES ($1, 'Anna',"
        " $2::bigint::numeric / 100)",
        {id, balance});
    // Guests are numbered from 1 and their ids sort by number.
    looks_->run("INSERT INTO cards VALUES ($1, $2, 'active')", {card(++number).text(), id});
  }
}

void ServedVenue::trouble() {
  if (dice_.chance(server_restart)) {
    ++server_restarts_;
    start_server();
  }
  if (dice_.chance(database_crash)) {
    ++database_crashes_;
    cluster_.crash();
    cluster_.start();
    looks_ = std::make_unique<central::Connection>(cluster_.url());
  }
}

sync::HttpResponse ServedVenue::answer(const sync::HttpRequest& request) {
  ++requests[request.path];
  trouble();
  Question question;
  question.post = request.method == sync::HttpRequest::Method::post;
  question.path = request.query.empty() ? request.path : request.path + "?" + request.query;
  question.headers = request.headers;
  question.headers.erase("Content-Type");
  question.body = request.body;
  const Answer said = call_(question);
  if (request.path == sync::endpoint::pours) read_books();
  // A server that was cut off says nothing; its proxy says this.
  if (said.status == 0) return {502, {}, said.body};
  return {said.status, said.headers, said.body};
}

void ServedVenue::read_books() {
  const central::Rows pours = looks_->run(
      "SELECT client_tx_id, (amount_charged * 100)::bigint, volume_ml, tail_volume_ml, guest_id"
      " FROM pours");
  booked.clear();
  for (int i = 0; i < pours.count(); ++i) {
    booked[pours.text(i, 0)] = {pours.integer(i, 1), pours.integer(i, 2), pours.integer(i, 3),
                                pours.text(i, 4), 1};
  }
  const central::Rows guests = looks_->run("SELECT guest_id, (balance * 100)::bigint FROM guests");
  for (int i = 0; i < guests.count(); ++i) balances[guests.text(i, 0)] = guests.integer(i, 1);
}

std::string ServedVenue::objection() {
  const central::Rows sums = looks_->run(
      "SELECT (SELECT coalesce(sum(volume_ml), 0) FROM pours),"
      " (SELECT sum(initial_volume_ml - current_volume_ml) FROM kegs),"
      " (SELECT count(*) FROM audit_logs WHERE action = 'book_pour'),"
      " (SELECT count(*) FROM pours)");
  if (sums.integer(0, 0) != sums.integer(0, 1)) {
    return fmt::format("{} ml poured, {} ml gone from the kegs", sums.integer(0, 0),
                       sums.integer(0, 1));
  }
  if (sums.integer(0, 2) != sums.integer(0, 3)) {
    return fmt::format("{} bookings in the audit, {} pours", sums.integer(0, 2),
                       sums.integer(0, 3));
  }
  return {};
}

}  // namespace tapd::conformance
