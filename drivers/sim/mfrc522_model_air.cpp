// What happens on the air: frames out, cards' answers in, the timer between them, and the field.
#include <algorithm>
#include <utility>

#include "drivers/sim/mfrc522_model.hpp"
#include "drivers/sim/mfrc522_model_bits.hpp"

namespace tapd::drivers::sim {
namespace {

namespace reg = mfrc522_address;

using std::chrono::nanoseconds;

// In periods of the 13.56 MHz carrier.
constexpr std::int64_t bit_periods = 128;
constexpr std::int64_t answer_after_one = 9 * 128 + 84;
constexpr std::int64_t answer_after_zero = 9 * 128 + 20;
constexpr std::size_t shortest_stream = 4;  ///< Fewer bits are no valid data stream.
constexpr std::size_t collision_range = 32;
constexpr std::uint16_t type_a_preset = 0x6363;

constexpr nanoseconds periods(std::int64_t count) {
  return nanoseconds{count * 100'000 / 1'356};
}

// Start of frame, data, a parity bit after each whole byte, end of frame.
nanoseconds time_on_air(std::size_t bits) {
  return periods(static_cast<std::int64_t>(bits + bits / 8 + 2) * bit_periods);
}

}  // namespace

bool Mfrc522Model::field_on() const {
  return (registers_[reg::tx_control] & 0x03U) != 0 && !overheated_;
}

void Mfrc522Model::field_changed() {
  if (field_on() == field_was_on_) return;
  field_was_on_ = field_on();
  for (Lying& lying : cards_) {
    lying.card.power(field_was_on_);
    lying.hears_from = now_ + options_.card_start_up;
  }
}

void Mfrc522Model::set_overheated(bool overheated) {
  overheated_ = overheated;
  if (overheated) raise_error(error_temperature);
  field_changed();
}

void Mfrc522Model::place(const Card& card) {
  CardModel model{card};
  model.power(field_on());
  cards_.push_back({.card = model, .hears_from = now_ + options_.card_start_up});
}

void Mfrc522Model::remove(const Uid& uid) {
  std::erase_if(cards_, [&](const Lying& lying) { return lying.card.card().uid == uid; });
}

void Mfrc522Model::remove_all() {
  cards_.clear();
}

void Mfrc522Model::remove_all_after(std::size_t bits) {
  bits_until_removal_ = bits;
}

std::optional<CardState> Mfrc522Model::state_of(const Uid& uid) const {
  for (const Lying& lying : cards_) {
    if (lying.card.card().uid == uid) return lying.card.state();
  }
  return std::nullopt;
}

void Mfrc522Model::advance(Time now) {
  // Each event is consumed by running it, so this ends.
  for (auto next = next_event(); next && *next <= now; next = next_event()) run_events_at(*next);
}

std::optional<Mfrc522Model::Time> Mfrc522Model::next_event() const {
  std::optional<Time> next = timer_end_;
  if (sending_ && (!next || sending_->end < *next)) next = sending_->end;
  if (receiving_ && (!next || receiving_->end < *next)) next = receiving_->end;
  return next;
}

void Mfrc522Model::run_events_at(Time time) {
  if (sending_ && sending_->end <= time) {
    const Sending sent = std::move(*sending_);
    sending_.reset();
    return end_sending(sent);
  }
  if (receiving_ && receiving_->end <= time) {
    const Receiving received = std::move(*receiving_);
    receiving_.reset();
    return end_receiving(received);
  }
  registers_[reg::com_irq] |= irq_timer;
  timer_end_.reset();
  if ((registers_[reg::timer_mode] & timer_auto_restart) != 0) start_timer(now_);
}

void Mfrc522Model::start_sending() {
  const bool waits = (registers_[reg::mode] & mode_tx_wait_rf) != 0 && !field_on();
  if (waits || fifo_.empty()) return;
  std::vector<std::uint8_t> bytes(fifo_.begin(), fifo_.end());
  fifo_.clear();
  fifo_changed();
  const int last_bits = registers_[reg::bit_framing] & 0x07;
  if ((registers_[reg::tx_mode] & crc_enable) != 0 && last_bits == 0) {
    const std::uint16_t crc = crc16(type_a_preset, bytes);
    bytes.push_back(static_cast<std::uint8_t>(crc & 0xFFU));
    bytes.push_back(static_cast<std::uint8_t>(crc >> 8U));
  }
  Bits frame = to_bits(bytes, last_bits);
  const Time end = now_ + time_on_air(frame.size());
  sending_ = Sending{.frame = std::move(frame), .end = end};
}

void Mfrc522Model::end_sending(const Sending& sent) {
  ++frames_sent_;
  if (frames_per_dip_ != 0 && frames_sent_ % frames_per_dip_ == 0 && field_on()) {
    return brown_out();
  }
  registers_[reg::com_irq] |= irq_tx;
  if ((registers_[reg::timer_mode] & timer_auto) != 0) start_timer(sent.end);
  AirReply reply = ask_cards(sent);
  if ((registers_[reg::command] & command_mask) == command_transmit) return finish_command();
  if (reply.bits.empty() && !reply.start_wrong) return;
  const bool last_was_one = !sent.frame.empty() && sent.frame.back();
  const Time begin =
      sent.end + periods(last_was_one ? answer_after_one : answer_after_zero) + reply.late;
  const Time end = begin + time_on_air(reply.bits.size());
  // The fifth bit stops the timer (the first is the start). It is stopped here already: until that
  // bit nobody could tell the difference except by reading the counter.
  const bool heard = reply.bits.size() >= shortest_stream;
  const Time fifth_bit = begin + periods(5 * bit_periods);
  const bool multiple = (registers_[reg::rx_mode] & rx_multiple) != 0;
  if (timer_end_ && heard && !multiple && fifth_bit < *timer_end_) timer_end_.reset();
  receiving_ = Receiving{.reply = std::move(reply), .begin = begin, .end = end};
}

// Cards understand full modulation at 106 kbit/s, from drivers that are fed by the coder, with a
// pause of about 3 us; the receiver may be switched off all the same.
AirReply Mfrc522Model::ask_cards(const Sending& sent) {
  const bool driven = (registers_[reg::tx_sel] & 0x30U) == 0x10U;
  const int pause = registers_[reg::mod_width];
  const bool understood =
      driven && pause >= 0x20 && pause <= 0x2C && (registers_[reg::tx_ask] & 0x40U) != 0 &&
      (registers_[reg::tx_mode] & speed_mask) == 0 && (registers_[reg::rx_mode] & speed_mask) == 0;
  AirReply reply;
  if (!field_on()) return reply;
  std::vector<Bits> answers;
  for (Lying& lying : cards_) {
    if (!understood || lying.hears_from > sent.end) continue;
    answers.push_back(lying.card.hear(sent.frame));
  }
  Superposition all = superpose(answers);
  reply.bits = std::move(all.bits);
  reply.collision = all.collision;
  shorten_for_removal(reply);
  if (distortion_) distortion_(reply);
  if ((registers_[reg::command] & 0x20U) != 0) return {};
  return reply;
}

void Mfrc522Model::shorten_for_removal(AirReply& reply) {
  if (!bits_until_removal_) return;
  if (reply.bits.size() < *bits_until_removal_) {
    *bits_until_removal_ -= reply.bits.size();
    return;
  }
  reply.bits.resize(*bits_until_removal_);
  if (reply.collision && *reply.collision >= reply.bits.size()) reply.collision.reset();
  bits_until_removal_.reset();
  remove_all();
}

void Mfrc522Model::end_receiving(const Receiving& received) {
  const bool invalid = received.reply.bits.size() < shortest_stream || received.reply.start_wrong;
  if (invalid && (registers_[reg::rx_mode] & rx_no_error) != 0) return;
  std::uint8_t errors = 0;
  if (invalid) errors |= error_protocol;
  if (received.reply.parity_wrong) errors |= error_parity;
  if (received.reply.collision) errors |= error_collision;
  if (errors != 0) raise_error(errors);
  registers_[reg::coll] = collision_register(received.reply);
  store_received(received.reply);
  registers_[reg::com_irq] |= irq_rx;
  if ((registers_[reg::rx_mode] & rx_multiple) == 0) finish_command();
}

// Positions count from 1; 32 is written as 0. Bits before the alignment belong to the frame.
std::uint8_t Mfrc522Model::collision_register(const AirReply& reply) const {
  const std::uint8_t kept = registers_[reg::coll] & coll_keep_values;
  const std::size_t align = (registers_[reg::bit_framing] >> 4U) & 0x07U;
  if (!reply.collision || *reply.collision + align >= collision_range) return kept | coll_not_valid;
  return static_cast<std::uint8_t>(kept | ((*reply.collision + align + 1) & 0x1FU));
}

void Mfrc522Model::store_received(const AirReply& reply) {
  const std::size_t align = (registers_[reg::bit_framing] >> 4U) & 0x07U;
  Bits bits(align, false);
  bits.insert(bits.end(), reply.bits.begin(), reply.bits.end());
  if (reply.collision && (registers_[reg::coll] & coll_keep_values) == 0) {
    std::fill(bits.begin() + static_cast<std::ptrdiff_t>(align + *reply.collision), bits.end(),
              false);
  }
  auto bytes = to_bytes(reply.bits.empty() ? Bits{} : bits);
  if ((registers_[reg::rx_mode] & crc_enable) != 0) {
    const bool right = bytes.size() >= 2 && crc16(type_a_preset, bytes) == 0;
    if (!right) raise_error(error_crc);
    bytes.resize(bytes.size() - std::min<std::size_t>(bytes.size(), 2));
  }
  for (const std::uint8_t byte : bytes) {
    if (fifo_.size() == 64) {
      raise_error(error_overflow);
      break;
    }
    fifo_.push_back(byte);
  }
  fifo_changed();
  std::uint8_t& control = registers_[reg::control];
  control = static_cast<std::uint8_t>((control & ~0x07U) | (bits.size() % 8));
}

nanoseconds Mfrc522Model::timer_tick() const {
  const std::int64_t prescaler =
      (registers_[reg::timer_mode] & 0x0F) << 8 | registers_[reg::timer_prescaler];
  return periods(2 * prescaler + 1);
}

void Mfrc522Model::start_timer(Time at) {
  const std::int64_t reload =
      registers_[reg::timer_reload_high] << 8 | registers_[reg::timer_reload_low];
  timer_end_ = at + timer_tick() * (reload + 1);
}

std::uint8_t Mfrc522Model::timer_count(bool high) const {
  if (!timer_end_ || *timer_end_ <= now_) return 0;
  const auto left = (*timer_end_ - now_) / timer_tick();
  return static_cast<std::uint8_t>(high ? left >> 8 : left & 0xFF);
}

}  // namespace tapd::drivers::sim
