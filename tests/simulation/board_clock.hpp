// The board's clocks: time since boot, which only a power cut sets back, and a wall clock that may
// be unset (no battery), wrong, or jump.
#pragma once

#include <fmt/format.h>

#include "agenda.hpp"
#include "storage/model/ids.hpp"
#include "storage/model/time.hpp"

namespace tapd::simulation {

class BoardClock {
 public:
  explicit BoardClock(const Agenda& agenda) : agenda_{agenda} {}

  /// The board starts; `unset`: with the date of the epoch until `set`.
  void boot(bool unset) {
    booted_at_ = agenda_.now();
    ++boots_;
    trusted_ = !unset;
    offset_ = unset ? -std::chrono::duration_cast<std::chrono::milliseconds>(
                          first_day.time_since_epoch() + booted_at_)
                    : std::chrono::milliseconds{0};
  }
  /// A time service is heard.
  void set() {
    trusted_ = true;
    offset_ = {};
  }
  void jump(std::chrono::milliseconds by) { offset_ += by; }

  [[nodiscard]] model::Moment read() const {
    const auto passed = std::chrono::duration_cast<std::chrono::milliseconds>(agenda_.now());
    return {.since_boot = agenda_.now() - booted_at_ + uptime,
            .wall = first_day + passed + offset_,
            .wall_trusted = trusted_};
  }
  [[nodiscard]] Time to_world(model::SinceBoot at) const {
    if (at > std::chrono::hours{1'000'000}) return at;
    return at - uptime + booted_at_;
  }
  [[nodiscard]] model::SinceBoot to_boot(Time at) const { return at - booted_at_ + uptime; }
  [[nodiscard]] model::BootId id() const {
    return model::BootId{fmt::format("b0070000-0000-4000-8000-{:012}", boots_)};
  }

 private:
  static constexpr model::WallTime first_day =
      std::chrono::sys_days{std::chrono::year{2026} / 11 / 21};
  /// What the kernel takes to start.
  static constexpr std::chrono::seconds uptime{8};

  const Agenda& agenda_;
  Time booted_at_{};
  std::uint64_t boots_{0};
  std::chrono::milliseconds offset_{};
  bool trusted_{true};
};

}  // namespace tapd::simulation
