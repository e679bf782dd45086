// `tapctl selftest`: the installer's check of one tap with a dry line, step by step: what to do,
// and pass or fail of each. Reader, meter, valve, and what becomes of an open valve when tapd is
// killed.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include <CLI/CLI.hpp>

#include "daemon/api_client.hpp"

namespace tapd {

class SelftestCommand {
 public:
  /// Adds the command to `app`.
  explicit SelftestCommand(CLI::App& app);
  /// Runs it if it was given; nullopt otherwise. Answers the exit code: 1 when a step has failed.
  [[nodiscard]] std::optional<int> run(const ApiClient& client, bool as_json) const;

 private:
  struct Values {
    int tap{0};
    std::int64_t patience{30};
    bool no_kill{false};
  };
  CLI::App* selftest_;
  std::shared_ptr<Values> values_{std::make_shared<Values>()};
};

}  // namespace tapd
