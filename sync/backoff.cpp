#include "sync/backoff.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <vector>

namespace tapd::sync {
namespace {

using std::chrono::milliseconds;

milliseconds draw(const Random& random, milliseconds widest) {
  const auto bound = static_cast<std::uint64_t>(std::max<std::int64_t>(widest.count(), 0)) + 1;
  return milliseconds{static_cast<std::int64_t>(random(bound))};
}

std::optional<int> number(std::string_view digits) {
  int value = 0;
  const char* const end = digits.data() + digits.size();
  const auto [rest, error] = std::from_chars(digits.data(), end, value);
  if (digits.empty() || error != std::errc{} || rest != end || value < 0) return std::nullopt;
  return value;
}

std::optional<unsigned> month(std::string_view name) {
  constexpr std::array<std::string_view, 12> names{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const auto* const found = std::find(names.begin(), names.end(), name);
  if (found == names.end()) return std::nullopt;
  return static_cast<unsigned>(found - names.begin()) + 1;
}

// Words between blanks, commas and the dashes of the second form.
std::vector<std::string_view> words(std::string_view text) {
  constexpr std::size_t most = 8;
  std::vector<std::string_view> all;
  while (all.size() < most) {
    const std::size_t start = text.find_first_not_of(" ,-");
    if (start == std::string_view::npos) break;
    const std::size_t end = std::min(text.find_first_of(" ,-", start), text.size());
    all.push_back(text.substr(start, end - start));
    text.remove_prefix(end);
  }
  return all;
}

std::optional<std::chrono::seconds> time_of_day(std::string_view text) {
  if (text.size() != 8 || text[2] != ':' || text[5] != ':') return std::nullopt;
  const auto hours = number(text.substr(0, 2));
  const auto minutes = number(text.substr(3, 2));
  const auto seconds = number(text.substr(6, 2));
  if (!hours || !minutes || !seconds || *hours > 23 || *minutes > 59 || *seconds > 60) {
    return std::nullopt;
  }
  return std::chrono::hours{*hours} + std::chrono::minutes{*minutes} +
         std::chrono::seconds{*seconds};
}

std::optional<model::WallTime> date(std::string_view year, std::string_view month_name,
                                    std::string_view day, std::string_view time) {
  const auto in_year = number(year);
  const auto in_month = month(month_name);
  const auto on_day = number(day);
  const auto at = time_of_day(time);
  if (!in_year || !in_month || !on_day || !at) return std::nullopt;
  const int short_year = *in_year < 70 ? 2000 + *in_year : 1900 + *in_year;
  const std::chrono::year_month_day when{
      std::chrono::year{year.size() == 2 ? short_year : *in_year}, std::chrono::month{*in_month},
      std::chrono::day{static_cast<unsigned>(*on_day)}};
  if (!when.ok() || (year.size() != 2 && year.size() != 4)) return std::nullopt;
  return model::WallTime{std::chrono::sys_days{when}} + *at;
}

}  // namespace

milliseconds doubled(milliseconds first, std::int64_t times, milliseconds longest) {
  milliseconds delay = first;
  for (std::int64_t i = 0; i < times && delay < longest; ++i) delay *= 2;
  return std::min(delay, longest);
}

milliseconds Backoff::fail(const Random& random, std::optional<milliseconds> told) {
  if (failures_ < std::numeric_limits<std::uint32_t>::max()) ++failures_;
  const milliseconds widest = doubled(limits_.first, std::int64_t{failures_} - 1, limits_.longest);
  const milliseconds drawn = std::max(draw(random, widest), limits_.least_spacing);
  if (!told) return drawn;
  const milliseconds obeyed = std::clamp(*told, milliseconds{0}, limits_.longest_told);
  return std::max(drawn, obeyed + draw(random, limits_.first));
}

std::optional<model::WallTime> parse_http_date(std::string_view text) {
  const auto part = words(text);
  if (part.size() == 6 && part[5] == "GMT") return date(part[3], part[2], part[1], part[4]);
  if (part.size() == 5) return date(part[4], part[1], part[2], part[3]);
  return std::nullopt;
}

std::optional<milliseconds> parse_retry_after(std::string_view text,
                                              std::optional<model::WallTime> server_now) {
  const std::size_t start = std::min(text.find_first_not_of(' '), text.size());
  text = text.substr(start, text.find_last_not_of(' ') + 1 - start);
  const bool digits = !text.empty() && text.find_first_not_of("0123456789") == text.npos;
  if (digits) {
    // Past what an int holds it is "very long", which the caller's bound cuts anyway.
    return std::chrono::seconds{number(text).value_or(std::numeric_limits<int>::max())};
  }
  const auto when = parse_http_date(text);
  if (!when || !server_now) return std::nullopt;
  return std::max(milliseconds{0}, *when - *server_now);
}

}  // namespace tapd::sync
