// Lamps and a buzzer on outputs. Plays the patterns of drivers/signal_pattern.hpp; lamps that are
// not wired are left out. A line that cannot be driven is given up and told once, until it is taken
// anew: a broken light stops no pour. Used from the control thread.
#pragma once

#include <array>
#include <memory>
#include <string>

#include "drivers/output_line.hpp"
#include "drivers/signal_pattern.hpp"

namespace tapd::drivers {

/// The outputs by Lamp; null: not wired.
using LampLines = std::array<std::unique_ptr<OutputLine>, lamp_count>;

class LineIndicator final : public Indicator {
 public:
  explicit LineIndicator(LampLines lines);

  void show(Signal signal, SinceBoot now) noexcept override;
  void tick(SinceBoot now) noexcept override;
  [[nodiscard]] std::optional<SinceBoot> wake_at() const noexcept override { return wake_at_; }
  void retake(SinceBoot now) noexcept override;
  [[nodiscard]] std::string take_trouble() noexcept override;

 private:
  LampLines lines_;
  PatternPlayer player_;
  Lit lit_;
  Lit given_up_;
  std::optional<SinceBoot> wake_at_;
  std::string trouble_;
};

}  // namespace tapd::drivers
