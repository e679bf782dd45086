#include "figures.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include <fmt/format.h>
#include <unistd.h>
#include <nlohmann/json.hpp>

namespace tapd::bench {

Spread spread(std::vector<double> sample) {
  if (sample.empty()) return {};
  std::sort(sample.begin(), sample.end());
  const auto rank = [&](double share) {
    const auto index =
        static_cast<std::size_t>(std::ceil(share * static_cast<double>(sample.size())));
    return sample.at(std::max<std::size_t>(index, 1) - 1);
  };
  return {.p50 = rank(0.50), .p95 = rank(0.95), .p99 = rank(0.99), .max = sample.back()};
}

void Report::section(const std::string& title) const {
  if (as_json_) {
    fmt::print("{}\n", nlohmann::json{{"section", title}}.dump());
  } else {
    fmt::print("\n{}\n", title);
  }
}

void Report::add(const Figure& figure) const {
  if (as_json_) {
    fmt::print("{}\n", nlohmann::json{{"name", figure.name},
                                      {"value", figure.value},
                                      {"unit", figure.unit},
                                      {"conditions", figure.conditions}}
                           .dump());
  } else {
    fmt::print("  {:<44} {:>12.3f} {:<9} {}\n", figure.name, figure.value, figure.unit,
               figure.conditions);
  }
  std::fflush(stdout);
}

void Report::add(const std::string& name, const Spread& spread, const std::string& unit,
                 const std::string& conditions) const {
  add({name + " p50", spread.p50, unit, conditions});
  add({name + " p95", spread.p95, unit, conditions});
  add({name + " max", spread.max, unit, conditions});
}

void Report::progress(const std::string& text) {
  if (::isatty(STDERR_FILENO) == 1) {
    fmt::print(stderr, "\r\033[K{}", text);
    std::fflush(stderr);
  } else {
    fmt::print(stderr, "{}\n", text);
  }
}

}  // namespace tapd::bench
