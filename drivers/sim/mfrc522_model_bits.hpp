// Addresses and bits of the MFRC522 for its model, written down from the data sheet a second time:
// the driver has its own table, so a slip in one of them shows as a failing test instead of a
// matching pair. Used by the two files of the model only.
#pragma once

#include <cstdint>
#include <span>

namespace tapd::drivers::sim {

namespace mfrc522_address {
inline constexpr std::uint8_t command = 0x01;
inline constexpr std::uint8_t com_irq = 0x04;
inline constexpr std::uint8_t div_irq = 0x05;
inline constexpr std::uint8_t error = 0x06;
inline constexpr std::uint8_t status1 = 0x07;
inline constexpr std::uint8_t status2 = 0x08;
inline constexpr std::uint8_t fifo_data = 0x09;
inline constexpr std::uint8_t fifo_level = 0x0A;
inline constexpr std::uint8_t water_level = 0x0B;
inline constexpr std::uint8_t control = 0x0C;
inline constexpr std::uint8_t bit_framing = 0x0D;
inline constexpr std::uint8_t coll = 0x0E;
inline constexpr std::uint8_t mode = 0x11;
inline constexpr std::uint8_t tx_mode = 0x12;
inline constexpr std::uint8_t rx_mode = 0x13;
inline constexpr std::uint8_t tx_control = 0x14;
inline constexpr std::uint8_t tx_ask = 0x15;
inline constexpr std::uint8_t tx_sel = 0x16;
inline constexpr std::uint8_t crc_result_high = 0x21;
inline constexpr std::uint8_t crc_result_low = 0x22;
inline constexpr std::uint8_t mod_width = 0x24;
inline constexpr std::uint8_t timer_mode = 0x2A;
inline constexpr std::uint8_t timer_prescaler = 0x2B;
inline constexpr std::uint8_t timer_reload_high = 0x2C;
inline constexpr std::uint8_t timer_reload_low = 0x2D;
inline constexpr std::uint8_t timer_count_high = 0x2E;
inline constexpr std::uint8_t timer_count_low = 0x2F;
inline constexpr std::uint8_t version = 0x37;
}  // namespace mfrc522_address

inline constexpr std::uint8_t command_mask = 0x0F;
inline constexpr std::uint8_t command_idle = 0x00;
inline constexpr std::uint8_t command_crc = 0x03;
inline constexpr std::uint8_t command_transmit = 0x04;
inline constexpr std::uint8_t command_no_change = 0x07;
inline constexpr std::uint8_t command_receive = 0x08;
inline constexpr std::uint8_t command_transceive = 0x0C;
inline constexpr std::uint8_t command_soft_reset = 0x0F;

inline constexpr std::uint8_t irq_timer = 0x01;
inline constexpr std::uint8_t irq_error = 0x02;
inline constexpr std::uint8_t irq_low_alert = 0x04;
inline constexpr std::uint8_t irq_high_alert = 0x08;
inline constexpr std::uint8_t irq_idle = 0x10;
inline constexpr std::uint8_t irq_rx = 0x20;
inline constexpr std::uint8_t irq_tx = 0x40;
inline constexpr std::uint8_t div_irq_crc = 0x04;

inline constexpr std::uint8_t error_protocol = 0x01;
inline constexpr std::uint8_t error_parity = 0x02;
inline constexpr std::uint8_t error_crc = 0x04;
inline constexpr std::uint8_t error_collision = 0x08;
inline constexpr std::uint8_t error_overflow = 0x10;
inline constexpr std::uint8_t error_temperature = 0x40;
inline constexpr std::uint8_t error_write = 0x80;

inline constexpr std::uint8_t status1_low_alert = 0x01;
inline constexpr std::uint8_t status1_high_alert = 0x02;
inline constexpr std::uint8_t status1_timer_runs = 0x08;
inline constexpr std::uint8_t status2_crypto = 0x08;

inline constexpr std::uint8_t mode_tx_wait_rf = 0x20;
inline constexpr std::uint8_t speed_mask = 0x70;
inline constexpr std::uint8_t crc_enable = 0x80;
inline constexpr std::uint8_t rx_no_error = 0x08;
inline constexpr std::uint8_t rx_multiple = 0x04;
inline constexpr std::uint8_t timer_auto = 0x80;
inline constexpr std::uint8_t timer_auto_restart = 0x10;
inline constexpr std::uint8_t coll_not_valid = 0x20;
inline constexpr std::uint8_t coll_keep_values = 0x80;

constexpr void clear_bits(std::uint8_t& value, std::uint8_t bits) {
  value = static_cast<std::uint8_t>(value & ~bits);
}

/// The CRC coprocessor: polynomial x^16 + x^12 + x^5 + 1, low bit first, from any preset.
[[nodiscard]] constexpr std::uint16_t crc16(std::uint16_t preset,
                                            std::span<const std::uint8_t> bytes) {
  std::uint32_t crc = preset;
  for (std::uint32_t byte : bytes) {
    byte = (byte ^ crc) & 0xFFU;
    byte = (byte ^ (byte << 4U)) & 0xFFU;
    crc = (crc >> 8U) ^ (byte << 8U) ^ (byte << 3U) ^ (byte >> 4U);
  }
  return static_cast<std::uint16_t>(crc);
}

}  // namespace tapd::drivers::sim
