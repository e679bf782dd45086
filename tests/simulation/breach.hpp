// What a run ends with when something is not as it must always be.
#pragma once

#include <stdexcept>
#include <string>

namespace tapd::simulation {

class Breach : public std::runtime_error {
 public:
  Breach(std::string rule, const std::string& what)
      : std::runtime_error{what}, rule_{std::move(rule)} {}
  /// The invariant's short name.
  [[nodiscard]] const std::string& rule() const { return rule_; }

 private:
  std::string rule_;
};

}  // namespace tapd::simulation
