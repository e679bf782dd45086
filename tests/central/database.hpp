// PostgreSQL through libpq, as little of it as the venue server needs: a connection, queries with
// parameters, a transaction that rolls back unless it is committed, and a pool with one connection
// per worker thread. Values travel as text, so that no number passes through floating point.
// Errors are exceptions (DatabaseError) that carry the SQLSTATE; the callers decide what to retry.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

struct pg_conn;
struct pg_result;

namespace tapd::central {

/// A query that failed, or a server that went away.
class DatabaseError : public std::runtime_error {
 public:
  DatabaseError(const std::string& message, std::string sqlstate, bool connection_lost)
      : std::runtime_error{message},
        sqlstate_{std::move(sqlstate)},
        connection_lost_{connection_lost} {}

  /// Five characters (PostgreSQL, appendix A), empty when the server never answered.
  [[nodiscard]] const std::string& sqlstate() const { return sqlstate_; }
  /// The transaction may or may not have been committed.
  [[nodiscard]] bool connection_lost() const { return connection_lost_; }
  /// Serialization failure or deadlock: the same transaction may pass when tried again.
  [[nodiscard]] bool may_pass_again() const { return sqlstate_ == "40001" || sqlstate_ == "40P01"; }
  /// Class 22 (data exception) or 23 (constraint): the values are at fault, not the server.
  [[nodiscard]] bool is_about_the_values() const {
    return sqlstate_.starts_with("22") || sqlstate_.starts_with("23");
  }

 private:
  std::string sqlstate_;
  bool connection_lost_;
};

/// One value for a `$n` in a query; nothing is NULL. Text must not contain a zero byte.
class Parameter {
 public:
  Parameter(std::nullopt_t) {}
  Parameter(std::string text) : text_{std::move(text)} {}
  Parameter(std::string_view text) : text_{text} {}
  Parameter(const char* text) : text_{text} {}
  Parameter(std::int64_t number) : text_{std::to_string(number)} {}
  Parameter(std::int32_t number) : text_{std::to_string(number)} {}
  Parameter(bool value) : text_{value ? "true" : "false"} {}
  template<typename T>
  Parameter(const std::optional<T>& value) {
    if (value) text_ = Parameter{*value}.text_;
  }

  [[nodiscard]] const char* data() const { return text_ ? text_->c_str() : nullptr; }

 private:
  std::optional<std::string> text_;
};

/// The rows that a query returned. Row and column numbers start at 0 and must exist.
class Rows {
 public:
  explicit Rows(pg_result* result) : result_{result} {}

  [[nodiscard]] int count() const;
  [[nodiscard]] bool empty() const { return count() == 0; }
  [[nodiscard]] bool is_null(int row, int column) const;
  /// NULL reads as the empty text.
  [[nodiscard]] std::string text(int row, int column) const;
  [[nodiscard]] std::optional<std::string> optional_text(int row, int column) const;
  /// Throws std::runtime_error when the column is no integer of 64 bits.
  [[nodiscard]] std::int64_t integer(int row, int column) const;
  [[nodiscard]] bool boolean(int row, int column) const;

 private:
  struct Clear {
    void operator()(pg_result* result) const;
  };
  std::unique_ptr<pg_result, Clear> result_;
};

/// One connection; for one thread at a time.
class Connection {
 public:
  /// Connects. Throws DatabaseError with connection_lost() when the server cannot be reached.
  explicit Connection(const std::string& url);

  /// Runs one statement.
  Rows run(const char* sql, const std::vector<Parameter>& parameters = {});
  /// Runs several statements without parameters; the results are dropped.
  void run_script(const std::string& sql);
  /// False once the server went away: the connection is of no more use.
  [[nodiscard]] bool is_usable() const;

 private:
  struct Finish {
    void operator()(pg_conn* connection) const;
  };
  [[noreturn]] void fail(const pg_result* result) const;

  std::unique_ptr<pg_conn, Finish> connection_;
};

/// How much a transaction sees of others.
enum class Isolation {
  read_committed,       ///< Each statement sees what is committed when it starts.
  repeatable_snapshot,  ///< All statements see the database of one moment; read only.
};

/// A transaction that is rolled back unless commit() was called.
class Transaction {
 public:
  explicit Transaction(Connection& connection, Isolation isolation = Isolation::read_committed);
  ~Transaction();
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;

  void commit();

 private:
  Connection& connection_;
  bool open_{true};
};

/// A fixed number of connections, made when first needed and made anew when found broken.
class ConnectionPool {
 public:
  /// `size` connections at most; sized like the worker threads, so that nobody waits.
  ConnectionPool(std::string url, int size);

  /// A connection on loan, given back at the end of its scope.
  class Lease {
   public:
    Lease(ConnectionPool& pool, std::unique_ptr<Connection> connection)
        : pool_{pool}, connection_{std::move(connection)} {}
    ~Lease();
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    Connection& operator*() const { return *connection_; }
    Connection* operator->() const { return connection_.get(); }

   private:
    ConnectionPool& pool_;
    std::unique_ptr<Connection> connection_;
  };

  /// Waits for a free place; throws DatabaseError when the server cannot be reached. Any thread.
  [[nodiscard]] Lease acquire();

 private:
  void give_back(std::unique_ptr<Connection> connection);

  std::string url_;
  std::mutex mutex_;
  std::condition_variable place_free_;
  int places_;
  std::vector<std::unique_ptr<Connection>> idle_;
};

}  // namespace tapd::central
