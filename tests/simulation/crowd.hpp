// Guests: who comes to which tap when, and what hands and cards do there. Plausible guests lay a
// card down, pour and leave; hostile ones flap it, lay two, swap them, pull it away at any moment,
// or use one card's twin at two taps.
#pragma once

#include <functional>
#include <vector>

#include "site.hpp"

namespace tapd::simulation {

class Crowd {
 public:
  explicit Crowd(Site& site);
  /// Nobody comes any more, and whoever is there leaves.
  void go_home();
  /// One guest after another, at each tap, who pours in peace. It is over after `last_round_lasts`.
  void last_round();
  [[nodiscard]] Time last_round_lasts() const;

 private:
  struct Place {
    Random random{0};
    bool taken{false};
    std::size_t guest{0};
  };
  using Step = std::function<void()>;

  void expect_next(std::size_t tap);
  void arrive(std::size_t tap);
  void visit(std::size_t tap);
  void pour_calmly(std::size_t tap, Time& at);
  void tap_twice(std::size_t tap, Time& at);
  void be_hostile(std::size_t tap, Time& at);
  void flap(std::size_t tap, Time& at);
  void use_menu(std::size_t tap, Time& at);

  void lay(std::size_t tap, Time at, std::vector<std::size_t> guests);
  void pull(std::size_t tap, Time at, std::int64_t ml_per_s);
  void then(Time at, Step step);
  [[nodiscard]] Time between(std::size_t tap, std::chrono::milliseconds from,
                             std::chrono::milliseconds to);

  Site& site_;
  std::vector<Place> places_;
  int round_{0};  ///< What was put down in an older one is void.
};

/// Within a day: guests come from the afternoon until late.
inline constexpr std::chrono::hours opens_at{14};
inline constexpr std::chrono::hours open_for{12};

}  // namespace tapd::simulation
