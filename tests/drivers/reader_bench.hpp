// A bench for the MFRC522 driver: the chip's model behind an SPI bus in virtual time. Tests place
// cards, switch faults and meddle with single transfers; nothing sleeps and nothing is random.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "drivers/clock.hpp"
#include "drivers/output_line.hpp"
#include "drivers/sim/mfrc522_model.hpp"
#include "drivers/spi_bus.hpp"

namespace tapd::drivers {

/// Time that moves only when somebody waits or uses the bus.
struct VirtualTime {
  std::chrono::nanoseconds now{std::chrono::hours{1}};

  [[nodiscard]] Pacing pacing() {
    return {.now = [this] { return now; },
            .wait = [this](std::chrono::nanoseconds duration) { now += duration; }};
  }
};

class ModelBus final : public SpiBus {
 public:
  ModelBus(sim::Mfrc522Model& model, VirtualTime& time) : model_(model), time_(time) {}

  [[nodiscard]] tl::expected<void, std::string> transfer(std::span<const std::uint8_t> tx,
                                                         std::span<std::uint8_t> rx) override {
    time_.now += per_transfer + per_byte * static_cast<int>(tx.size());
    const std::size_t number = transfers_++;
    if (fails && fails(number)) return tl::unexpected(std::string{"spidev: Input/output error"});
    std::vector<std::uint8_t> out(tx.begin(), tx.end());
    if (meddle_out) meddle_out(number, out);
    model_.transfer(out, rx, time_.now);
    if (meddle_in) meddle_in(number, rx);
    return {};
  }
  [[nodiscard]] tl::expected<void, std::string> reopen() override {
    ++reopened_;
    if (broken_until_reopened) fails = nullptr;
    return {};
  }
  [[nodiscard]] std::string describe() const override { return "the bench"; }
  [[nodiscard]] std::size_t reopened() const { return reopened_; }
  [[nodiscard]] std::size_t transfers() const { return transfers_; }

  std::function<bool(std::size_t number)> fails;
  bool broken_until_reopened{false};  ///< Opening the device again ends `fails`.
  std::function<void(std::size_t number, std::vector<std::uint8_t>& tx)> meddle_out;
  std::function<void(std::size_t number, std::span<std::uint8_t> rx)> meddle_in;

 private:
  // What spidev needs, and a byte at 4 MHz.
  static constexpr std::chrono::microseconds per_transfer{30};
  static constexpr std::chrono::microseconds per_byte{2};

  sim::Mfrc522Model& model_;
  VirtualTime& time_;
  std::size_t transfers_{0};
  std::size_t reopened_{0};
};

/// The model's reset wire.
class ModelResetLine final : public OutputLine {
 public:
  explicit ModelResetLine(sim::Mfrc522Model& model) : model_(model) {}
  [[nodiscard]] tl::expected<void, std::string> drive(bool on) override {
    if (lost || gone) return tl::unexpected(std::string{"the reset wire: No such device"});
    held_ = on;
    model_.set_reset_line(on);
    return {};
  }
  [[nodiscard]] tl::expected<void, std::string> retake() override {
    if (!gone) lost = false;
    return drive(false);
  }
  [[nodiscard]] tl::expected<bool, std::string> read() override { return held_; }
  [[nodiscard]] std::string describe() const override { return "the reset wire"; }

  bool lost{false};  ///< Nothing works until it is taken anew, ...
  bool gone{false};  ///< ... nor then.

 private:
  sim::Mfrc522Model& model_;
  bool held_{false};
};

inline Uid make_uid(const std::vector<std::uint8_t>& bytes) {
  Uid uid;
  for (const std::uint8_t byte : bytes) uid.bytes.at(uid.size++) = byte;
  return uid;
}

inline const Uid four_bytes = make_uid({0xDE, 0xAD, 0xBE, 0xEF});
inline const Uid seven_bytes = make_uid({0x04, 0xA1, 0xB2, 0xC3, 0xD4, 0xE5, 0x80});
inline const Uid ten_bytes = make_uid({0x04, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x99, 0xAA});

}  // namespace tapd::drivers
