#include "tests/demo/view.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "storage/model/money.hpp"

namespace tapd::demo {
namespace {

constexpr std::size_t inner_width = picture_width - 4;  // frame and a blank on both sides
constexpr std::size_t glass_width = 30;

/// The strokes that frames and bars are drawn with.
struct Strokes {
  std::string_view across, down, top_left, top_right, left, right, bottom_left, bottom_right, full,
      empty;
};
constexpr Strokes box{"─", "│", "┌", "┐", "├", "┤", "└", "┘", "█", "░"};
constexpr Strokes ascii{"-", "|", "+", "+", "+", "+", "+", "+", "#", "."};

const Strokes& strokes(const Brush& brush) {
  return brush.utf8 ? box : ascii;
}

std::string repeated(std::string_view text, std::size_t times) {
  std::string all;
  for (std::size_t i = 0; i < times; ++i) all += text;
  return all;
}

std::string money(std::int64_t cents) {
  return model::to_text(model::Money{cents});
}

bool begins_character(char byte) {
  return (static_cast<unsigned char>(byte) & 0xC0U) != 0x80U;
}

std::string_view colour_of(Mood mood) {
  switch (mood) {
    case Mood::quiet:
      return "\x1b[2m";
    case Mood::good:
      return "\x1b[32m";
    case Mood::busy:
      return "\x1b[33m";
    case Mood::bad:
      return "\x1b[1;31m";
  }
  return "";
}

/// A line of the frame with words in it: "├─ left ───── right ─┤".
std::string rule(std::string_view left_end, std::string_view right_end, const std::string& left,
                 const std::string& right, const Brush& brush) {
  const auto& stroke = strokes(brush);
  const std::string front = left.empty() ? "" : " " + left + " ";
  const std::string back = right.empty() ? "" : " " + right + " ";
  const std::size_t taken = columns(front) + columns(back) + 4;
  const std::size_t rest = taken < picture_width ? picture_width - taken : 0;
  return fmt::format("{}{}{}{}{}{}{}", left_end, stroke.across, front,
                     repeated(stroke.across, rest), back, stroke.across, right_end);
}

/// Pieces of text with a colour each, put side by side on one line inside the frame.
class Row {
 public:
  explicit Row(const Brush& brush) : brush_{brush} {}
  Row& add(std::string_view text, std::size_t width, Mood mood) {
    const std::size_t room = std::min(width, inner_width - used_);
    text_ += painted(fit(text, room), mood, brush_);
    used_ += room;
    return *this;
  }
  Row& add(std::string_view text, std::size_t width) {
    const std::size_t room = std::min(width, inner_width - used_);
    text_ += fit(text, room);
    used_ += room;
    return *this;
  }
  Row& add_bold(std::string_view text, std::size_t width) {
    const std::size_t room = std::min(width, inner_width - used_);
    text_ += bold(fit(text, room), brush_);
    used_ += room;
    return *this;
  }
  [[nodiscard]] std::string framed() const {
    const auto& stroke = strokes(brush_);
    return fmt::format("{} {}{} {}", stroke.down, text_, std::string(inner_width - used_, ' '),
                       stroke.down);
  }

 private:
  Brush brush_;
  std::string text_;
  std::size_t used_{0};
};

std::string glass(const TapPicture& tap, const Brush& brush) {
  const auto& stroke = strokes(brush);
  const std::int64_t limit = std::max<std::int64_t>(tap.limit_ml, 1);
  const std::int64_t shown = std::clamp<std::int64_t>(tap.volume_ml, 0, limit);
  const auto filled =
      static_cast<std::size_t>(shown * static_cast<std::int64_t>(glass_width) / limit);
  return repeated(stroke.full, filled) + repeated(stroke.empty, glass_width - filled);
}

void draw_tap(const TapPicture& tap, const Brush& brush, std::vector<std::string>& lines) {
  lines.push_back(Row{brush}
                      .add_bold(fmt::format("{}", tap.number), 3)
                      .add(fmt::format("{} {}/l", tap.beverage, tap.litre_price), 23)
                      .add_bold(tap.guest, 12)
                      .add(tap.state, inner_width, tap.mood)
                      .framed());
  Row second{brush};
  second.add("", 3);
  if (tap.has_glass) {
    second.add(glass(tap, brush), glass_width, tap.mood)
        .add(fmt::format(" {:>5} ml", tap.volume_ml), 10)
        .add_bold(fmt::format("{:>8}", money(tap.price_cents)), 9)
        .add(fmt::format("  at most {} ml", tap.limit_ml), inner_width);
  } else {
    second.add(tap.note, inner_width, Mood::quiet);
  }
  lines.push_back(second.framed());
}

void draw_parts(const Picture& picture, const Brush& brush, std::vector<std::string>& lines) {
  lines.push_back(Row{brush}
                      .add("tapd", 8)
                      .add(picture.tapd.state, 9, picture.tapd.mood)
                      .add(picture.tapd.note, inner_width)
                      .framed());
  lines.push_back(Row{brush}
                      .add("server", 8)
                      .add(picture.server.state, 9, picture.server.mood)
                      .add(picture.server.note, inner_width)
                      .framed());
  const Mood queue = picture.waiting > 0 ? Mood::busy : Mood::good;
  lines.push_back(
      Row{brush}
          .add("queue", 8)
          .add(fmt::format("{} waiting here, {} owed", picture.waiting, money(picture.owed_cents)),
               32, queue)
          .add(fmt::format("{} booked in PostgreSQL, {}", picture.booked,
                           money(picture.booked_cents)),
               inner_width)
          .framed());
}

std::string clock_text(std::chrono::milliseconds elapsed) {
  const auto seconds = elapsed.count() / 1000;
  return fmt::format("{}:{:02}", seconds / 60, seconds % 60);
}

}  // namespace

std::vector<std::string> draw(const Picture& picture, const Brush& brush) {
  const auto& stroke = strokes(brush);
  std::vector<std::string> lines;
  lines.push_back(rule(stroke.top_left, stroke.top_right, "tapd: a bar with four simulated taps",
                       clock_text(picture.elapsed), brush));
  const std::string title = fmt::format("{}/{}  {}", picture.scene, picture.scenes, picture.title);
  Row headline{brush};
  if (picture.mood == Mood::quiet) {
    headline.add_bold(title, inner_width);
  } else {
    headline.add(title, inner_width, picture.mood);
  }
  lines.push_back(headline.framed());
  for (const std::string& words : picture.words) {
    lines.push_back(Row{brush}.add(words, inner_width).framed());
  }
  lines.push_back(rule(stroke.left, stroke.right, "", "", brush));
  for (const TapPicture& tap : picture.taps) draw_tap(tap, brush, lines);
  lines.push_back(rule(stroke.left, stroke.right, "", "", brush));
  draw_parts(picture, brush, lines);
  lines.push_back(rule(stroke.left, stroke.right, "what happened", "", brush));
  const std::size_t count = picture.events.size();
  for (std::size_t line = 0; line < events_shown; ++line) {
    const std::size_t skipped = count > events_shown ? count - events_shown : 0;
    Row row{brush};
    if (skipped + line < count) {
      const EventLine& event = picture.events[skipped + line];
      row.add(clock_text(event.at), 6, Mood::quiet);
      if (event.mood == Mood::quiet) {
        row.add(event.text, inner_width);
      } else {
        row.add(event.text, inner_width, event.mood);
      }
    }
    lines.push_back(row.framed());
  }
  lines.push_back(rule(stroke.bottom_left, stroke.bottom_right, "", "Ctrl-C ends it", brush));
  return lines;
}

std::string log_line(const EventLine& event, const Brush& brush) {
  const auto tenths = event.at.count() / 100;
  const std::string time = fmt::format("[{:>3}.{} s]", tenths / 10, tenths % 10);
  if (event.mood == Mood::quiet) return time + " " + event.text;
  return time + " " + painted(event.text, event.mood, brush);
}

std::size_t columns(std::string_view text) {
  std::size_t count = 0;
  bool in_code = false;
  for (const char byte : text) {
    if (byte == '\x1b') in_code = true;
    if (!in_code && begins_character(byte)) ++count;
    if (in_code && byte == 'm') in_code = false;
  }
  return count;
}

std::string fit(std::string_view text, std::size_t width) {
  std::string fitted;
  std::size_t taken = 0;
  for (const char byte : text) {
    if (begins_character(byte) && ++taken > width) break;
    const auto code = static_cast<unsigned char>(byte);
    const bool moves_cursor = code < 0x20 || code == 0x7F;
    fitted += moves_cursor ? '?' : byte;
  }
  return fitted + std::string(width - std::min(taken, width), ' ');
}

std::string painted(std::string_view text, Mood mood, const Brush& brush) {
  if (!brush.colour) return std::string{text};
  return fmt::format("{}{}\x1b[0m", colour_of(mood), text);
}

std::string bold(std::string_view text, const Brush& brush) {
  if (!brush.colour) return std::string{text};
  return fmt::format("\x1b[1m{}\x1b[0m", text);
}

}  // namespace tapd::demo
