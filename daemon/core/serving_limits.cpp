#include "daemon/core/serving_limits.hpp"

#include <algorithm>

namespace tapd {
namespace {

char lower(char letter) {
  return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
}

bool same_word(const std::string& one, const std::string& other) {
  return std::equal(one.begin(), one.end(), other.begin(), other.end(),
                    [](char a, char b) { return lower(a) == lower(b); });
}

bool covers(const ServingLimit& limit, const std::string& category) {
  return limit.styles.empty() || category.empty() ||
         std::any_of(limit.styles.begin(), limit.styles.end(),
                     [&category](const std::string& style) { return same_word(style, category); });
}

std::chrono::nanoseconds age_of(const model::Serving& serving, const model::Moment& now,
                                const model::BootId& boot) {
  if (serving.boot == boot) return now.since_boot - serving.start.since_boot;
  const std::chrono::nanoseconds at_least = now.since_boot;
  if (!now.wall_trusted || !serving.start.wall_trusted) return at_least;
  return std::max<std::chrono::nanoseconds>(at_least, now.wall - serving.start.wall);
}

model::Volume served_in_window(const ServingLimit& limit, const std::vector<model::Serving>& served,
                               const model::Moment& now, const model::BootId& boot) {
  model::Volume sum;
  for (const model::Serving& serving : served) {
    if (!covers(limit, serving.category) || age_of(serving, now, boot) >= limit.window) continue;
    sum = sum + serving.volume;
  }
  return sum;
}

}  // namespace

std::optional<model::Volume> left_to_serve(const std::vector<ServingLimit>& limits,
                                           const std::string& category,
                                           const std::vector<model::Serving>& served,
                                           const model::Moment& now, const model::BootId& boot) {
  std::optional<model::Volume> left;
  const auto bound = [&left](model::Volume volume) {
    left = std::min(left.value_or(volume), volume);
  };
  for (const ServingLimit& limit : limits) {
    if (!covers(limit, category)) continue;
    if (limit.per_pour) bound(*limit.per_pour);
    if (!limit.in_window) continue;
    const model::Volume sum = served_in_window(limit, served, now, boot);
    bound(sum >= *limit.in_window ? model::Volume{} : *limit.in_window - sum);
  }
  return left;
}

}  // namespace tapd
