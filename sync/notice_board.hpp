// What the engine tells the daemon, each thing once per change: an outage of a week is one notice,
// not one per attempt. Used by the engine's lanes.
#pragma once

#include <chrono>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "sync/engine.hpp"

namespace tapd::sync {

class NoticeBoard {
 public:
  /// Always told.
  void tell(Notice notice) { notices_.push_back(std::move(notice)); }
  [[nodiscard]] std::vector<Notice> take();

  void reachable();
  void unreachable(const std::string& why, std::chrono::milliseconds next_try);
  /// Told for the first endpoint that refuses the token, until all take it again.
  void token_refused(const std::string& endpoint, const std::string& what);
  void token_taken(const std::string& endpoint) { without_token_.erase(endpoint); }
  /// Anywhere but there.
  [[nodiscard]] bool is_token_refused_beside(const std::string& endpoint) const {
    return without_token_.size() > without_token_.count(endpoint);
  }
  /// Told once per endpoint, until it has made sense again.
  void nonsense(const std::string& endpoint, const std::string& why);
  void sense(const std::string& endpoint) { nonsensical_.erase(endpoint); }
  /// Told once per kind of work, until the ledger has done that again.
  void books_trouble(const char* work, const std::string& what);
  void books_well(const char* work) { troubled_books_.erase(work); }
  void emergency_stop(bool on);

 private:
  std::vector<Notice> notices_;
  std::optional<bool> reachable_;
  std::optional<bool> stopped_;
  std::set<std::string> without_token_;
  std::set<std::string> nonsensical_;
  std::set<std::string> troubled_books_;
};

}  // namespace tapd::sync
