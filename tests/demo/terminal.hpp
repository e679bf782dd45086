// The terminal that the demo draws on: finds out what it can do, draws a picture over the one
// before, and leaves it as it was found (cursor shown, typing echoed) however the demo ends, except
// by SIGKILL. Uses no alternate screen: the last picture stays to be read.
#pragma once

#include <termios.h>

#include <optional>
#include <string>
#include <vector>

#include "tests/demo/view.hpp"

namespace tapd::demo {

/// What standard output can do.
struct TerminalAbility {
  bool live{false};       ///< A terminal that is large enough and can move its cursor.
  bool too_small{false};  ///< It would be live if it were larger.
  Brush brush;
};
/// Looks at standard output, the locale, TERM and NO_COLOR. `plain`: the user wants lines.
[[nodiscard]] TerminalAbility terminal_ability(bool plain);

/// Where the demo shows what happens: pictures on a live terminal, lines elsewhere. One at a time.
class Screen {
 public:
  explicit Screen(const TerminalAbility& ability);
  /// Restores the terminal.
  ~Screen();
  Screen(const Screen&) = delete;
  Screen& operator=(const Screen&) = delete;
  Screen(Screen&&) = delete;
  Screen& operator=(Screen&&) = delete;

  [[nodiscard]] bool is_live() const { return ability_.live; }
  [[nodiscard]] const Brush& brush() const { return ability_.brush; }
  /// Draws over the picture before. Nothing on a plain output.
  void show(const Picture& picture);
  /// Leaves the last picture standing; what is printed next comes below it.
  void let_stand();
  /// Prints a line. Not between `show` and `let_stand` on a live terminal.
  void print(const std::string& line);

 private:
  TerminalAbility ability_;
  std::optional<termios> found_;  ///< The terminal's settings before.
  std::size_t lines_shown_{0};
};

}  // namespace tapd::demo
