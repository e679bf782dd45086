// A TCP proxy on loopback that makes the way to a server long and bad: every chunk is delayed, some
// are held up as by a lost packet that TCP sends again, and some cut their connection.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>
#include <thread>

namespace tapd::bench {

struct LinkFaults {
  std::chrono::milliseconds one_way{100};
  std::uint64_t lost_per_thousand{50};    ///< Chunks that come only when sent again...
  std::chrono::milliseconds resend{300};  ///< ...so much later.
  std::uint64_t cut_per_thousand{2};
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
  [[nodiscard]] int resends() const { return resends_; }

 private:
  void serve();

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
