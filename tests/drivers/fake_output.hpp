// An output that remembers what it was driven to, and can be made to fail like a real one.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "drivers/output_line.hpp"

namespace tapd::drivers::test {

/// What the test sees of an output that belongs to somebody else.
struct Wire {
  bool on{false};
  std::vector<bool> history;  ///< Everything it was driven to.
  bool gone{false};           ///< The chip is away: nothing works.
  bool stuck_on{false};       ///< Reads on, whatever it is driven to.
  bool stuck_off{false};
  bool lost{false};  ///< The chip was away: nothing works until the line is taken anew.
  int retaken{0};
};

class FakeOutput final : public OutputLine {
 public:
  explicit FakeOutput(std::shared_ptr<Wire> wire) : wire_{std::move(wire)} {}
  tl::expected<void, std::string> drive(bool on) override {
    if (wire_->gone || wire_->lost) {
      return tl::unexpected<std::string>{"GPIO22: No such device"};
    }
    wire_->on = on;
    wire_->history.push_back(on);
    return {};
  }
  tl::expected<bool, std::string> read() override {
    if (wire_->gone) return tl::unexpected<std::string>{"GPIO22: No such device"};
    return wire_->stuck_on || (wire_->on && !wire_->stuck_off);
  }
  tl::expected<void, std::string> retake() override {
    ++wire_->retaken;
    if (!wire_->gone) wire_->lost = false;
    return drive(false);
  }
  [[nodiscard]] std::string describe() const override { return "GPIO22 of a test"; }

 private:
  std::shared_ptr<Wire> wire_;
};

}  // namespace tapd::drivers::test
