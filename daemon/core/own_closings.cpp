#include "daemon/core/own_closings.hpp"

#include <algorithm>
#include <array>

namespace tapd {
namespace {

constexpr std::array own_locks{LockReason::keg_empty, LockReason::silent};
constexpr std::array own_faults{FaultKind::noise, FaultKind::stuck_valve};
constexpr std::string_view keg_word = "keg";
constexpr std::string_view between_word_and_why = ": ";

std::string line(std::string_view word, std::string_view why) {
  std::string text{word};
  text += between_word_and_why;
  text += why;
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text + "\n";
}

void take_line(std::string_view text, OwnClosings& closings) {
  const auto split = text.find(between_word_and_why);
  if (split == std::string_view::npos) return;
  const std::string_view word = text.substr(0, split);
  const std::string why{text.substr(split + between_word_and_why.size())};
  for (const LockReason reason : own_locks) {
    if (word == to_text(reason)) closings.locks.emplace(reason, why);
  }
  for (const FaultKind kind : own_faults) {
    if (word == to_text(kind)) closings.faults.emplace(kind, why);
  }
  if (word == keg_word) closings.keg = model::KegId{why};
}

}  // namespace

std::string to_text(const OwnClosings& closings) {
  std::string text;
  for (const LockReason reason : own_locks) {
    const auto found = closings.locks.find(reason);
    if (found != closings.locks.end()) text += line(to_text(reason), found->second);
  }
  for (const FaultKind kind : own_faults) {
    const auto found = closings.faults.find(kind);
    if (found != closings.faults.end()) text += line(to_text(kind), found->second);
  }
  if (closings.keg && closings.locks.contains(LockReason::keg_empty)) {
    text += line(keg_word, closings.keg->text());
  }
  return text;
}

OwnClosings parse_own_closings(std::string_view text) {
  OwnClosings closings;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    take_line(text.substr(0, end), closings);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return closings;
}

}  // namespace tapd
