// A real tapd by itself: simulated taps, no server, and a guest with 50.00 and the card 04a1b2c3 in
// its ledger. For tests of what one tapd does with signals, commands and restarts.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "tests/support/child_process.hpp"
#include "tests/support/temp_dir.hpp"

namespace tapd::test {

class LoneTapd {
 public:
  using Environment = std::vector<std::pair<std::string, std::string>>;

  /// Starts it with one tap, and waits until it is ready.
  explicit LoneTapd(Environment more = {});

  static constexpr const char* tap_line =
      "[[tap]]\nid = 1\ndriver = \"sim\"\nmeter = { pulses_per_litre = 5600 }\n";

  /// Writes the configuration: the controller's part, and then this.
  void write(const std::string& rest) const;
  void reload() const;
  /// A reload makes its API anew: waits until it answers.
  void answers() const;
  /// Stops it and starts it again.
  void restart();
  /// Waits until it has ended, however, and starts it again.
  void revive();
  /// Waits for a text in what it writes; when it does not come: false, and what it wrote instead
  /// is told with the failure.
  [[nodiscard]] bool says(const std::string& text);
  [[nodiscard]] std::string said() const { return tapd_->output(); }
  /// Of the local API; fails the test when nobody answers.
  [[nodiscard]] nlohmann::json get(const std::string& path) const;
  /// The status and the answer of a POST.
  struct Answer {
    int status{0};
    nlohmann::json body;
  };
  [[nodiscard]] Answer ask(const std::string& path) const;  ///< A GET, whatever it answers.
  [[nodiscard]] Answer post(const std::string& path, const std::string& body) const;
  [[nodiscard]] std::string status() const { return get("/status").dump(); }
  [[nodiscard]] nlohmann::json tap() const { return get("/status").at("taps").at(0); }
  void sim(const std::string& command) const;
  /// The guest pours and takes the card away; done when the pour is over.
  void pour();
  /// `typed`: what a person types meanwhile; nothing: nobody is there.
  [[nodiscard]] FinishedChild tapctl(std::vector<std::string> words,
                                     const std::string& typed = {}) const;
  /// One that runs until it is over by itself, or its owner ends it.
  [[nodiscard]] ChildProcess begin_tapctl(std::vector<std::string> words) const;
  [[nodiscard]] ExitStatus stop();
  [[nodiscard]] const TempDir& folder() const { return folder_; }

 private:
  void start();

  TempDir folder_{Medium::memory};
  Environment environment_;
  std::optional<ChildProcess> tapd_;
};

}  // namespace tapd::test
