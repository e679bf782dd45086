#include "storage/model/time.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace tapd::model {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using std::chrono::sys_days;
using std::chrono::year_month_day;

// ISO 8601 has four digits for the year; a clock outside them is wrong anyway.
constexpr WallTime first_instant = sys_days{std::chrono::year{0} / 1 / 1};
constexpr WallTime last_instant = sys_days{std::chrono::year{10'000} / 1 / 1} - milliseconds{1};

constexpr std::size_t length_without_fraction = 20;  // 2026-11-21T10:00:00Z
constexpr std::size_t length_with_fraction = 24;     // 2026-11-21T10:00:00.000Z

// The number in `digits`, or nothing when one of them is no digit.
std::optional<int> number(std::string_view digits) {
  int value = 0;
  for (const char c : digits) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + (c - '0');
  }
  return value;
}

bool has_form(std::string_view text) {
  const bool short_form = text.size() == length_without_fraction;
  const bool long_form = text.size() == length_with_fraction && text[19] == '.';
  return (short_form || long_form) && text[4] == '-' && text[7] == '-' && text[10] == 'T' &&
         text[13] == ':' && text[16] == ':' && text.back() == 'Z';
}

}  // namespace

std::string to_iso8601(WallTime time) {
  const WallTime shown = std::clamp(time, first_instant, last_instant);
  const auto day = std::chrono::floor<days>(shown);
  const year_month_day date{day};
  const std::chrono::hh_mm_ss clock{shown - day};
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     clock.hours().count(), clock.minutes().count(), clock.seconds().count(),
                     clock.subseconds().count());
}

std::optional<WallTime> parse_iso8601(std::string_view text) {
  if (!has_form(text)) return std::nullopt;
  const auto year = number(text.substr(0, 4));
  const auto month = number(text.substr(5, 2));
  const auto day = number(text.substr(8, 2));
  const auto hour = number(text.substr(11, 2));
  const auto minute = number(text.substr(14, 2));
  const auto second = number(text.substr(17, 2));
  const auto fraction =
      text.size() == length_with_fraction ? number(text.substr(20, 3)) : std::optional<int>{0};
  if (!year || !month || !day || !hour || !minute || !second || !fraction) return std::nullopt;

  const year_month_day date = std::chrono::year{*year} /
                              std::chrono::month{static_cast<unsigned>(*month)} /
                              std::chrono::day{static_cast<unsigned>(*day)};
  if (!date.ok() || *hour > 23 || *minute > 59 || *second > 59) return std::nullopt;
  return sys_days{date} + hours{*hour} + minutes{*minute} + seconds{*second} +
         milliseconds{*fraction};
}

}  // namespace tapd::model
