#include "tests/demo/terminal.hpp"

#include <fmt/format.h>
#include <langinfo.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <clocale>
#include <cstdlib>
#include <string_view>

namespace tapd::demo {
namespace {

constexpr const char* hide_cursor = "\x1b[?25l";
constexpr const char* show_cursor = "\x1b[?25h";
constexpr const char* erase_line = "\x1b[2K";
constexpr const char* erase_below = "\x1b[J";

std::string_view variable(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? std::string_view{} : std::string_view{value};
}

bool is_large_enough() {
  winsize size{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0) return false;
  return size.ws_col > picture_width && size.ws_row >= picture_height;
}

/// All of it in as few writes as possible, so that no half picture is seen.
void write_all(std::string_view text) {
  while (!text.empty()) {
    const auto written = ::write(STDOUT_FILENO, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return;  // nobody reads any more: the story goes on, and so does the verdict
    text.remove_prefix(static_cast<std::size_t>(written));
  }
}

/// What is typed while the picture is drawn would be drawn into it.
std::optional<termios> stop_echo() {
  termios found{};
  // Not in the background: the kernel would stop the program for trying.
  if (::isatty(STDIN_FILENO) == 0 || ::tcgetpgrp(STDIN_FILENO) != ::getpgrp()) return std::nullopt;
  if (::tcgetattr(STDIN_FILENO, &found) != 0) return std::nullopt;
  termios quiet = found;
  quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO);
  if (::tcsetattr(STDIN_FILENO, TCSANOW, &quiet) != 0) return std::nullopt;
  return found;
}

}  // namespace

TerminalAbility terminal_ability(bool plain) {
  std::setlocale(LC_CTYPE, "");
  const bool terminal = ::isatty(STDOUT_FILENO) != 0 && variable("TERM") != "dumb";
  const bool large = is_large_enough();
  return {.live = terminal && !plain && large,
          .too_small = terminal && !plain && !large,
          .brush = {.utf8 = std::string_view{::nl_langinfo(CODESET)} == "UTF-8",
                    .colour = terminal && variable("NO_COLOR").empty()}};
}

Screen::Screen(const TerminalAbility& ability) : ability_{ability} {
  if (!ability_.live) return;
  found_ = stop_echo();
  write_all(hide_cursor);
}

Screen::~Screen() {
  if (!ability_.live) return;
  let_stand();
  write_all(show_cursor);
  if (found_) ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &*found_);
}

void Screen::show(const Picture& picture) {
  if (!ability_.live) return;
  std::vector<std::string> lines = draw(picture, ability_.brush);
  if (!is_large_enough()) lines = {"(the window must be at least 80 columns by 24 lines)"};
  std::string text = "\r";
  if (lines_shown_ > 1) text += fmt::format("\x1b[{}A", lines_shown_ - 1);
  for (std::size_t line = 0; line < lines.size(); ++line) {
    text += fmt::format("{}{}{}", line == 0 ? "" : "\n", erase_line, lines[line]);
  }
  if (lines.size() < lines_shown_) text += erase_below;
  lines_shown_ = lines.size();
  write_all(text);
}

void Screen::let_stand() {
  if (lines_shown_ > 0) write_all("\n");
  lines_shown_ = 0;
}

void Screen::print(const std::string& line) {
  write_all(line + "\n");
}

}  // namespace tapd::demo
