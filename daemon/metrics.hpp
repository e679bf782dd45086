// What tapd counts about itself, as Prometheus reads it (text format 0.0.4). Most of it is read off
// the lines of the journal on their way: what is worth a line is worth a count, and the two cannot
// tell different stories. The rest is asked for when somebody looks. Any thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
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
    bool locked_by_storage{false};
  };
  std::vector<Tap> taps;
  std::vector<drivers::ReaderHealth> readers;
  bool server_reachable{false};
  bool emergency_stop{false};
  storage::QueueCounts queue;
  model::Money exposure;
  std::chrono::seconds oldest_age{0};  ///< Of the oldest row that waits for the server.
  std::int64_t disk_bytes_written{0};  ///< By this process, as the kernel counts (proc(5), io).
  std::int64_t disk_bytes_free{0};     ///< Where the ledger is.
};

/// Of the taps and the server, as the control thread sees them.
[[nodiscard]] MetricsNow metrics_of(const Controller& controller);

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
  /// A commit of the ledger took so long; `good`: the disk took it (empty: it was not asked).
  void committed(std::chrono::nanoseconds took, std::optional<bool> good);
  /// The last thing that was to be written to the ledger was; true before the first.
  [[nodiscard]] bool ledger_writable() const;
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
/// For whoever is not root; zero where it is not told.
[[nodiscard]] std::int64_t disk_bytes_free(const std::filesystem::path& folder);

}  // namespace tapd
