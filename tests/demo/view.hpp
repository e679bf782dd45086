// The picture of the bar as lines of text: what a terminal shows while the demo runs. Pure: a
// Picture goes in, lines come out, each exactly `picture_width` columns wide without its colour
// codes, so that the picture stays whole on an 80-column terminal. Texts that do not fit are cut.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tapd::demo {

/// One column less than the narrowest terminal: the last column makes some of them wrap.
inline constexpr std::size_t picture_width = 79;
/// The lowest terminal's: the cursor rests at the end of the last line.
inline constexpr std::size_t picture_height = 24;
inline constexpr std::size_t events_shown = 5;

/// How a terminal can be drawn on.
struct Brush {
  bool utf8{false};
  bool colour{false};
};

enum class Mood : std::uint8_t { quiet, good, busy, bad };

/// What one tap shows.
struct TapPicture {
  std::int64_t number{0};
  std::string beverage{};
  std::string litre_price{};
  std::string guest{};  ///< Who stands there; empty: nobody.
  std::string state{};  ///< In words.
  Mood mood{Mood::quiet};
  bool has_glass{false};  ///< A pour runs: volume, limit and price are its.
  std::int64_t volume_ml{0};
  std::int64_t limit_ml{0};
  std::int64_t price_cents{0};
  std::string note{};  ///< Shown instead of a glass.
};

/// A process: "UP", "KILLED", and a word on it.
struct PartPicture {
  std::string state{};
  std::string note{};
  Mood mood{Mood::quiet};
};

/// Something that happened.
struct EventLine {
  std::chrono::milliseconds at{};
  std::string text{};
  Mood mood{Mood::quiet};
};

struct Picture {
  std::chrono::milliseconds elapsed{};
  std::size_t scene{0};  ///< From 1.
  std::size_t scenes{0};
  std::string title{};
  std::array<std::string, 2> words{};
  Mood mood{Mood::quiet};
  std::vector<TapPicture> taps{};
  PartPicture tapd{};
  PartPicture server{};
  std::int64_t waiting{0};
  std::int64_t owed_cents{0};
  std::int64_t booked{0};
  std::int64_t booked_cents{0};
  std::vector<EventLine> events{};  ///< The newest last; only so many are shown.
};

/// The picture's lines. With four taps there are picture_height of them.
[[nodiscard]] std::vector<std::string> draw(const Picture& picture, const Brush& brush);

/// One event as a line of a log: "[  12.3 s] tap 1: ...".
[[nodiscard]] std::string log_line(const EventLine& event, const Brush& brush);

/// Columns that a text takes on a terminal: UTF-8 characters, colour codes not counted.
[[nodiscard]] std::size_t columns(std::string_view text);
/// The text cut or padded to so many columns; what would move the cursor becomes '?'. For texts
/// without colour codes.
[[nodiscard]] std::string fit(std::string_view text, std::size_t width);
/// The text in the colour of a mood.
[[nodiscard]] std::string painted(std::string_view text, Mood mood, const Brush& brush);
[[nodiscard]] std::string bold(std::string_view text, const Brush& brush);

}  // namespace tapd::demo
