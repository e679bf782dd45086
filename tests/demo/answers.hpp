// What tapd answers on its local API, read into values: the state of the taps and the queue, and
// the newest pours. Pure; an answer that is not what was asked for is an error in words.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <tl/expected.hpp>

namespace tapd::demo {

/// One tap in GET /status. Texts are empty and numbers zero where the answer has none.
struct TapStatus {
  std::int64_t tap{0};
  std::string state{};
  std::string reason{};  ///< Why denied, locked or faulted; why the last pour ended.
  bool valve_open{false};
  std::string guest{};
  std::string beverage{};
  std::string receipt{};        ///< Of the pour that runs.
  std::string authorized_by{};  ///< "server" or "cache".
  std::int64_t limit_ml{0};
  std::int64_t volume_ml{0};
  std::int64_t price_cents{0};
};

struct QueueStatus {
  std::int64_t open{0};
  std::int64_t waiting{0};
  std::int64_t failed{0};
  std::int64_t confirmed{0};
  std::int64_t owed_cents{0};
};

struct Status {
  std::vector<TapStatus> taps{};
  QueueStatus queue{};
  bool server_reachable{false};
};

/// A pour as tapd has it, from GET /pours or from its ledger's file.
struct PourRecord {
  std::string client_tx_id{};
  std::string receipt{};
  std::int64_t tap{0};
  std::string guest_id{};
  std::int64_t volume_ml{0};
  std::int64_t price_cents{0};
  std::string stop_reason{};
  std::string authorized_by{};
  std::string status{};  ///< "open", "new", "sent", "confirmed" or "failed".
  bool operator==(const PourRecord&) const = default;
};

[[nodiscard]] tl::expected<Status, std::string> parse_status(const std::string& body);
[[nodiscard]] tl::expected<std::vector<PourRecord>, std::string> parse_pours(
    const std::string& body);

}  // namespace tapd::demo
