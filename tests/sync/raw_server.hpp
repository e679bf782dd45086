// A TCP server on loopback that answers each connection with given bytes, right or wrong, and can
// then hang up or keep silent: what an HTTP library would never send.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <thread>

#include "tests/support/unique_fd.hpp"

namespace tapd::sync::test {

class RawServer {
 public:
  enum class Then : std::uint8_t { hang_up, keep_silent };

  enum class First : std::uint8_t { listen, talk };

  /// Reads one request head per connection unless it talks first, writes `bytes`, then does `then`.
  RawServer(std::string bytes, Then then, First first = First::listen);
  ~RawServer();
  RawServer(const RawServer&) = delete;
  RawServer& operator=(const RawServer&) = delete;
  RawServer(RawServer&&) = delete;
  RawServer& operator=(RawServer&&) = delete;

  [[nodiscard]] std::string url() const;
  [[nodiscard]] int connections() const { return connections_; }

 private:
  void serve();
  void read_head(int connection) const;
  void answer(int connection) const;

  std::string bytes_;
  Then then_;
  First first_;
  tapd::test::UniqueFd listener_;
  std::uint16_t port_{0};
  std::atomic<bool> stop_{false};
  std::atomic<int> connections_{0};
  std::thread thread_;
};

}  // namespace tapd::sync::test
