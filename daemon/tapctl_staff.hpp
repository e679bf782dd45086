// The commands of tapctl with which staff act at a tap: `valve open`, `clean`, `keg change`,
// `lock`, `unlock` and `calibrate`. tapd notes each in its audit log with the name of who asked.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include <CLI/CLI.hpp>

#include "daemon/api_client.hpp"

namespace tapd {

class StaffCommands {
 public:
  /// Adds the commands to `app`.
  explicit StaffCommands(CLI::App& app);
  /// Runs the command that was given; nullopt when it was none of these. Answers the exit code.
  [[nodiscard]] std::optional<int> run(const ApiClient& client, bool as_json) const;

 private:
  struct Values {
    int tap{0};
    std::int64_t seconds{0};
    std::int64_t ml{0};
    std::string why;
    int pours{3};
    bool by_weight{false};
    std::int64_t density{1'000};  // thousandths of a kilogram per litre
  };
  CLI::App* valve_;
  CLI::App* clean_;
  CLI::App* keg_;
  CLI::App* lock_;
  CLI::App* unlock_;
  CLI::App* calibrate_;
  std::shared_ptr<Values> values_{std::make_shared<Values>()};
};

}  // namespace tapd
