// Everything that goes wrong at a bar but for the end of the process, and what staff do about it:
// each fault of the plan begins at random, lasts, and passes. `heal` ends them all for good.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "site.hpp"

namespace tapd::simulation {

/// What staff can do to the daemon.
struct StaffPorts {
  std::function<void(std::size_t)> clear;          ///< `tapctl clear` at this tap.
  std::function<void()> restart;                   ///< `systemctl restart tapd`.
  std::function<void(std::size_t, Random&)> come;  ///< They do something at this tap, ...
  std::function<void(std::size_t)> go;             ///< ... and are done.
};

class Mischief {
 public:
  Mischief(Site& site, StaffPorts staff);
  void heal();
  /// The board has started.
  void after_boot(bool clock_unset);

 private:
  using Span = std::pair<std::chrono::seconds, std::chrono::seconds>;
  /// A fault of one tap (or of all, for the last argument of its two parts).
  struct Trouble {
    Fault fault{};
    std::chrono::minutes mean{};  ///< Between two of them.
    Span lasts;
    std::function<void(std::size_t tap, Random&)> begin;
    std::function<void(std::size_t tap)> end;
  };

  void add_hardware();
  void add_meters();
  void add_board();
  void add_venue();
  void add_guests();
  void add_unreadable_disk();
  void add(Trouble trouble);
  void expect(std::size_t number);
  void strike(std::size_t number);
  void set_untrue(std::size_t tap, bool untrue);
  void top_up();
  void look_after_kegs();
  [[nodiscard]] TapRig& rig(std::size_t tap) { return *site_.rigs.at(tap); }

  Site& site_;
  StaffPorts staff_;
  std::vector<Trouble> troubles_;
  std::vector<Random> luck_;
  Random chance_;
  bool healed_{false};
};

}  // namespace tapd::simulation
