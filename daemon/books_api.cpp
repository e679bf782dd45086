#include "daemon/books_api.hpp"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <optional>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "daemon/api_answers.hpp"
#include "daemon/backup_place.hpp"
#include "daemon/exposure.hpp"
#include "storage/model/whole_number.hpp"

namespace tapd {
namespace {

using nlohmann::json;

/// The position that a client hands back; nullopt when it makes no sense.
std::optional<storage::ChainPosition> position(const ApiRequest& request) {
  const auto after = request.query.find("after");
  if (after == request.query.end()) return storage::ChainPosition{};
  const auto chain_no = model::whole_number(after->second);
  const auto hash = request.query.find("hash");
  if (!chain_no || *chain_no < 0 || hash == request.query.end()) return std::nullopt;
  return storage::ChainPosition{.chain_no = *chain_no, .hash = hash->second};
}

json slice_json(const storage::ChainSlice& slice) {
  json body{{"after", slice.reached.chain_no},
            {"hash", slice.reached.hash},
            {"rows", slice.rows},
            {"gaps", slice.gaps},
            {"at_end", slice.at_end}};
  if (slice.broken) {
    body["broken"] = {{"chain_no", slice.broken->chain_no},
                      {"client_tx_id", slice.broken->client_tx_id},
                      {"what", slice.broken->what}};
  }
  return body;
}

/// Every guest that might buy, read in parts; an error as the ledger told it.
storage::Result<model::Money> spendable(const BooksApiPorts& ports, const model::Moment& now) {
  constexpr std::size_t part = 200;
  model::Money sum;
  model::GuestId after;
  for (;;) {
    const auto guests = ports.storage->run(
        [&after](storage::Ledger& ledger) { return ledger.spenders(after, part); });
    if (!guests) return tl::unexpected(guests.error());
    sum += spendable_offline(ports.policy, *guests, now, ports.boot);
    if (guests->size() < part) break;
    after = *guests->back().card->guest_id;
  }
  const auto everybody =
      ports.storage->run([](storage::Ledger& ledger) { return ledger.offline_spending(); });
  if (!everybody) return tl::unexpected(everybody.error());
  return within_exposure(ports.policy, sum, *everybody);
}

/// Whether the shipped unit (PrivateTmp=) would take the file away with the process: it tells of
/// itself by RUNTIME_DIRECTORY (systemd.exec(5)).
bool is_lost_with_tapd(const std::filesystem::path& file) {
  if (std::getenv("RUNTIME_DIRECTORY") == nullptr) return false;
  const std::string place = file.lexically_normal().string();
  return place.starts_with("/tmp/") || place.starts_with("/var/tmp/");
}

}  // namespace

ApiResponse verify_books(const BooksApiPorts& ports, const ApiRequest& request) {
  constexpr std::size_t rows_at_once = 200;
  constexpr int parts = 25;
  const auto from = position(request);
  if (!from) return problem(400, "after and hash are what the answer before this one said");
  storage::ChainSlice all;
  all.reached = *from;
  for (int part = 0; part < parts && !all.at_end && !all.broken; ++part) {
    const auto slice = ports.storage->run(
        [&all](storage::Ledger& ledger) { return ledger.verify_chain(all.reached, rows_at_once); });
    if (!slice) return problem(503, slice.error().message);
    all = {.reached = slice->reached,
           .rows = all.rows + slice->rows,
           .gaps = all.gaps + slice->gaps,
           .at_end = slice->at_end,
           .broken = slice->broken};
  }
  return json_answer(slice_json(all));
}

storage::Result<MoneyStanding> money_standing(const BooksApiPorts& ports,
                                              const model::Moment& now) {
  const auto queue =
      ports.storage->run([](storage::Ledger& ledger) { return ledger.queue_counts(); });
  if (!queue) return tl::unexpected(queue.error());
  const auto cached = spendable(ports, now);
  if (!cached) return tl::unexpected(cached.error());
  std::chrono::seconds age{0};
  if (const auto& oldest = queue->oldest_waiting) {
    age = std::max(age, std::chrono::floor<std::chrono::seconds>(now.wall - oldest->wall));
  }
  return MoneyStanding{.queue = *queue, .spendable = *cached, .oldest_age = age};
}

ApiResponse owed(const BooksApiPorts& ports) {
  const auto standing = money_standing(ports, ports.now());
  if (!standing) return problem(503, standing.error().message);
  const storage::QueueCounts* queue = &standing->queue;
  json body{{"rows", queue->waiting + queue->failed},
            {"waiting", queue->waiting},
            {"failed", queue->failed},
            {"owed_cents", queue->owed.minor_units()},
            {"held_cents", queue->held.minor_units()},
            {"spendable_cents", standing->spendable.minor_units()},
            {"worst_case_cents", standing->worst_case().minor_units()}};
  if (queue->oldest_waiting) {
    body["oldest"] = model::to_iso8601(queue->oldest_waiting->wall);
    body["oldest_age_s"] = standing->oldest_age.count();
  }
  return json_answer(body);
}

ApiResponse begin_backup(const BooksApiPorts& ports, const ApiRequest& request) {
  const std::filesystem::path file{request.body};
  if (!file.empty() && !file.is_absolute()) {
    return problem(400, fmt::format("{}: name the file with its whole path", request.body));
  }
  if (is_lost_with_tapd(file)) {
    return problem(400, fmt::format("{}: tapd has a /tmp and a /var/tmp of its own, which go when "
                                    "it stops: name a file below /var/lib/tapd, and copy it from "
                                    "there",
                                    request.body));
  }
  if (!file.empty()) {
    if (const auto why = why_no_backup(file)) return problem(400, *why);
    std::error_code unknown;
    if (std::filesystem::exists(file, unknown)) {
      return problem(409, file.string() + " exists already: name another file");
    }
  }
  if (!ports.keeper->ask_backup(file)) {
    return problem(409, "a backup is under way: ask again when it is done");
  }
  return json_answer({{"stage", "under_way"}, {"file", ports.keeper->backup_asked().file}});
}

ApiResponse backup_state(const BooksApiPorts& ports) {
  const BackupAsked asked = ports.keeper->backup_asked();
  const auto stage = [&asked] {
    switch (asked.stage) {
      case BackupAsked::Stage::none:
        return "none";
      case BackupAsked::Stage::under_way:
        return "under_way";
      case BackupAsked::Stage::done:
        return "done";
      case BackupAsked::Stage::failed:
        return "failed";
    }
    return "none";
  };
  return json_answer({{"stage", stage()}, {"file", asked.file}, {"why", asked.why}});
}

}  // namespace tapd
