// The MFRC522 as a device that exchanges one frame at a time with whatever lies in its field. It
// knows registers, FIFO, timer and error bits, and nothing of cards; Mfrc522 speaks type A through
// it. It promises an answer or an error within about 15 ms (a reset: 200 ms, the first one 400),
// whatever the chip does: every wait has a deadline in time and a bound in polls. One thread.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "drivers/clock.hpp"
#include "drivers/mfrc522_registers.hpp"
#include "drivers/output_line.hpp"
#include "drivers/spi_bus.hpp"

namespace tapd::drivers {

/// What came back after a frame was sent.
struct AirAnswer {
  enum class Kind : std::uint8_t {
    silence,    ///< The chip's timer ended and not a bit had come.
    clean,      ///< `bytes`, no error bit.
    collision,  ///< Several answered; `bytes` up to the first collision.
    broken,     ///< Something came, but not a proper frame; `what` names the errors.
  };
  Kind kind{Kind::silence};
  std::vector<std::uint8_t> bytes;
  int last_bits{0};  ///< Valid bits of the last byte; 0: all.
  /// Where the first collision was: a bit of `bytes`, from 0. nullopt: none, or beyond the 32nd.
  std::optional<std::size_t> collision;
  std::string what;
};

class Mfrc522Chip {
 public:
  /// Trouble with the bus or the chip, in words; never trouble on the air.
  using Status = tl::expected<void, std::string>;

  /// Touches nothing yet. `bus` and `line` must outlive the chip; no line: none is wired.
  /// The line is on while it holds the chip in reset.
  Mfrc522Chip(SpiBus& bus, Pacing pacing, ReaderGain gain, OutputLine* line = nullptr);

  /// Field off, configuration with every register read back, field on, and the time a card needs
  /// to start. Cures a chip that lost its settings.
  [[nodiscard]] Status initialise();
  /// The same after a soft reset: the chip is as we want it, however its registers were before.
  [[nodiscard]] Status soft_reset();
  /// The same after a hard reset by the line, when it is wired.
  [[nodiscard]] Status hard_reset();
  /// The same after the bus was opened anew.
  [[nodiscard]] Status reopen();
  /// Reads one register of the configuration (or the version, or one that we never touch) and
  /// compares it; the next call takes the next one. After a loss of supply, and after any write
  /// that a disturbance made of another, one of them differs: a chip that hears nothing for such
  /// a reason would look like one that nobody lays a card on.
  [[nodiscard]] Status check_next();
  /// The field is on: without this, silence would be no evidence of absence.
  [[nodiscard]] Status check_field();
  /// Returns when a card in the field has started, or has forgotten everything.
  [[nodiscard]] Status switch_field(bool on);
  /// Sends a frame (`last_bits` of its last byte; 0: all) and waits for what comes back, of which
  /// the first bit is stored as bit `align` (0 to 7) of the first byte.
  [[nodiscard]] tl::expected<AirAnswer, std::string> exchange(std::span<const std::uint8_t> frame,
                                                              int last_bits = 0, int align = 0);
  /// Content of the version register when it was last asked; 0 before.
  [[nodiscard]] std::uint8_t version() const { return version_; }

 private:
  using Register = mfrc522::Register;
  using UntouchedValues = std::array<std::uint8_t, mfrc522::untouched.size()>;
  /// What the untouched registers hold after a reset, and of which chip.
  struct AfterReset {
    std::uint8_t version{0};
    UntouchedValues values{};
  };

  [[nodiscard]] tl::expected<std::uint8_t, std::string> read(Register reg);
  [[nodiscard]] Status write(Register reg, std::uint8_t value);
  [[nodiscard]] Status write_all(Register reg, std::span<const std::uint8_t> values);
  [[nodiscard]] tl::expected<std::vector<std::uint8_t>, std::string> read_fifo(std::size_t count);
  [[nodiscard]] Status read_version();
  [[nodiscard]] Status await_awake();
  [[nodiscard]] Status configure();
  [[nodiscard]] Status compare(const mfrc522::Setting& setting);
  [[nodiscard]] Status check_version();
  [[nodiscard]] Status check_untouched(std::size_t which);
  [[nodiscard]] Status command_reset();
  /// False: the line cannot be driven.
  [[nodiscard]] bool pull_reset();
  [[nodiscard]] Status learn_untouched();
  [[nodiscard]] tl::expected<UntouchedValues, std::string> read_untouched();
  [[nodiscard]] Status restore_untouched();
  [[nodiscard]] Status send(std::span<const std::uint8_t> frame, int last_bits, int align);
  [[nodiscard]] tl::expected<std::uint8_t, std::string> await_request();
  [[nodiscard]] std::string why_it_hangs();
  [[nodiscard]] tl::expected<AirAnswer, std::string> collect(std::uint8_t requests);
  [[nodiscard]] tl::expected<std::optional<std::size_t>, std::string> read_collision();

  SpiBus& bus_;
  OutputLine* line_;
  Pacing pacing_;
  mfrc522::Configuration configuration_;
  std::uint8_t version_{0};
  std::size_t next_check_{0};
  std::optional<AfterReset> after_reset_;  ///< nullopt before the first reset.
};

}  // namespace tapd::drivers
