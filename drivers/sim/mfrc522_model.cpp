// Registers, FIFO and commands. What happens on the air is in mfrc522_model_air.cpp.
#include "drivers/sim/mfrc522_model.hpp"

#include <algorithm>
#include <utility>

#include "drivers/sim/mfrc522_model_bits.hpp"

namespace tapd::drivers::sim {
namespace {

namespace reg = mfrc522_address;

struct Cell {
  std::uint8_t reset;
  std::uint8_t writable;  ///< Bits that simply keep what is written; the rest has rules of its own.
};

// By address, after the data sheet's register tables. Reserved addresses read zero.
constexpr std::array<Cell, 64> cells{{
    {0x00, 0x00}, {0x20, 0x00},
    {0x80, 0xFF}, {0x00, 0x9F},  // -, Command, ComIEn, DivIEn
    {0x14, 0x00}, {0x00, 0x00},
    {0x00, 0x00}, {0x21, 0x00},  // ComIrq, DivIrq, Error, Status1
    {0x00, 0x40}, {0x00, 0x00},
    {0x00, 0x00}, {0x08, 0x3F},  // Status2, FIFOData, -Level, WaterLevel
    {0x10, 0x00}, {0x00, 0x77},
    {0xA0, 0x80}, {0x00, 0x00},  // Control, BitFraming, Coll, -
    {0x00, 0x00}, {0x3F, 0xAB},
    {0x00, 0xF8}, {0x00, 0xFC},  // -, Mode, TxMode, RxMode
    {0x80, 0xFB}, {0x00, 0x40},
    {0x10, 0x3F}, {0x84, 0xFF},  // TxControl, TxASK, TxSel, RxSel
    {0x84, 0xF7}, {0x4D, 0xFF},
    {0x00, 0x00}, {0x00, 0x00},  // RxThreshold, Demod, -, -
    {0x62, 0x03}, {0x00, 0x10},
    {0x00, 0x00}, {0xEB, 0xFF},  // MfTx, MfRx, -, SerialSpeed
    {0x00, 0x00}, {0xFF, 0x00},
    {0xFF, 0x00}, {0x00, 0x00},  // -, CRCResultH, CRCResultL, -
    {0x26, 0xFF}, {0x00, 0x00},
    {0x48, 0x70}, {0x88, 0xFF},  // ModWidth, -, RFCfg, GsN
    {0x20, 0x3F}, {0x20, 0x3F},
    {0x00, 0xFF}, {0x00, 0xFF},  // CWGsP, ModGsP, TMode, TPrescaler
    {0x00, 0xFF}, {0x00, 0xFF},
    {0x00, 0x00}, {0x00, 0x00},  // TReloadH, -L, TCounterValH, -L
    {0x00, 0x00}, {0x00, 0x7F},
    {0x00, 0xFF}, {0x80, 0xFE},  // -, TestSel1, TestSel2, TestPinEn
    {0x00, 0xFE}, {0x00, 0x00},
    {0x40, 0x4F}, {0x00, 0x00},  // TestPinValue, TestBus, AutoTest, Version
    {0x00, 0xFF}, {0x00, 0x3F},
    {0x00, 0x3F}, {0x00, 0x00},  // AnalogTest, TestDAC1, -2, TestADC
    {0x00, 0x00}, {0x00, 0x00},
    {0x00, 0x00}, {0x00, 0x00},
}};

constexpr std::array<std::uint16_t, 4> presets{0x0000, 0x6363, 0xA671, 0xFFFF};
constexpr std::uint8_t read_mark = 0x80;
constexpr std::size_t fifo_capacity = 64;
constexpr std::uint8_t power_down = 0x10;
constexpr std::uint8_t receiver_off = 0x20;

constexpr std::uint8_t address_of(std::uint8_t byte) {
  return static_cast<std::uint8_t>((byte >> 1U) & 0x3FU);
}

}  // namespace

Mfrc522Model::Mfrc522Model() : Mfrc522Model(Options{}) {}

Mfrc522Model::Mfrc522Model(Options options) : options_(options) {
  reset();
}

// The first byte of a frame says read or write. While reading, every byte sent is the address whose
// content comes with the next byte; while writing, all bytes go to the one address.
void Mfrc522Model::transfer(std::span<const std::uint8_t> tx, std::span<std::uint8_t> rx,
                            std::chrono::nanoseconds now) {
  now_ = std::max(now, now_);
  const bool there = bus_ == BusFault::none && !held_in_reset_;
  std::fill(rx.begin(), rx.end(),
            bus_ == BusFault::all_ones ? std::uint8_t{0xFF} : std::uint8_t{0x00});
  if (!there || tx.empty()) return;
  advance(now_);
  const bool reading = (tx[0] & read_mark) != 0;
  for (std::size_t i = 1; i < tx.size(); ++i) {
    if (reading) {
      const std::uint8_t value = read(address_of(tx[i - 1]));
      if (i < rx.size()) rx[i] = value;
    } else {
      write(address_of(tx[0]), tx[i]);
    }
  }
}

void Mfrc522Model::reset() {
  for (std::size_t i = 0; i < cells.size(); ++i) registers_[i] = cells[i].reset;
  registers_[reg::version] = options_.version;
  fifo_.clear();
  crc_ = 0xFFFF;
  stop_command();
  timer_end_.reset();
  awake_at_ = now_ + options_.wake_up;
  field_changed();
}

void Mfrc522Model::brown_out() {
  reset();
}

void Mfrc522Model::set_frozen(bool frozen, HangCure cure) {
  frozen_ = frozen;
  cure_ = cure;
}

void Mfrc522Model::wedge_bus(BusFault fault) {
  bus_ = fault;
  wedged_ = true;
}

void Mfrc522Model::set_reset_line(bool low) {
  const bool rises = held_in_reset_ && !low;
  held_in_reset_ = low;
  reset();
  if (!rises) return;
  if (cure_ != HangCure::nothing) frozen_ = false;
  if (std::exchange(wedged_, false)) bus_ = BusFault::none;
}

void Mfrc522Model::set_stuck(std::uint8_t address, std::optional<std::uint8_t> value) {
  stuck_.at(address) = value;
}

std::uint8_t Mfrc522Model::peek(std::uint8_t address) const {
  if (const auto& stuck = stuck_.at(address)) return *stuck;
  const std::uint8_t plain = registers_[address];
  switch (address) {
    case reg::command:
      return static_cast<std::uint8_t>(now_ < awake_at_ ? plain | power_down : plain);
    case reg::fifo_data:
      return fifo_.empty() ? std::uint8_t{0} : fifo_.front();
    case reg::fifo_level:
      return static_cast<std::uint8_t>(fifo_.size());
    case reg::crc_result_high:
      return static_cast<std::uint8_t>(crc_ >> 8U);
    case reg::crc_result_low:
      return static_cast<std::uint8_t>(crc_ & 0xFFU);
    case reg::timer_count_high:
      return timer_count(true);
    case reg::timer_count_low:
      return timer_count(false);
    case reg::error:
      return static_cast<std::uint8_t>(overheated_ ? plain | error_temperature : plain);
    case reg::status1:
      return static_cast<std::uint8_t>(timer_end_ ? plain | status1_timer_runs : plain);
    default:
      return plain;
  }
}

std::uint8_t Mfrc522Model::read(std::uint8_t address) {
  const std::uint8_t value = peek(address);
  if (address == reg::fifo_data && !fifo_.empty()) {
    fifo_.pop_front();
    fifo_changed();
  }
  return value;
}

void Mfrc522Model::write(std::uint8_t address, std::uint8_t value) {
  // Not awake yet: the oscillator does not clock the register in.
  if (now_ < awake_at_) return;
  switch (address) {
    case reg::command:
      return write_command(value);
    case reg::com_irq:
      return write_requests(registers_[reg::com_irq], value);
    case reg::div_irq:
      return write_requests(registers_[reg::div_irq], value);
    case reg::status2:
      return write_status2(value);
    case reg::fifo_data:
      return write_fifo(value);
    case reg::fifo_level:
      if ((value & 0x80U) == 0) return;
      fifo_.clear();
      clear_bits(registers_[reg::error], error_overflow);
      return fifo_changed();
    case reg::control:
      return write_control(value);
    case reg::bit_framing:
      return write_bit_framing(value);
    case reg::tx_control:
      return write_tx_control(value);
    default:
      break;
  }
  std::uint8_t& cell = registers_[address];
  const std::uint8_t mask = cells[address].writable;
  cell = static_cast<std::uint8_t>((cell & ~mask) | (value & mask));
}

void Mfrc522Model::write_command(std::uint8_t value) {
  const std::uint8_t command = value & command_mask;
  if (command == command_soft_reset) {
    if (cure_ == HangCure::soft_reset) frozen_ = false;
    return reset();
  }
  const bool sleeps = (value & power_down) != 0;
  const bool slept = (registers_[reg::command] & power_down) != 0;
  if (slept && !sleeps) awake_at_ = now_ + options_.wake_up;
  const auto kept = static_cast<std::uint8_t>(value & (power_down | receiver_off));
  if (command == command_no_change) {
    registers_[reg::command] =
        static_cast<std::uint8_t>(kept | (registers_[reg::command] & command_mask));
    return;
  }
  stop_command();
  registers_[reg::command] = static_cast<std::uint8_t>(kept | command);
  if (command == command_idle) return;
  // A command clears the errors of the one before, but a hot chip stays hot.
  registers_[reg::error] &= error_temperature;
  if (frozen_) return;
  switch (command) {
    case command_crc:
      crc_ = presets.at(registers_[reg::mode] & 3U);
      return process_crc();
    case command_transmit:
      return start_sending();
    case command_transceive:
    case command_receive:
      return;
    default:
      return finish_command();
  }
}

void Mfrc522Model::write_bit_framing(std::uint8_t value) {
  registers_[reg::bit_framing] = value & 0x77U;
  const bool start = (value & 0x80U) != 0;
  const bool ready = (registers_[reg::command] & command_mask) == command_transceive;
  if (start && ready && !sending_ && !receiving_ && !frozen_) start_sending();
}

void Mfrc522Model::write_status2(std::uint8_t value) {
  std::uint8_t& status = registers_[reg::status2];
  if ((value & status2_crypto) == 0) clear_bits(status, status2_crypto);
  if ((value & 0x80U) != 0 && !overheated_) clear_bits(registers_[reg::error], error_temperature);
  status = static_cast<std::uint8_t>((status & ~0x40U) | (value & 0x40U));
}

void Mfrc522Model::write_tx_control(std::uint8_t value) {
  registers_[reg::tx_control] = value & 0xFBU;
  field_changed();
}

void Mfrc522Model::write_control(std::uint8_t value) {
  if ((value & 0x80U) != 0) timer_end_.reset();
  if ((value & 0x40U) != 0 && !frozen_) start_timer(now_);
}

// The highest bit says whether the marked requests are set or cleared.
void Mfrc522Model::write_requests(std::uint8_t& requests, std::uint8_t value) {
  const std::uint8_t marked = value & 0x7FU;
  if ((value & 0x80U) != 0) {
    requests |= marked;
  } else {
    clear_bits(requests, marked);
  }
}

void Mfrc522Model::write_fifo(std::uint8_t value) {
  if (receiving_) return raise_error(error_write);
  if (fifo_.size() == fifo_capacity) return raise_error(error_overflow);
  fifo_.push_back(value);
  fifo_changed();
  if ((registers_[reg::command] & command_mask) == command_crc && !frozen_) process_crc();
}

void Mfrc522Model::stop_command() {
  sending_.reset();
  receiving_.reset();
  registers_[reg::command] &= static_cast<std::uint8_t>(~command_mask);
}

// A command that ends by itself asks for attention; one that the host stops does not.
void Mfrc522Model::finish_command() {
  stop_command();
  registers_[reg::com_irq] |= irq_idle;
}

void Mfrc522Model::process_crc() {
  const std::vector<std::uint8_t> bytes(fifo_.begin(), fifo_.end());
  crc_ = crc16(crc_, bytes);
  fifo_.clear();
  fifo_changed();
  registers_[reg::div_irq] |= div_irq_crc;
}

void Mfrc522Model::fifo_changed() {
  const std::size_t level = registers_[reg::water_level];
  const bool low = fifo_.size() <= level;
  const bool high = fifo_capacity - fifo_.size() <= level;
  std::uint8_t& status = registers_[reg::status1];
  const std::uint8_t before = status;
  clear_bits(status, status1_low_alert | status1_high_alert);
  if (low) status |= status1_low_alert;
  if (high) status |= status1_high_alert;
  if (low && (before & status1_low_alert) == 0) registers_[reg::com_irq] |= irq_low_alert;
  if (high && (before & status1_high_alert) == 0) registers_[reg::com_irq] |= irq_high_alert;
}

void Mfrc522Model::raise_error(std::uint8_t bits) {
  registers_[reg::error] |= bits;
  registers_[reg::com_irq] |= irq_error;
}

}  // namespace tapd::drivers::sim
