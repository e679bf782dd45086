// What volumes are measured by, and what flowed outside a sale. Used by the ledger, inside a
// transaction; throws Refusal and SQLite's exceptions.
#pragma once

#include <cstdint>
#include <string>

#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Statement.h>

#include "storage/model/records.hpp"
#include "storage/notes.hpp"

namespace tapd::storage {

class Measuring {
 public:
  Measuring(SQLite::Database& database, Notes& notes);

  // Meanings are those of the ledger's functions of the same names.
  [[nodiscard]] std::int64_t calibration(model::TapId tap, std::int64_t nanolitres_per_pulse,
                                         const std::string& curve, const std::string& who,
                                         const model::Moment& now);
  void record_flow_event(const model::FlowEvent& event);

 private:
  Notes& notes_;
  SQLite::Statement newest_calibration_;
  SQLite::Statement put_calibration_;
  SQLite::Statement put_event_;
  SQLite::Statement drop_overtaken_;
};

}  // namespace tapd::storage
