// The taps' states as a stream, one line of JSON for each change: what a screen is built on. A
// thread of its own looks ten times a second, only while somebody listens, and keeps the newest
// line of each tap and nothing else. So a slow client gets fewer lines, a client that never reads
// costs nothing but its connection, and the control thread is asked once however many listen.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "daemon/http_server.hpp"

namespace tapd {

class StateStream {
 public:
  static constexpr std::chrono::milliseconds between_looks{100};
  /// With nothing to tell a line {"alive": true} comes so often: both sides notice a dead other.
  static constexpr std::chrono::seconds between_signs_of_life{2};

  /// One line for each tap, in their order; nullopt when nobody answers. May wait a second.
  using Look = std::function<std::optional<std::vector<std::string>>()>;

  explicit StateStream(Look look);
  ~StateStream() = default;  // the thread is asked to stop and joined
  StateStream(const StateStream&) = delete;
  StateStream& operator=(const StateStream&) = delete;
  StateStream(StateStream&&) = delete;
  StateStream& operator=(StateStream&&) = delete;

  /// For one client: first every tap, then what changes. It must not outlive this object.
  [[nodiscard]] StreamSource listen();

 private:
  [[nodiscard]] std::string after(std::uint64_t& seen);
  void run(const std::stop_token& stop);
  [[nodiscard]] bool wait_for_listeners(const std::stop_token& stop);
  void take(const std::optional<std::vector<std::string>>& lines);

  struct Line {
    std::uint64_t version{0};
    std::string text;
  };

  Look look_;
  std::mutex guard_;
  std::condition_variable_any changed_;
  std::uint64_t version_{0};
  std::vector<Line> lines_;  // of each tap
  Line alive_;
  int quiet_looks_{0};
  std::shared_ptr<int> listeners_{std::make_shared<int>()};  // each one's source holds a copy
  std::jthread thread_;
};

}  // namespace tapd
