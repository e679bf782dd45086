// `tapctl explain`: what would happen now if this card were laid on, and which rule decides.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include <CLI/CLI.hpp>

#include "daemon/api_client.hpp"

namespace tapd {

class ExplainCommand {
 public:
  explicit ExplainCommand(CLI::App& app);
  [[nodiscard]] std::optional<int> run(const ApiClient& client, bool as_json) const;

 private:
  struct Values {
    std::string card;
    int tap{0};
  };
  CLI::App* explain_;
  std::shared_ptr<Values> values_{std::make_shared<Values>()};
};

}  // namespace tapd
