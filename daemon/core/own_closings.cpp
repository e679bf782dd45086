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

OwnClosings own_closings_among(const std::map<LockReason, std::string>& locks,
                               const std::map<FaultKind, std::string>& faults) {
  OwnClosings own;
  for (const LockReason reason : own_locks) {
    const auto found = locks.find(reason);
    if (found != locks.end()) own.locks.insert(*found);
  }
  for (const FaultKind kind : own_faults) {
    const auto found = faults.find(kind);
    if (found != faults.end()) own.faults.insert(*found);
  }
  return own;
}

std::string to_text(const OwnClosings& closings) {
  std::string text;
  for (const auto& [reason, why] : closings.locks) text += line(to_text(reason), why);
  for (const auto& [kind, what] : closings.faults) text += line(to_text(kind), what);
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
