// What tapd counts about itself, as Prometheus reads it (text format 0.0.4). Most of it is read off
// the lines of the journal on their way: what is worth a line is worth a count, and the two cannot
// tell different stories. The rest is asked for when somebody looks. Any thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "daemon/controller.hpp"
#include "daemon/journal.hpp"
#include "drivers/card_reader.hpp"

namespace tapd {

/// What is asked for at each look; in the order of the taps.
struct MetricsNow {
  struct Tap {
    model::TapId id;
    std::string state;
  };
  std::vector<Tap> taps;
  std::vector<drivers::ReaderHealth> readers;
  bool server_reachable{false};
  bool emergency_stop{false};
  storage::QueueCounts queue;
  model::Money exposure;
  std::chrono::seconds oldest_age{0};  ///< Of the oldest row that waits for the server.
  std::int64_t disk_bytes_written{0};  ///< By this process, as the kernel counts (proc(5), io).
};

class Metrics final : public Journal {
 public:
  using Now = std::function<std::chrono::nanoseconds()>;
  /// Counts what passes to `next`. `now`: time since boot.
  Metrics(Journal& next, Now now);
  ~Metrics() override;
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;
  Metrics(Metrics&&) = delete;
  Metrics& operator=(Metrics&&) = delete;

  void write(const JournalLine& line) noexcept override;
  /// A commit of the ledger took so long.
  void committed(std::chrono::nanoseconds took);
  /// A request to the venue server took so long; `endpoint`: its word (sync/wire.hpp).
  void requested(const char* endpoint, bool answered, std::chrono::nanoseconds took);
  /// Everything, as text.
  [[nodiscard]] std::string text(const MetricsNow& now);

 private:
  struct Implementation;
  std::unique_ptr<Implementation> self_;
};

/// /proc/self/io, write_bytes; zero where it is not told. `root` stands for "/".
[[nodiscard]] std::int64_t disk_bytes_written(const std::string& root = "/");

}  // namespace tapd
