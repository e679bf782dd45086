// The commands of tapctl that are about the books: `verify`, `owed` and `backup`. Exit codes are
// tapctl's: 1 also when the chain is broken.
#pragma once

#include <memory>
#include <optional>

#include <CLI/CLI.hpp>

#include "daemon/api_client.hpp"

namespace tapd {

class BooksCommands {
 public:
  /// Adds the commands to `app`.
  explicit BooksCommands(CLI::App& app);
  /// Runs the command that was given; nullopt when it was none of these. Answers the exit code.
  [[nodiscard]] std::optional<int> run(const ApiClient& client, bool as_json) const;

 private:
  CLI::App* verify_;
  CLI::App* owed_;
  CLI::App* backup_;
  std::shared_ptr<std::string> backup_file_{std::make_shared<std::string>()};
  std::shared_ptr<std::string> file_{std::make_shared<std::string>()};
};

}  // namespace tapd
