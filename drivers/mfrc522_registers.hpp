// The MFRC522's registers as far as the driver uses them, and the table of its configuration: what
// each register holds after a reset and what we want it to hold. Read by the chip driver only.
// (Data sheet chapter 9; hardware notes, section 1.)
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace tapd::drivers {

/// How much the receiver amplifies. More reads from further away and hears more noise.
enum class ReaderGain : std::uint8_t { db33 = 4, db38 = 5, db43 = 6, db48 = 7 };

namespace mfrc522 {

enum class Register : std::uint8_t {
  command = 0x01,
  com_irq = 0x04,
  error = 0x06,
  status2 = 0x08,
  fifo_data = 0x09,
  fifo_level = 0x0A,
  control = 0x0C,
  bit_framing = 0x0D,
  coll = 0x0E,
  mode = 0x11,
  tx_mode = 0x12,
  rx_mode = 0x13,
  tx_control = 0x14,
  tx_ask = 0x15,
  tx_sel = 0x16,
  rx_sel = 0x17,
  rx_threshold = 0x18,
  demod = 0x19,
  mf_tx = 0x1C,
  mf_rx = 0x1D,
  mod_width = 0x24,
  rf_cfg = 0x26,
  gs_n = 0x27,
  cw_gs_p = 0x28,
  mod_gs_p = 0x29,
  t_mode = 0x2A,
  t_prescaler = 0x2B,
  t_reload_high = 0x2C,
  t_reload_low = 0x2D,
  version = 0x37,
};

// Command register.
inline constexpr std::uint8_t command_idle = 0x00;
inline constexpr std::uint8_t command_transceive = 0x0C;
inline constexpr std::uint8_t command_soft_reset = 0x0F;
inline constexpr std::uint8_t command_power_down = 0x10;  ///< Reads one until the chip is awake.

// ComIrq register. The highest bit reads zero.
inline constexpr std::uint8_t irq_timer = 0x01;
inline constexpr std::uint8_t irq_idle = 0x10;
inline constexpr std::uint8_t irq_rx = 0x20;
inline constexpr std::uint8_t irq_clear_all = 0x7F;
inline constexpr std::uint8_t irq_never = 0x80;

// Error register.
inline constexpr std::uint8_t error_protocol = 0x01;
inline constexpr std::uint8_t error_parity = 0x02;
inline constexpr std::uint8_t error_crc = 0x04;
inline constexpr std::uint8_t error_collision = 0x08;
inline constexpr std::uint8_t error_overflow = 0x10;
inline constexpr std::uint8_t error_temperature = 0x40;
inline constexpr std::uint8_t error_write = 0x80;

inline constexpr std::uint8_t fifo_flush = 0x80;
inline constexpr std::uint8_t start_send = 0x80;
inline constexpr std::uint8_t control_last_bits = 0x07;
inline constexpr int rx_align_shift = 4;  ///< In BitFraming, beside the bits to be sent.
inline constexpr std::uint8_t coll_not_valid = 0x20;
inline constexpr std::uint8_t coll_position = 0x1F;
inline constexpr std::uint8_t field_bits = 0x03;  ///< TX1 and TX2 in TxControl.
inline constexpr std::size_t fifo_size = 64;

/// A register that we leave as a reset makes it, on whatever make of chip.
struct Untouched {
  Register reg;
  std::uint8_t mask;  ///< The bits that are not reserved.
};

/// Drivers, receiver, decoder, coder: with one of them changed the chip is deaf or dumb while
/// everything else looks well.
inline constexpr std::array untouched{
    Untouched{Register::tx_sel, 0x3F},       Untouched{Register::rx_sel, 0xFF},
    Untouched{Register::rx_threshold, 0xF7}, Untouched{Register::demod, 0xFF},
    Untouched{Register::mf_tx, 0x03},        Untouched{Register::mf_rx, 0x10},
    Untouched{Register::gs_n, 0xFF},         Untouched{Register::cw_gs_p, 0x3F},
    Untouched{Register::mod_gs_p, 0x3F},
};

/// One row of the configuration. Only `mask` is compared: the other bits are reserved, and clones
/// read them as they like.
struct Setting {
  Register reg;
  std::uint8_t reset;
  std::uint8_t ours;
  std::uint8_t mask;
};

/// In the order in which they are written. The last one switches the field on.
inline constexpr std::size_t setting_count = 11;
using Configuration = std::array<Setting, setting_count>;

/// The chip's timer ends the wait for an answer: 40 ticks of 25 us. A card answers all that we ask
/// within 0.1 ms and begins at once.
[[nodiscard]] constexpr Configuration configuration(ReaderGain gain) {
  const auto gain_bits = static_cast<std::uint8_t>((static_cast<unsigned>(gain) << 4U) | 0x08U);
  return {{
      {Register::tx_mode, 0x00, 0x00, 0xF8},        // 106 kbit/s, CRC by us
      {Register::rx_mode, 0x00, 0x00, 0xFC},        // the same; every stream is reported
      {Register::mod_width, 0x26, 0x26, 0xFF},      // Miller pause
      {Register::t_mode, 0x00, 0x80, 0xFF},         // timer starts when a frame was sent
      {Register::t_prescaler, 0x00, 0xA9, 0xFF},    // 13.56 MHz / 339 = 40 kHz
      {Register::t_reload_high, 0x00, 0x00, 0xFF},  //
      {Register::t_reload_low, 0x00, 0x28, 0xFF},   // 40 ticks = 1 ms
      {Register::tx_ask, 0x00, 0x40, 0x40},         // 100 % modulation
      {Register::mode, 0x3F, 0x3D, 0xAB},           // CRC preset 0x6363
      {Register::rf_cfg, 0x48, gain_bits, 0x70},    // receiver gain
      {Register::tx_control, 0x80, 0x83, 0xFB},     // field on
  }};
}

}  // namespace mfrc522
}  // namespace tapd::drivers
