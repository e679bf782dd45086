#include "tests/central/database.hpp"

#include <libpq-fe.h>

#include <charconv>
#include <system_error>
#include <utility>

namespace tapd::central {
namespace {

std::string trimmed(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
  return text;
}

void drop_notice(void* /*unused*/, const char* /*message*/) {}

/// A statement that waits longer for a lock than any test or guest would is given up.
constexpr const char* session_settings =
    "SET timezone = 'UTC'; SET lock_timeout = '10s'; SET statement_timeout = '60s';";

}  // namespace

void Rows::Clear::operator()(pg_result* result) const {
  PQclear(result);
}

int Rows::count() const {
  return PQntuples(result_.get());
}

bool Rows::is_null(int row, int column) const {
  return PQgetisnull(result_.get(), row, column) != 0;
}

std::string Rows::text(int row, int column) const {
  return {PQgetvalue(result_.get(), row, column),
          static_cast<std::size_t>(PQgetlength(result_.get(), row, column))};
}

std::optional<std::string> Rows::optional_text(int row, int column) const {
  if (is_null(row, column)) return std::nullopt;
  return text(row, column);
}

std::int64_t Rows::integer(int row, int column) const {
  const std::string digits = text(row, column);
  std::int64_t value = 0;
  const char* const end = digits.data() + digits.size();
  const auto [rest, error] = std::from_chars(digits.data(), end, value);
  if (error != std::errc{} || rest != end) {
    throw std::runtime_error("the database answered '" + digits + "' where an integer belongs");
  }
  return value;
}

bool Rows::boolean(int row, int column) const {
  return text(row, column) == "t";
}

void Connection::Finish::operator()(pg_conn* connection) const {
  PQfinish(connection);
}

Connection::Connection(const std::string& url) : connection_{PQconnectdb(url.c_str())} {
  if (PQstatus(connection_.get()) != CONNECTION_OK) fail(nullptr);
  PQsetNoticeProcessor(connection_.get(), drop_notice, nullptr);
  run_script(session_settings);
}

Rows Connection::run(const char* sql, const std::vector<Parameter>& parameters) {
  std::vector<const char*> values;
  values.reserve(parameters.size());
  for (const auto& parameter : parameters) values.push_back(parameter.data());
  pg_result* const result = PQexecParams(connection_.get(), sql, static_cast<int>(values.size()),
                                         nullptr, values.data(), nullptr, nullptr, 0);
  Rows rows{result};
  const ExecStatusType status = PQresultStatus(result);
  if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) fail(result);
  return rows;
}

void Connection::run_script(const std::string& sql) {
  pg_result* const result = PQexec(connection_.get(), sql.c_str());
  const Rows owner{result};
  const ExecStatusType status = PQresultStatus(result);
  if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) fail(result);
}

bool Connection::is_usable() const {
  return PQstatus(connection_.get()) == CONNECTION_OK;
}

void Connection::fail(const pg_result* result) const {
  const char* const sqlstate =
      result == nullptr ? nullptr : PQresultErrorField(result, PG_DIAG_SQLSTATE);
  const std::string words =
      result == nullptr ? PQerrorMessage(connection_.get()) : PQresultErrorMessage(result);
  throw DatabaseError("PostgreSQL: " + trimmed(words), sqlstate == nullptr ? "" : sqlstate,
                      !is_usable());
}

Transaction::Transaction(Connection& connection, Isolation isolation) : connection_{connection} {
  switch (isolation) {
    case Isolation::read_committed:
      connection_.run("BEGIN ISOLATION LEVEL READ COMMITTED");
      break;
    case Isolation::repeatable_snapshot:
      connection_.run("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
      break;
  }
}

Transaction::~Transaction() {
  if (!open_ || !connection_.is_usable()) return;
  try {
    connection_.run("ROLLBACK");
  } catch (const DatabaseError&) {
    return;  // the server rolls back by itself when the connection ends, as this one will
  }
}

void Transaction::commit() {
  connection_.run("COMMIT");
  open_ = false;
}

ConnectionPool::ConnectionPool(std::string url, int size) : url_{std::move(url)}, places_{size} {}

ConnectionPool::Lease ConnectionPool::acquire() {
  std::unique_ptr<Connection> connection;
  {
    std::unique_lock lock{mutex_};
    place_free_.wait(lock, [this] { return places_ > 0; });
    --places_;
    if (!idle_.empty()) {
      connection = std::move(idle_.back());
      idle_.pop_back();
    }
  }
  try {
    if (!connection) connection = std::make_unique<Connection>(url_);
  } catch (const DatabaseError&) {
    give_back(nullptr);
    throw;
  }
  return {*this, std::move(connection)};
}

void ConnectionPool::give_back(std::unique_ptr<Connection> connection) {
  {
    const std::lock_guard lock{mutex_};
    ++places_;
    if (connection && connection->is_usable()) {
      idle_.push_back(std::move(connection));
    } else {
      idle_.clear();  // a server that dropped one connection has dropped its neighbours too
    }
  }
  place_free_.notify_one();
}

ConnectionPool::Lease::~Lease() {
  pool_.give_back(std::move(connection_));
}

}  // namespace tapd::central
