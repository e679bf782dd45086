// The commands of tapctl about finished pours: `pours`, and `queue` with what the server has not
// confirmed.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include <CLI/CLI.hpp>

#include "daemon/api_client.hpp"

namespace tapd {

class PoursCommands {
 public:
  explicit PoursCommands(CLI::App& app);
  [[nodiscard]] std::optional<int> run(const ApiClient& client, bool as_json) const;

 private:
  struct Values {
    int most{20};
    int tap{0};
    std::string card;
    std::string status;
    bool follow{false};
    bool csv{false};
    std::string row;
    std::string why;
  };
  [[nodiscard]] int show_pours(const ApiClient& client, bool as_json) const;
  [[nodiscard]] int follow_pours(const ApiClient& client, const std::string& path,
                                 bool as_json) const;
  [[nodiscard]] int show_queue(const ApiClient& client, bool as_json) const;

  CLI::App* pours_;
  CLI::App* queue_;
  CLI::App* list_;
  CLI::App* retry_;
  CLI::App* park_;
  CLI::App* booked_;
  CLI::App* export_;
  std::shared_ptr<Values> values_{std::make_shared<Values>()};
};

}  // namespace tapd
