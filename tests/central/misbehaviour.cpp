#include "tests/central/misbehaviour.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <stdexcept>
#include <utility>

namespace tapd::central {
namespace {

using Kind = Misbehaviour::Kind;

struct Name {
  std::string_view text;
  Kind kind;
  int least;  ///< Of the value; 0 and 0: it has none.
  int most;
};
constexpr std::array names{
    Name{"slow", Kind::slow, 1, 60'000},      Name{"cut", Kind::cut, 0, 0},
    Name{"status", Kind::status, 300, 599},   Name{"late", Kind::late, 300, 599},
    Name{"garbage", Kind::garbage, 0, 0},     Name{"portal", Kind::portal, 0, 0},
    Name{"duplicate", Kind::duplicate, 0, 0},
};

[[noreturn]] void refuse(std::string_view text) {
  throw std::runtime_error(fmt::format(
      "\"{}\" is no misbehaviour; right would be slow:MS (1 to 60000), status:CODE or late:CODE "
      "(300 to 599), cut, garbage, portal or duplicate, each with @PERCENT (1 to 100) or without",
      text));
}

int number(std::string_view digits, int least, int most, std::string_view whole) {
  int value = 0;
  const char* const end = digits.data() + digits.size();
  const auto [rest, error] = std::from_chars(digits.data(), end, value);
  if (error != std::errc{} || rest != end || value < least || value > most) refuse(whole);
  return value;
}

}  // namespace

Misbehaviour parse_misbehaviour(std::string_view text) {
  const std::string_view whole = text;
  Misbehaviour habit;
  if (const auto at = text.find('@'); at != std::string_view::npos) {
    habit.percent = number(text.substr(at + 1), 1, 100, whole);
    text = text.substr(0, at);
  }
  const auto colon = text.find(':');
  const std::string_view word = text.substr(0, colon);
  for (const Name& name : names) {
    if (name.text != word) continue;
    habit.kind = name.kind;
    const bool has_value = colon != std::string_view::npos;
    if (has_value != (name.most > 0)) refuse(whole);
    if (has_value) habit.value = number(text.substr(colon + 1), name.least, name.most, whole);
    return habit;
  }
  refuse(whole);
}

void Misbehaviours::replace(std::vector<Misbehaviour> habits) {
  const std::lock_guard lock{mutex_};
  habits_ = std::move(habits);
}

std::optional<Misbehaviour> Misbehaviours::next() {
  const std::lock_guard lock{mutex_};
  for (const Misbehaviour& habit : habits_) {
    // Knuth's MMIX generator; its upper bits are even enough for a percentage.
    state_ = state_ * 6364136223846793005ULL + 1442695040888963407ULL;
    if (static_cast<int>((state_ >> 33U) % 100) < habit.percent) return habit;
  }
  return std::nullopt;
}

void Misbehaviours::pause(std::chrono::milliseconds time) {
  std::unique_lock lock{mutex_};
  ended_changed_.wait_for(lock, time, [this] { return ended_; });
}

void Misbehaviours::end() {
  {
    const std::lock_guard lock{mutex_};
    ended_ = true;
  }
  ended_changed_.notify_all();
}

}  // namespace tapd::central
