#include <fmt/format.h>

#include "storage/errors.hpp"
#include "storage/pours.hpp"

namespace tapd::storage {
namespace {

constexpr std::int32_t largest_tap_number = 999;
// More than any meter gives for a thousand litres.
constexpr std::int64_t most_pulses = 1'000'000'000'000;

void require(bool holds, const model::ClientTxId& id, const char* what) {
  if (!holds) throw Refusal{fmt::format("pour {}: {}", id.text(), what)};
}

}  // namespace

void check_begin(const model::PourBegin& begin, const model::BootId& boot) {
  const auto& id = begin.client_tx_id;
  if (id.text().empty()) throw Refusal{"a pour cannot begin without a client_tx_id"};
  require(!begin.guest_id.empty(), id, "the guest is missing");
  require(!begin.card_uid.empty(), id, "the card is missing");
  require(!boot.empty(), id, "the boot id is missing");
  require(begin.tap_id.number() >= 1 && begin.tap_id.number() <= largest_tap_number, id,
          "the tap's number is not within 1 to 999");
  require(begin.price >= model::LitrePrice{} && begin.price <= model::largest_litre_price, id,
          "the litre price is negative or absurd");
  require(begin.hold >= model::Money{} && begin.hold <= model::largest_amount, id,
          "the hold is negative or absurd");
  require(begin.calibration_id >= 0, id, "the calibration id is negative");
  require(begin.start.since_boot >= model::SinceBoot::zero(), id, "it starts before the boot");
}

void check_progress(const model::PourProgress& progress) {
  const auto& id = progress.client_tx_id;
  require(progress.volume >= model::Volume{} && progress.volume <= model::Volume::largest(), id,
          "the volume is negative or absurd");
  require(progress.tail >= model::Volume{} && progress.tail <= progress.volume, id,
          "the tail is negative or more than the volume");
  require(progress.price >= model::Money{} && progress.price <= model::largest_amount, id,
          "the price is negative or absurd");
  require(progress.pulses >= 0 && progress.pulses <= most_pulses, id,
          "the pulses are negative or absurd");
  require(progress.edges_lost >= 0 && progress.edges_lost <= most_pulses, id,
          "the lost edges are negative or absurd");
}

}  // namespace tapd::storage
