// What a bench prints: figures with their conditions, as a table for people or, with --json, one
// object a line (name, value, unit, conditions; or a section's title). write_figures.py reads
// these.
#pragma once

#include <string>
#include <vector>

namespace tapd::bench {

struct Figure {
  std::string name;
  double value{0};
  std::string unit;
  std::string conditions;
};

/// Percentiles of a sample, the nearest rank; all zero for an empty one.
struct Spread {
  double p50{0};
  double p95{0};
  double p99{0};
  double max{0};
};
[[nodiscard]] Spread spread(std::vector<double> sample);

/// Collects figures and prints each as it comes.
class Report {
 public:
  explicit Report(bool as_json) : as_json_{as_json} {}
  void section(const std::string& title) const;
  void add(const Figure& figure) const;
  /// p50, p95 and max of a sample as three figures.
  void add(const std::string& name, const Spread& spread, const std::string& unit,
           const std::string& conditions) const;
  /// A line for the person who waits; on standard error.
  static void progress(const std::string& text);

 private:
  bool as_json_;
};

}  // namespace tapd::bench
