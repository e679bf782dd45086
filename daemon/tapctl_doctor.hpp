// `tapctl doctor`: prints what the doctor found, with or without a running tapd.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include <CLI/CLI.hpp>

#include "daemon/api_client.hpp"

namespace tapd {

class DoctorCommand {
 public:
  explicit DoctorCommand(CLI::App& app);
  /// nullopt: it was not given. 0: nothing is bad; 1: something is. Without a `socket` the
  /// configuration's is asked.
  [[nodiscard]] std::optional<int> run(const std::optional<std::string>& socket,
                                       bool as_json) const;

 private:
  CLI::App* doctor_;
  std::shared_ptr<std::string> config_{std::make_shared<std::string>("/etc/tapd/tapd.toml")};
};

}  // namespace tapd
