#include "tests/central/pour_booking.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <set>
#include <span>
#include <utility>
#include <vector>

#include "tests/central/fields.hpp"
#include "tests/central/pour_batch.hpp"

namespace tapd::central {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

/// How often rows are tried again after a deadlock, or after losing a race for an id.
constexpr int booking_attempts = 5;

RowVerdict rejected(const char* outcome, std::string reason) {
  return {.status = "rejected", .outcome = outcome, .reason = std::move(reason)};
}

/// A row without a volume books nothing and releases the lock, unless its id is booked.
RowVerdict release(Connection& connection, const PourRow& row) {
  Transaction transaction{connection};
  const auto repeats = find_repeats(connection, std::span{&row, 1});
  if (!repeats.empty()) return repeat_verdict(repeats.begin()->second);
  connection.run(
      "UPDATE authorizations SET released_at = now(), released_by = $3"
      " WHERE card_uid = $1 AND tap_id = $2 AND released_at IS NULL",
      {row.card_uid, row.tap_id, row.client_tx_id});
  transaction.commit();
  return rejected("rejected_zero_volume", "nothing was poured; the lock is released");
}

std::vector<RowVerdict> book_rows(Connection& connection, std::span<const PourRow> rows);

/// One value that PostgreSQL refuses refuses the whole transaction: each row by itself then.
std::vector<RowVerdict> book_one_by_one(Connection& connection, std::span<const PourRow> rows) {
  std::vector<RowVerdict> verdicts;
  for (const PourRow& row : rows) {
    verdicts.push_back(book_rows(connection, std::span{&row, 1}).front());
  }
  return verdicts;
}

/// Rows with a volume, each with another id.
std::vector<RowVerdict> book_rows(Connection& connection, std::span<const PourRow> rows) {
  for (int attempt = 1; attempt <= booking_attempts; ++attempt) {
    try {
      if (auto verdicts = try_to_book(connection, rows)) return *verdicts;
    } catch (const DatabaseError& error) {
      if (error.is_about_the_values()) {
        if (rows.size() == 1) return {rejected("rejected_malformed", error.what())};
        return book_one_by_one(connection, rows);
      }
      if (!error.may_pass_again() || attempt == booking_attempts) throw;
    }
  }
  if (rows.size() > 1) return book_one_by_one(connection, rows);
  throw DatabaseError("the id " + rows.front().client_tx_id + " is booked and not booked", "",
                      true);
}

/// The rows of one request. Those that follow each other and do not depend on each other are
/// booked together; a repeated id and a row without a volume wait until the rows before are done.
class Request {
 public:
  explicit Request(Connection& connection) : connection_{connection} {}

  void add(const json& object) {
    const auto row = read_pour_row(object);
    if (!row) return say(row.error());
    if (row->volume_ml == 0) {
      book();
      return say(release(connection_, *row));
    }
    if (ids_.contains(row->client_tx_id)) book();
    // An id that is booked is judged by its content, whatever its price.
    if (auto mismatch = check_price(*row)) {
      const auto repeats = find_repeats(connection_, std::span{&*row, 1});
      return say(repeats.empty() ? *mismatch : repeat_verdict(repeats.begin()->second));
    }
    ids_.insert(row->client_tx_id);
    places_.push_back(verdicts_.size());
    rows_.push_back(*row);
    verdicts_.emplace_back();
  }

  /// One verdict for each row that was added, in order.
  std::vector<RowVerdict> verdicts() {
    book();
    return std::move(verdicts_);
  }

 private:
  void say(RowVerdict verdict) { verdicts_.push_back(std::move(verdict)); }

  void book() {
    if (rows_.empty()) return;
    std::vector<RowVerdict> booked = book_rows(connection_, rows_);
    for (std::size_t i = 0; i < booked.size(); ++i) verdicts_[places_[i]] = std::move(booked[i]);
    rows_.clear();
    places_.clear();
    ids_.clear();
  }

  Connection& connection_;
  std::vector<PourRow> rows_;        ///< To be booked together...
  std::vector<std::size_t> places_;  ///< ...and where their verdicts belong.
  std::set<std::string> ids_;
  std::vector<RowVerdict> verdicts_;
};

/// The id as it was sent, so that even a row that is no row can be told apart in the results.
ordered_json id_of(const json& object) {
  if (!object.is_object()) return nullptr;
  const auto id = object.find("client_tx_id");
  return id != object.end() && id->is_string() ? ordered_json(id->get<std::string>()) : nullptr;
}

}  // namespace

RowVerdict book_pour(Connection& connection, const PourRow& row) {
  if (row.volume_ml == 0) return release(connection, row);
  return book_rows(connection, std::span{&row, 1}).front();
}

Reply sync_pours(Connection& connection, const std::string& body) {
  const auto parsed = parse_body(body);
  if (!parsed) return plain_error(400, "the body is no JSON");
  const auto pours = parsed->is_object() ? parsed->find("pours") : parsed->end();
  if (pours == parsed->end() || !pours->is_array()) {
    return plain_error(400, "the body has no list named pours");
  }
  if (pours->size() > largest_batch) {
    return plain_error(413, fmt::format("{} rows, at most {}", pours->size(), largest_batch));
  }
  Request request{connection};
  for (const auto& row : *pours) request.add(row);
  ordered_json results = ordered_json::array();
  const std::vector<RowVerdict> verdicts = request.verdicts();
  for (std::size_t i = 0; i < verdicts.size(); ++i) {
    const RowVerdict& verdict = verdicts[i];
    results.push_back(
        {{"client_tx_id", id_of((*pours)[i])},
         {"status", verdict.status},
         {"outcome", verdict.outcome},
         {"reason", verdict.reason ? ordered_json(*verdict.reason) : ordered_json(nullptr)}});
  }
  return json_reply(200, {{"results", results}});
}

}  // namespace tapd::central
