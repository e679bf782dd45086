// What the stream of states tells of each tap, asked of the control thread at each look, and of the
// ledger now and then for what the taps sell. Used by the stream's own thread, which may wait.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "daemon/control_loop.hpp"
#include "daemon/storage_thread.hpp"
#include "daemon/tap_states.hpp"

namespace tapd {

class ScreenLines {
 public:
  /// `own_prices`: every tap, with the price that is used when the server tells none.
  ScreenLines(ControlInbox& control, StorageThread& storage,
              std::map<model::TapId, std::optional<model::LitrePrice>> own_prices)
      : control_{control}, storage_{storage}, own_prices_{std::move(own_prices)} {}

  /// One line of JSON for each tap; nullopt when the control thread does not answer.
  [[nodiscard]] std::optional<std::vector<std::string>> operator()();

 private:
  void read_offers();

  ControlInbox& control_;
  StorageThread& storage_;
  std::map<model::TapId, std::optional<model::LitrePrice>> own_prices_;
  std::map<model::TapId, TapOffer> offers_;
  int looks_{0};
};

}  // namespace tapd
