// The one connection to the ledger's file: opened so that a commit survives a power cut on an SD
// card, every setting written and read back (design: reliability, section 2). Used by the ledger.
// A file that is refused is left exactly as it was.
#pragma once

#include <string>

#include <SQLiteCpp/Database.h>

#include "storage/block_guard.hpp"
#include "storage/ledger.hpp"
#include "storage/medium_blocks.hpp"

namespace tapd::storage {

class Connection {
 public:
  /// Opens, checks and migrates the file. Throws OpenError.
  explicit Connection(const LedgerOptions& options);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  Connection(Connection&&) = delete;
  Connection& operator=(Connection&&) = delete;

  [[nodiscard]] SQLite::Database& database() { return database_; }
  /// The file's name, for messages.
  [[nodiscard]] const std::string& file() const { return file_; }
  /// Something contradicted the file while it was in use before; its pages are well.
  [[nodiscard]] bool suspected() const { return suspected_; }

 private:
  void claim();
  void configure();
  void check(const LedgerOptions& options);
  void settle();
  void bound_the_log(int medium_blocks);
  void keep_before_migration(const LedgerOptions& options);
  void bring_up_to_date();

  std::string file_;
  bool suspected_{false};
  MediumBlocks blocks_;
  BlockGuard guard_;
  SQLite::Database database_;
  int most_frames_{0};  ///< In the log, before it is moved into the file.
};

}  // namespace tapd::storage
