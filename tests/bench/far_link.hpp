// A TCP proxy on loopback that makes the way to a server long and bad, as TCP shows such a way to
// its users: every byte is delayed, each segment may be lost and comes a round trip later, what
// follows it waits, and now and then the connection is cut. The window is taken to be open: no
// bandwidth limits it.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <thread>

#include "tests/sync/samples.hpp"

namespace tapd::bench {

struct LinkFaults {
  std::chrono::milliseconds one_way{100};
  std::size_t segment{1'448};           ///< Bytes of a packet.
  std::uint64_t lost_per_thousand{50};  ///< Segments, and those that are sent again.
  std::uint64_t cut_per_thousand{2};    ///< Of what is read at once, at most 16 KiB.
};

class FarLink {
 public:
  /// Listens from construction to destruction. Throws std::runtime_error.
  FarLink(int server_port, LinkFaults faults);
  ~FarLink();
  FarLink(const FarLink&) = delete;
  FarLink& operator=(const FarLink&) = delete;
  FarLink(FarLink&&) = delete;
  FarLink& operator=(FarLink&&) = delete;

  [[nodiscard]] std::string url() const;
  [[nodiscard]] int cuts() const { return cuts_; }
  /// Segments that were sent again.
  [[nodiscard]] int resends() const { return resends_; }

 private:
  void serve();
  [[nodiscard]] std::chrono::milliseconds delay_of(std::size_t bytes, sync::test::Dice& dice);

  int server_port_;
  LinkFaults faults_;
  int listener_{-1};
  int port_{0};
  std::atomic<int> cuts_{0};
  std::atomic<int> resends_{0};
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

}  // namespace tapd::bench
