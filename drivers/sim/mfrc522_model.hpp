// The MFRC522 at register level, as its data sheet describes it and as no driver wishes it: FIFO of
// 64 bytes, interrupt bits, timer, bit framing, collisions, wake-up, field; with cards in its field
// and faults to switch on. Called by the reader's tests in virtual time, and behind a simulated SPI
// controller by the emulated machine in real time. Time is what the calls say: nothing happens
// between two transfers that the second would not find. Not modelled: MFAuthent, self-test, the
// other host interfaces, bit rates above 106 kbit/s (cards do not hear them).
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "drivers/sim/card_model.hpp"

namespace tapd::drivers::sim {

/// What reaches the receiver after a frame was sent: the cards' answers on top of each other. A
/// distortion may change everything; bits for an answer nobody gave are noise.
struct AirReply {
  Bits bits;
  std::optional<std::size_t> collision;  ///< Index of the first collided bit.
  bool parity_wrong{false};
  bool start_wrong{false};           ///< No proper start of frame: a protocol error.
  std::chrono::nanoseconds late{0};  ///< Comes so much after its time.
};

/// How the supply or the wire can fail.
enum class BusFault : std::uint8_t {
  none,
  all_zero,  ///< No chip, or held in reset: every byte reads 0x00 and nothing is heard.
  all_ones,  ///< Wire open, pulled up: every byte reads 0xFF and nothing is heard.
};

/// What brings a chip back whose digital part hangs.
enum class HangCure : std::uint8_t {
  nothing,     ///< Only set_frozen(false).
  soft_reset,  ///< The reset command, and everything stronger.
  reset_line,  ///< NRSTPD.
};

class Mfrc522Model {
 public:
  struct Options {
    std::uint8_t version{0x92};
    std::chrono::nanoseconds wake_up{std::chrono::microseconds{800}};  ///< Crystal and 37.74 us.
    std::chrono::nanoseconds card_start_up{std::chrono::milliseconds{5}};  ///< Field to idle.
  };

  Mfrc522Model();
  explicit Mfrc522Model(Options options);

  /// One chip-select-framed transfer: tx and rx have the same size. `now` never goes backwards.
  void transfer(std::span<const std::uint8_t> tx, std::span<std::uint8_t> rx,
                std::chrono::nanoseconds now);

  /// Cards in the field. They change at the time of the last transfer.
  void place(const Card& card);
  void remove(const Uid& uid);
  void remove_all();
  /// All cards leave after they have sent so many more bits: in the middle of an answer.
  void remove_all_after(std::size_t bits);
  /// The state of the first card with this UID; nullopt when it does not lie there.
  [[nodiscard]] std::optional<CardState> state_of(const Uid& uid) const;

  // Faults. Each stays until it is switched off, brown_out happens once.
  void set_bus(BusFault fault) { bus_ = fault; }
  /// The supply dips: every register is at its reset value, the field is off, cards forget.
  void brown_out();
  /// The digital part hangs: registers read and write, but no command does anything any more.
  void set_frozen(bool frozen, HangCure cure = HangCure::nothing);
  /// SPI itself is wedged: as set_bus, until the reset line is pulled.
  void wedge_bus(BusFault fault);
  /// NRSTPD. Low: nothing is heard, every byte reads zero; high again: as after power-on.
  void set_reset_line(bool low);
  /// The supply dips with every so manyth frame that is sent into the field; 0: never.
  void set_weak_supply(std::size_t frames_per_dip) { frames_per_dip_ = frames_per_dip; }
  /// Too hot: the antenna drivers are off and TempErr is set.
  void set_overheated(bool overheated);
  /// A register cell that does not take what is written: reads `value` for ever.
  void set_stuck(std::uint8_t address, std::optional<std::uint8_t> value);
  using Distortion = std::function<void(AirReply& reply)>;
  /// Called for every frame that was sent with the field on, answered or not.
  void distort(Distortion distortion) { distortion_ = std::move(distortion); }

  /// A register's content without the side effects of reading it.
  [[nodiscard]] std::uint8_t peek(std::uint8_t address) const;
  /// Frames sent into the field since the model was made.
  [[nodiscard]] std::size_t frames_sent() const { return frames_sent_; }
  [[nodiscard]] bool field_on() const;

 private:
  using Time = std::chrono::nanoseconds;
  struct Lying {
    CardModel card;
    Time hears_from{};
  };
  struct Sending {
    Bits frame;
    Time end{};
  };
  struct Receiving {
    AirReply reply;
    Time begin{};
    Time end{};
  };

  // Registers (mfrc522_model.cpp).
  void reset();
  [[nodiscard]] std::uint8_t read(std::uint8_t address);
  void write(std::uint8_t address, std::uint8_t value);
  void write_command(std::uint8_t value);
  void write_bit_framing(std::uint8_t value);
  void write_status2(std::uint8_t value);
  void write_tx_control(std::uint8_t value);
  void write_fifo(std::uint8_t value);
  void write_control(std::uint8_t value);
  static void write_requests(std::uint8_t& requests, std::uint8_t value);
  void stop_command();
  void finish_command();
  void process_crc();
  void fifo_changed();
  void raise_error(std::uint8_t bits);
  [[nodiscard]] std::uint8_t timer_count(bool high) const;

  // Air (mfrc522_model_air.cpp).
  void advance(Time now);
  [[nodiscard]] std::optional<Time> next_event() const;
  void run_events_at(Time time);
  void start_sending();
  void end_sending(const Sending& sent);
  [[nodiscard]] AirReply ask_cards(const Sending& sent);
  void shorten_for_removal(AirReply& reply);
  void end_receiving(const Receiving& received);
  void store_received(const AirReply& reply);
  [[nodiscard]] std::uint8_t collision_register(const AirReply& reply) const;
  void start_timer(Time at);
  [[nodiscard]] Time timer_tick() const;
  void field_changed();

  Options options_;
  std::array<std::uint8_t, 64> registers_{};
  std::array<std::optional<std::uint8_t>, 64> stuck_{};
  std::deque<std::uint8_t> fifo_;
  std::uint16_t crc_{0xFFFF};
  Time now_{};
  Time awake_at_{};
  std::optional<Sending> sending_;
  std::optional<Receiving> receiving_;
  std::optional<Time> timer_end_;
  bool field_was_on_{false};
  bool overheated_{false};
  bool frozen_{false};
  HangCure cure_{HangCure::nothing};
  BusFault bus_{BusFault::none};
  bool wedged_{false};  ///< `bus_` ends with a pull of the reset line.
  bool held_in_reset_{false};
  std::size_t frames_per_dip_{0};
  std::vector<Lying> cards_;
  std::optional<std::size_t> bits_until_removal_;
  Distortion distortion_;
  std::size_t frames_sent_{0};
};

}  // namespace tapd::drivers::sim
