// Rows out, results in (contract, section 2).
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <limits>

#include <fmt/format.h>

#include "sync/json_reader.hpp"
#include "sync/json_text.hpp"
#include "sync/wire.hpp"

namespace tapd::sync {
namespace {

using nlohmann::json;
using namespace std::chrono_literals;

constexpr std::int64_t largest_int32 = std::numeric_limits<std::int32_t>::max();
constexpr std::int32_t largest_tap = 999;
constexpr std::size_t most_results = 1'000;
constexpr std::size_t longest_id = 100;
constexpr std::size_t longest_word = 64;
constexpr std::size_t longest_reason = 200;

// A clock that was never set, or a wild one: the server dates such a row by its arrival.
constexpr model::WallTime earliest_time = std::chrono::sys_days{std::chrono::year{2020} / 1 / 1};
constexpr model::WallTime latest_time = std::chrono::sys_days{std::chrono::year{2200} / 1 / 1};

// The wire counts whole milliseconds, and the existing server turns a duration of zero down.
std::int64_t wire_duration(std::chrono::milliseconds duration) {
  return std::max<std::int64_t>(duration.count(), 1);
}

bool within(std::int64_t value, std::int64_t most) {
  return value >= 0 && value <= most;
}

// What makes the row one that no server could take; empty when nothing does.
std::string why_unsendable(const model::Pour& pour) {
  const model::PourBegin& begin = pour.begin;
  const std::int64_t volume = pour.volume.in_millilitres();
  if (begin.client_tx_id.text().empty()) return "it has no client_tx_id";
  if (begin.card_uid.empty()) return "it has no card";
  if (begin.tap_id.number() < 1 || begin.tap_id.number() > largest_tap) {
    return fmt::format("tap {} is not between 1 and {}", begin.tap_id.number(), largest_tap);
  }
  if (!within(volume, largest_int32)) return fmt::format("{} ml do not fit", volume);
  if (!within(pour.tail.in_millilitres(), volume)) {
    return fmt::format("a tail of {} ml in {} ml", pour.tail.in_millilitres(), volume);
  }
  if (!within(pour.duration.count(), largest_int32)) {
    return fmt::format("{} ms do not fit", pour.duration.count());
  }
  if (!within(pour.price.minor_units(), model::largest_amount.minor_units())) {
    return fmt::format("a price of {} minor units", pour.price.minor_units());
  }
  if (!within(begin.price.minor_per_litre(), model::largest_litre_price.minor_per_litre())) {
    return fmt::format("{} minor units per litre", begin.price.minor_per_litre());
  }
  if (pour.pulses < 0 || pour.edges_lost < 0) return "a negative count of pulses";
  return {};
}

// A board without a clock of its own begins at the time it was last switched off: not to be told.
void put_time(json& row, const char* name, const model::Moment& moment) {
  if (!moment.wall_trusted || moment.wall < earliest_time || moment.wall >= latest_time) return;
  row[name] = model::to_iso8601(moment.wall);
}

void put_uuid(json& row, const char* name, const std::string& id) {
  if (is_uuid(id)) row[name] = id;
}

json row_of(const model::Pour& pour) {
  const model::PourBegin& begin = pour.begin;
  json row{{"client_tx_id", begin.client_tx_id.text()},
           {"short_id", begin.client_tx_id.short_id()},
           {"card_uid", begin.card_uid.text()},
           {"tap_id", begin.tap_id.number()},
           {"duration_ms", wire_duration(pour.duration)},
           {"volume_ml", pour.volume.in_millilitres()},
           {"tail_volume_ml", pour.tail.in_millilitres()},
           {"price_cents", pour.price.minor_units()},
           {"price_per_ml_at_pour", model::price_per_ml_decimal(begin.price)},
           {"authorized_by", model::to_text(begin.authorized_by)},
           {"stop_reason", model::to_text(pour.stop_reason)},
           {"pulses", pour.pulses},
           {"edges_lost", pour.edges_lost}};
  put_time(row, "start_ts", begin.start);
  put_time(row, "end_ts", pour.end);
  put_uuid(row, "guest_id", begin.guest_id.text());
  put_uuid(row, "keg_id", begin.keg_id.text());
  return row;
}

// A word or sentence of a result; anything but text counts as not said.
std::string word(const Reader& result, const char* name, std::size_t most) {
  const auto said = result.maybe(name);
  if (!said || !said->value().is_string()) return {};
  return printable(said->value().get_ref<const std::string&>(), most);
}

RowResult result_of(const Reader& result) {
  return {result.at("client_tx_id").text(longest_id), word(result, "status", longest_word),
          word(result, "outcome", longest_word), word(result, "reason", longest_reason)};
}

}  // namespace

PourRows encode_pours(const std::vector<model::Pour>& pours) {
  PourRows encoded;
  json list = json::array();
  for (const model::Pour& pour : pours) {
    const std::string why = why_unsendable(pour);
    if (why.empty()) {
      encoded.rows.push_back(pour.begin.client_tx_id);
      list.push_back(row_of(pour));
    } else {
      encoded.unsendable.push_back({pour.begin.client_tx_id, storage::Verdict::Kind::final_failure,
                                    "not_sendable", "the row cannot be sent: " + why});
    }
  }
  const json body{{"pours", std::move(list)}};
  encoded.body = packed(body);
  return encoded;
}

Decoded<PoursAnswer> decode_pours(std::string_view body) {
  return decoded<PoursAnswer>(endpoint::pours, body, small_answer, [](const Reader& root) {
    const Reader results = root.at("results");
    PoursAnswer answer;
    const std::size_t count = results.list_size(most_results);
    answer.results.reserve(count);
    for (std::size_t i = 0; i < count; ++i) {
      // One entry that makes no sense must not hide the verdicts on its neighbours.
      try {
        answer.results.push_back(result_of(results.element(i)));
      } catch (const Malformed&) {
        ++answer.unreadable;
      }
    }
    return answer;
  });
}

}  // namespace tapd::sync
