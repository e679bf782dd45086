// Lines for the journal: one line per thing that happened, readable alone, with the fields by which
// people and programs search (systemd.journal-fields(7)). The daemon speaks through this port; what
// stands behind it must not block (see journal_thread.hpp).
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "daemon/messages.hpp"
#include "storage/model/ids.hpp"
#include "storage/model/money.hpp"
#include "storage/model/volume.hpp"

namespace tapd {

enum class Level : std::uint8_t { debug, info, warning, error };

/// What a line is about, besides its words. What is not known stays empty.
struct JournalFields {
  std::optional<model::TapId> tap{};                ///< TAP_ID
  std::optional<model::ClientTxId> client_tx_id{};  ///< CLIENT_TX_ID and SHORT_ID
  std::optional<model::CardUid> card{};             ///< CARD: masked; whole only at debug.
  std::optional<model::Volume> volume{};            ///< VOLUME_ML
  std::optional<model::Money> price{};              ///< PRICE_CENTS
  std::string reason{};                             ///< REASON: the word of a denial, fault, end
  std::int64_t edges_lost{0};                       ///< EDGES_LOST, of a pour
  std::string measured{};                           ///< MEASURED: how a pour was, "edges=820 ..."
  /// From the pulse that reached the limit, as the kernel stamped it, to the command.
  std::optional<std::chrono::nanoseconds> shut_after{};
  std::string state{};  ///< STATE: of the tap, afterwards
  /// Of pours that the server confirmed: since the end of each.
  std::vector<std::chrono::milliseconds> confirmed_after{};
};

struct JournalLine {
  Message message{Message::ready};
  Level level{Level::info};
  std::string text;
  JournalFields fields{};
};

class Journal {
 public:
  Journal() = default;
  virtual ~Journal() = default;
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;
  Journal(Journal&&) = delete;
  Journal& operator=(Journal&&) = delete;

  /// Any thread; returns at once.
  virtual void write(const JournalLine& line) noexcept = 0;

  void line(Message message, Level level, std::string text, JournalFields fields = {}) {
    write({message, level, std::move(text), std::move(fields)});
  }
};

}  // namespace tapd
