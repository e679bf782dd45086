// The first byte of an input chooses the world (which card lies there, whether the bus listens to
// the chip at all), the rest is what happens to one transfer after the other.
#include "tests/drivers/mfrc522_fuzz.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <span>
#include <vector>

#include "drivers/iso14443.hpp"
#include "drivers/mfrc522.hpp"
#include "tests/drivers/reader_bench.hpp"

namespace tapd::drivers {
namespace {

using namespace std::chrono_literals;

constexpr int looks = 6;
constexpr auto longest_look = 400ms;
constexpr std::size_t most_transfers = 2'000;
constexpr std::uint8_t read_fifo = 0x92;  // Address 09, reading.

void require(bool kept, const char* promise) {
  if (kept) return;
  std::fprintf(stderr, "mfrc522_fuzz: broken promise: %s\n", promise);
  std::abort();
}

/// Bytes of the input, then nothing.
class Input {
 public:
  explicit Input(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}
  std::optional<std::uint8_t> next() {
    if (at_ == bytes_.size()) return std::nullopt;
    return bytes_[at_++];
  }
  std::uint8_t next_or_zero() { return next().value_or(0); }

 private:
  std::span<const std::uint8_t> bytes_;
  std::size_t at_{0};
};

/// What can happen to a transfer; most often nothing, so that inputs get deep.
class FuzzedBus final : public SpiBus {
 public:
  FuzzedBus(sim::Mfrc522Model& model, VirtualTime& time, Input& input, bool deaf)
      : model_(model), time_(time), input_(input), deaf_(deaf) {}

  [[nodiscard]] tl::expected<void, std::string> transfer(std::span<const std::uint8_t> tx,
                                                         std::span<std::uint8_t> rx) override {
    ++transfers_;
    time_.now += 40us;
    const std::uint8_t fate = input_.next_or_zero();
    if (deaf_) {
      for (std::uint8_t& byte : rx) byte = input_.next_or_zero();
    } else {
      model_.transfer(tx, rx, time_.now);
      if (fate >= 0xC0 && !meddle(fate, rx)) return tl::unexpected(std::string{"fuzzed"});
    }
    if (!tx.empty() && tx[0] == read_fifo) answers_.emplace_back(rx.begin() + 1, rx.end());
    return {};
  }
  [[nodiscard]] std::string describe() const override { return "the fuzzer"; }
  [[nodiscard]] std::size_t transfers() const { return transfers_; }
  /// What the bus itself was late, altogether.
  [[nodiscard]] std::chrono::nanoseconds delayed() const { return delayed_; }
  /// What was read from the FIFO since the last call.
  std::vector<std::vector<std::uint8_t>> take_answers() { return std::exchange(answers_, {}); }

 private:
  /// False: the transfer fails.
  bool meddle(std::uint8_t fate, std::span<std::uint8_t> rx) {
    switch (fate & 0x07U) {
      case 0:
        return false;
      case 1:
        std::fill(rx.begin(), rx.end(), std::uint8_t{0x00});
        break;
      case 2:
        std::fill(rx.begin(), rx.end(), std::uint8_t{0xFF});
        break;
      case 3:
        for (std::uint8_t& byte : rx) byte = input_.next_or_zero();
        break;
      case 4:
        model_.brown_out();
        break;
      case 5:
        delay(std::chrono::milliseconds{input_.next_or_zero() % 20});
        break;
      case 6:
        model_.set_frozen((fate & 0x08U) != 0);
        break;
      default:
        flip_one(rx);
        break;
    }
    return true;
  }
  void delay(std::chrono::nanoseconds length) {
    time_.now += length;
    delayed_ += length;
  }
  void flip_one(std::span<std::uint8_t> rx) {
    if (rx.size() < 2) return;
    const std::uint8_t where = input_.next_or_zero();
    std::uint8_t& byte = rx[1 + (where / 8U) % (rx.size() - 1)];
    byte = static_cast<std::uint8_t>(byte ^ (1U << (where % 8U)));
  }

  sim::Mfrc522Model& model_;
  VirtualTime& time_;
  Input& input_;
  bool deaf_;
  std::size_t transfers_{0};
  std::chrono::nanoseconds delayed_{};
  std::vector<std::vector<std::uint8_t>> answers_;
};

/// Every level's part was on the bus with its BCC, and as many SAKs with their CRC.
bool proved(const Uid& uid, const std::vector<std::vector<std::uint8_t>>& answers) {
  const auto parts = iso14443::parts_of(uid);
  const auto was_sent = [&](const iso14443::Part& part) {
    return std::any_of(answers.begin(), answers.end(), [&](const auto& answer) {
      return std::equal(answer.begin(), answer.end(), part.begin(), part.end());
    });
  };
  const auto saks = std::count_if(answers.begin(), answers.end(), [](const auto& answer) {
    return answer.size() == 3 &&
           iso14443::crc_a(std::span{answer}.first(1)) == std::array{answer[1], answer[2]};
  });
  return !parts.empty() && std::all_of(parts.begin(), parts.end(), was_sent) &&
         static_cast<std::size_t>(saks) >= parts.size();
}

void place_cards(sim::Mfrc522Model& model, std::uint8_t world) {
  if ((world & 0x01U) != 0) model.place(sim::card_with_uid(four_bytes));
  if ((world & 0x02U) != 0) model.place(sim::card_with_uid(seven_bytes));
  if ((world & 0x04U) != 0) model.place(sim::card_with_uid(ten_bytes));
}

void run(std::span<const std::uint8_t> bytes) {
  Input input{bytes};
  const std::uint8_t world = input.next_or_zero();
  VirtualTime time;
  sim::Mfrc522Model model;
  place_cards(model, world);
  FuzzedBus bus{model, time, input, (world & 0x80U) != 0};
  ModelResetLine line{model};
  Mfrc522 reader{bus, time.pacing(), {}, (world & 0x40U) != 0 ? &line : nullptr};
  std::optional<Uid> held;
  for (int i = 0; i < looks; ++i) {
    time.now += 50ms;
    const auto begin = time.now;
    const auto delayed = bus.delayed();
    const auto before = bus.transfers();
    const Look look = reader.look(begin);
    const auto took = time.now - begin - (bus.delayed() - delayed);
    require(took < longest_look, "a look ends in time");
    require(bus.transfers() - before < most_transfers, "a look ends within bounded transfers");
    const auto answers = bus.take_answers();
    const auto* card = std::get_if<CardSeen>(&look);
    if (card != nullptr) {
      // A card that was proved a look ago may be asked by its name.
      require(proved(card->uid, answers) || held == card->uid, "a UID has proper check bytes");
      require(!iso14443::refusal_of(card->uid), "a UID that is told can be a name");
    }
    held = card != nullptr ? std::optional{card->uid} : std::nullopt;
  }
}

}  // namespace
}  // namespace tapd::drivers

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  tapd::drivers::run({data, size});
  return 0;
}
