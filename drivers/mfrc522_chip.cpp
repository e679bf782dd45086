#include "drivers/mfrc522_chip.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace tapd::drivers {
namespace {

using namespace std::chrono_literals;
using mfrc522::Register;
using std::chrono::nanoseconds;

// NRSTPD needs 100 ns; the crystal then starts within a few milliseconds.
constexpr nanoseconds reset_line_low = 1ms;
// A soft reset takes about 1 ms; the libraries that had to find out wait 50 and more.
constexpr nanoseconds reset_deadline = 150ms;
constexpr nanoseconds reset_pause = 1ms;
constexpr int reset_polls_max = 1000;
// The chip's own timer (1 ms) and what a busy host may come late.
constexpr nanoseconds answer_deadline = 11ms;
constexpr nanoseconds answer_pause = 100us;
constexpr int answer_polls_max = 5000;
// ISO/IEC 14443-3: a card may need 5 ms of field to start, and as long to be sure to have stopped.
constexpr nanoseconds field_settles = 5ms;

constexpr const char* too_hot = "the MFRC522 is too hot and has switched its field off";

constexpr std::size_t burst_max = mfrc522::fifo_size + 1;

// Those that a loss of supply changes come first.
constexpr std::array health_checks{
    Register::tx_control,   Register::version,       Register::mode,    Register::tx_ask,
    Register::t_mode,       Register::t_prescaler,   Register::rf_cfg,  Register::tx_mode,
    Register::t_reload_low, Register::t_reload_high, Register::rx_mode, Register::mod_width,
};

constexpr std::uint8_t address_to_write(Register reg) {
  return static_cast<std::uint8_t>((static_cast<unsigned>(reg) << 1U) & 0x7EU);
}

constexpr std::uint8_t address_to_read(Register reg) {
  return static_cast<std::uint8_t>(address_to_write(reg) | 0x80U);
}

std::string name_errors(std::uint8_t errors) {
  struct Name {
    std::uint8_t bit;
    const char* text;
  };
  static constexpr std::array names{Name{mfrc522::error_protocol, "start of frame"},
                                    Name{mfrc522::error_parity, "parity"},
                                    Name{mfrc522::error_crc, "CRC"},
                                    Name{mfrc522::error_collision, "collision"},
                                    Name{mfrc522::error_overflow, "FIFO overflow"},
                                    Name{mfrc522::error_write, "FIFO write"}};
  std::string all;
  for (const Name& name : names) {
    if ((errors & name.bit) == 0) continue;
    if (!all.empty()) all += ", ";
    all += name.text;
  }
  return all;
}

bool is_no_version(std::uint8_t version) {
  return version == 0x00 || version == 0xFF;
}

}  // namespace

Mfrc522Chip::Mfrc522Chip(SpiBus& bus, Pacing pacing, ReaderGain gain, OutputLine* line)
    : bus_(bus),
      line_(line),
      pacing_(std::move(pacing)),
      configuration_(mfrc522::configuration(gain)) {}

// Without a reference nobody could see what a register lost that we never touch.
Mfrc522Chip::Status Mfrc522Chip::initialise() {
  if (!after_reset_) return soft_reset();
  return read_version()
      .and_then([this] { return await_awake(); })
      .and_then([this] { return write(Register::command, mfrc522::command_idle); })
      .and_then([this] { return switch_field(false); })
      .and_then([this] { return configure(); });
}

Mfrc522Chip::Status Mfrc522Chip::soft_reset() {
  return read_version()
      .and_then([this] { return command_reset(); })
      .and_then([this] { return read_version(); })
      .and_then([this] { return learn_untouched(); })
      .and_then([this] { return configure(); });
}

Mfrc522Chip::Status Mfrc522Chip::command_reset() {
  return write(Register::command, mfrc522::command_soft_reset).and_then([this] {
    return await_awake();
  });
}

// A line that was lost with its chip may be back, and is then another one to the kernel. Whether it
// is or not: a chip that only needs its reset command must not wait for it.
bool Mfrc522Chip::pull_reset() {
  const auto low = [this] { return line_->drive(true); };
  if (!low() && !line_->retake().and_then(low)) return false;
  pacing_.wait(reset_line_low);
  return line_->drive(false) || line_->retake();
}

// A chip without power on its crystal reads as no chip, so the version waits until it is awake.
Mfrc522Chip::Status Mfrc522Chip::hard_reset() {
  if (line_ == nullptr || !pull_reset()) return soft_reset();
  return await_awake().and_then([this] { return soft_reset(); });
}

Mfrc522Chip::Status Mfrc522Chip::reopen() {
  return bus_.reopen().and_then([this] { return hard_reset(); });
}

// The version is asked before anything else, so that a bus without a chip costs one transfer and
// not the deadline of a reset.
Mfrc522Chip::Status Mfrc522Chip::read_version() {
  const auto version = read(Register::version);
  if (!version) return tl::unexpected(version.error());
  if (is_no_version(*version)) {
    return tl::unexpected(
        fmt::format("no MFRC522 answers on {} (version reads {:02X}): check its "
                    "supply and wiring",
                    bus_.describe(), *version));
  }
  version_ = *version;
  return {};
}

Mfrc522Chip::Status Mfrc522Chip::await_awake() {
  const nanoseconds deadline = pacing_.now() + reset_deadline;
  for (int polls = 0; polls < reset_polls_max; ++polls) {
    pacing_.wait(reset_pause);
    const auto command = read(Register::command);
    if (!command) return tl::unexpected(command.error());
    if ((*command & mfrc522::command_power_down) == 0) return {};
    if (pacing_.now() >= deadline) break;
  }
  return tl::unexpected(std::string("the MFRC522 does not wake up"));
}

// What is learnt here is written into the chip for ever and is what the health check compares with:
// one wrong bit would make a deaf reader look well. So it is read after each of two resets, of
// which a disturbance spoils one at most, and what is known of a chip never changes.
Mfrc522Chip::Status Mfrc522Chip::learn_untouched() {
  if (after_reset_ && after_reset_->version == version_) return {};
  const auto first = read_untouched();
  if (!first) return tl::unexpected(first.error());
  if (auto again = command_reset(); !again) return again;
  const auto second = read_untouched();
  if (!second) return tl::unexpected(second.error());
  for (std::size_t i = 0; i < first->size(); ++i) {
    const auto [reg, mask] = mfrc522::untouched.at(i);
    if (((first->at(i) ^ second->at(i)) & mask) == 0) continue;
    return tl::unexpected(
        fmt::format("after a reset register {:02X} reads {:02X}, and {:02X} after another: the bus "
                    "garbles",
                    static_cast<unsigned>(reg), first->at(i), second->at(i)));
  }
  after_reset_ = AfterReset{.version = version_, .values = *second};
  return {};
}

tl::expected<Mfrc522Chip::UntouchedValues, std::string> Mfrc522Chip::read_untouched() {
  UntouchedValues found{};
  for (std::size_t i = 0; i < found.size(); ++i) {
    const auto value = read(mfrc522::untouched.at(i).reg);
    if (!value) return tl::unexpected(value.error());
    found.at(i) = *value;
  }
  return found;
}

Mfrc522Chip::Status Mfrc522Chip::restore_untouched() {
  if (!after_reset_) return {};
  for (std::size_t i = 0; i < after_reset_->values.size(); ++i) {
    const std::uint8_t then = after_reset_->values.at(i);
    if (auto written = write(mfrc522::untouched.at(i).reg, then); !written) return written;
  }
  return {};
}

Mfrc522Chip::Status Mfrc522Chip::configure() {
  if (auto restored = restore_untouched(); !restored) return restored;
  for (const mfrc522::Setting& setting : configuration_) {
    if (auto written = write(setting.reg, setting.ours); !written) return written;
    if (auto kept = compare(setting); !kept) return kept;
  }
  // Bits after a collision are cleared, and no cipher is left over. Neither register reads back as
  // written, so neither is in the table.
  if (auto written = write(Register::coll, 0x00); !written) return written;
  if (auto written = write(Register::status2, 0x00); !written) return written;
  next_check_ = 0;
  pacing_.wait(field_settles);
  return {};
}

Mfrc522Chip::Status Mfrc522Chip::compare(const mfrc522::Setting& setting) {
  const auto value = read(setting.reg);
  if (!value) return tl::unexpected(value.error());
  if (((*value ^ setting.ours) & setting.mask) == 0) return {};
  return tl::unexpected(
      fmt::format("the MFRC522 lost its settings: register {:02X} reads {:02X} "
                  "instead of {:02X}{}",
                  static_cast<unsigned>(setting.reg), *value, setting.ours,
                  *value == setting.reset ? ", its reset value" : ""));
}

Mfrc522Chip::Status Mfrc522Chip::check_version() {
  const std::uint8_t known = version_;
  auto same = read_version();
  if (!same || version_ == known) return same;
  return tl::unexpected(fmt::format(
      "the MFRC522's version changed from {:02X} to {:02X}: the bus garbles", known, version_));
}

Mfrc522Chip::Status Mfrc522Chip::check_untouched(std::size_t which) {
  if (!after_reset_) return {};
  const std::uint8_t then = after_reset_->values.at(which);
  const auto [reg, mask] = mfrc522::untouched.at(which);
  return compare({.reg = reg, .reset = then, .ours = then, .mask = mask});
}

Mfrc522Chip::Status Mfrc522Chip::check_next() {
  const std::size_t number = next_check_;
  next_check_ = (next_check_ + 1) % (health_checks.size() + mfrc522::untouched.size());
  Status kept;
  if (number >= health_checks.size()) {
    kept = check_untouched(number - health_checks.size());
  } else if (health_checks.at(number) == Register::version) {
    return check_version();
  } else {
    kept =
        compare(*std::find_if(configuration_.begin(), configuration_.end(), [&](const auto& row) {
          return row.reg == health_checks.at(number);
        }));
  }
  // A chip that is not there has lost more than a setting.
  if (!kept) return read_version().and_then([&] { return kept; });
  return kept;
}

Mfrc522Chip::Status Mfrc522Chip::check_field() {
  return compare(configuration_.back());
}

Mfrc522Chip::Status Mfrc522Chip::switch_field(bool on) {
  const std::uint8_t with_field = configuration_.back().ours;
  const auto without = static_cast<std::uint8_t>(with_field & ~mfrc522::field_bits);
  if (auto written = write(Register::tx_control, on ? with_field : without); !written) {
    return written;
  }
  pacing_.wait(field_settles);
  return {};
}

tl::expected<AirAnswer, std::string> Mfrc522Chip::exchange(std::span<const std::uint8_t> frame,
                                                           int last_bits, int align) {
  if (auto sent = send(frame, last_bits, align); !sent) return tl::unexpected(sent.error());
  const auto requests = await_request();
  if (!requests) return tl::unexpected(requests.error());
  return collect(*requests);
}

Mfrc522Chip::Status Mfrc522Chip::send(std::span<const std::uint8_t> frame, int last_bits,
                                      int align) {
  const auto framing = static_cast<std::uint8_t>((align << mfrc522::rx_align_shift) | last_bits);
  const auto start = static_cast<std::uint8_t>(framing | mfrc522::start_send);
  return write(Register::command, mfrc522::command_idle)
      .and_then([&] { return write(Register::com_irq, mfrc522::irq_clear_all); })
      .and_then([&] { return write(Register::fifo_level, mfrc522::fifo_flush); })
      .and_then([&] { return write(Register::bit_framing, framing); })
      .and_then([&] { return write_all(Register::fifo_data, frame); })
      .and_then([&] { return write(Register::command, mfrc522::command_transceive); })
      .and_then([&] { return write(Register::bit_framing, start); });
}

// A chip that hangs never raises its timer, hence the deadline of our own.
tl::expected<std::uint8_t, std::string> Mfrc522Chip::await_request() {
  const nanoseconds deadline = pacing_.now() + answer_deadline;
  for (int polls = 0; polls < answer_polls_max; ++polls) {
    auto requests = read(Register::com_irq);
    if (!requests) return requests;
    if ((*requests & mfrc522::irq_never) != 0) {
      if (auto there = read_version(); !there) return tl::unexpected(there.error());
      return tl::unexpected(fmt::format("the bus garbles: ComIrq reads {:02X}", *requests));
    }
    if ((*requests & (mfrc522::irq_rx | mfrc522::irq_idle | mfrc522::irq_timer)) != 0) {
      return requests;
    }
    if (pacing_.now() >= deadline) break;
    pacing_.wait(answer_pause);
  }
  return tl::unexpected(why_it_hangs());
}

// A chip that is too hot has no field, and waits for one before it sends.
std::string Mfrc522Chip::why_it_hangs() {
  const auto errors = read(Register::error);
  if (!errors) return errors.error();
  if ((*errors & mfrc522::error_temperature) != 0) return too_hot;
  if (auto there = read_version(); !there) return there.error();
  return "the MFRC522 hangs: neither its receiver nor its timer came to an end";
}

tl::expected<AirAnswer, std::string> Mfrc522Chip::collect(std::uint8_t requests) {
  const auto errors = read(Register::error);
  if (!errors) return tl::unexpected(errors.error());
  if ((*errors & mfrc522::error_temperature) != 0) {
    return tl::unexpected(std::string(too_hot));
  }
  const auto level = read(Register::fifo_level);
  if (!level) return tl::unexpected(level.error());
  if (*level > mfrc522::fifo_size) {
    return tl::unexpected(fmt::format("the bus garbles: FIFOLevel reads {:02X}", *level));
  }
  const bool received = (requests & mfrc522::irq_rx) != 0;
  const bool timed_out = (requests & mfrc522::irq_timer) != 0;
  AirAnswer answer;
  if (!received && timed_out && *errors == 0 && *level == 0) return answer;
  if (!received && !timed_out) {
    return tl::unexpected(
        std::string("the MFRC522 gave up its command without receiving anything"));
  }
  const auto control = read(Register::control);
  if (!control) return tl::unexpected(control.error());
  auto bytes = read_fifo(*level);
  if (!bytes) return tl::unexpected(bytes.error());
  answer.bytes = std::move(*bytes);
  answer.last_bits = *control & mfrc522::control_last_bits;
  const bool collided_only = *errors == mfrc522::error_collision;
  if (received && *errors == 0) {
    answer.kind = AirAnswer::Kind::clean;
  } else if (received && collided_only) {
    answer.kind = AirAnswer::Kind::collision;
    const auto collision = read_collision();
    if (!collision) return tl::unexpected(collision.error());
    answer.collision = *collision;
  } else {
    answer.kind = AirAnswer::Kind::broken;
    answer.what = *errors == 0 ? "a frame that does not end" : name_errors(*errors);
  }
  return answer;
}

// Positions count from 1, and the 32nd is written as 0.
tl::expected<std::optional<std::size_t>, std::string> Mfrc522Chip::read_collision() {
  const auto coll = read(Register::coll);
  if (!coll) return tl::unexpected(coll.error());
  if ((*coll & mfrc522::coll_not_valid) != 0) return std::nullopt;
  const std::size_t position = *coll & mfrc522::coll_position;
  return position == 0 ? mfrc522::coll_position : position - 1;
}

tl::expected<std::uint8_t, std::string> Mfrc522Chip::read(Register reg) {
  const std::array<std::uint8_t, 2> tx{address_to_read(reg), 0x00};
  std::array<std::uint8_t, 2> rx{};
  if (auto done = bus_.transfer(tx, rx); !done) return tl::unexpected(done.error());
  return rx[1];
}

Mfrc522Chip::Status Mfrc522Chip::write(Register reg, std::uint8_t value) {
  return write_all(reg, std::span{&value, 1});
}

Mfrc522Chip::Status Mfrc522Chip::write_all(Register reg, std::span<const std::uint8_t> values) {
  std::array<std::uint8_t, burst_max> tx{address_to_write(reg)};
  std::array<std::uint8_t, burst_max> rx{};
  const std::size_t count = std::min(values.size(), burst_max - 1);
  std::copy_n(values.begin(), count, tx.begin() + 1);
  return bus_.transfer(std::span{tx}.first(count + 1), std::span{rx}.first(count + 1));
}

// Every byte sent is the address of the next byte received; zero ends the burst.
tl::expected<std::vector<std::uint8_t>, std::string> Mfrc522Chip::read_fifo(std::size_t count) {
  if (count == 0) return std::vector<std::uint8_t>{};
  std::array<std::uint8_t, burst_max> tx{};
  std::array<std::uint8_t, burst_max> rx{};
  std::fill_n(tx.begin(), count, address_to_read(Register::fifo_data));
  auto done = bus_.transfer(std::span{tx}.first(count + 1), std::span{rx}.first(count + 1));
  if (!done) return tl::unexpected(done.error());
  return std::vector<std::uint8_t>(rx.begin() + 1, rx.begin() + 1 + static_cast<long>(count));
}

}  // namespace tapd::drivers
