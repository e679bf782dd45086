// How tapctl speaks to tapd and to people: exit codes, refusals, answers as JSON.
#pragma once

#include <string>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "daemon/api_client.hpp"
#include "sync/json_text.hpp"

#include <tl/expected.hpp>

namespace tapd {

inline constexpr int exit_done = 0;
inline constexpr int exit_refused = 1;
inline constexpr int exit_usage = 2;
inline constexpr int exit_no_answer = 3;

/// A reason as staff write it, with or without quotes around its words.
inline void add_reason(CLI::App& command, std::string& why, const char* help) {
  command.add_option_function<std::vector<std::string>>(
      "why", [&why](const auto& words) { why = fmt::format("{}", fmt::join(words, " ")); }, help);
}

/// Says what is wrong on stderr; answers `code`.
int refuse(const std::string& words, int code = exit_refused);
/// Why there is no good answer, and the exit code for it.
struct NoAnswer {
  std::string words;
  int code{exit_refused};
};
/// The body of a good answer.
[[nodiscard]] tl::expected<nlohmann::json, NoAnswer> heard(
    const tl::expected<ApiAnswer, std::string>& answer);
/// The same, or the exit code after saying what is wrong.
[[nodiscard]] tl::expected<nlohmann::json, int> body_of(
    const tl::expected<ApiAnswer, std::string>& answer);
/// "done", and what bars the tap all the same: who has lifted one lock of two would go home.
void say_done(const ApiClient& client, int tap);
/// What somebody watches, look by look. A tapd that has answered before and does not now is being
/// reloaded or started again: it is asked on for half a minute, which is said once.
class Watched {
 public:
  explicit Watched(const ApiClient& client) : client_{client} {}
  /// As `body_of`.
  [[nodiscard]] tl::expected<nlohmann::json, int> get(const std::string& path);

 private:
  const ApiClient& client_;
  bool has_answered_{false};
};
/// "3.20"
[[nodiscard]] std::string money(const nlohmann::json& cents);
/// What of a word may stand in an address: only what a UID or a status can hold; tapd says what is
/// wrong with the rest, which becomes "_".
[[nodiscard]] std::string plain(const std::string& word);
/// A card's UID as such a word: telephones print it in pairs, with ':', '-' or blanks between.
[[nodiscard]] std::string plain_uid(const std::string& uid);
/// Waits, so that a person can read or a tap can settle.
void wait_ms(int milliseconds);

}  // namespace tapd
