// Stand-ins for lines that could not be taken when tapd started: the chip of one tap is unplugged,
// and its neighbours are to be served all the same. Each answers every command with the reason, and
// takes the real line when it is told to take it anew. Used like what they stand for.
#pragma once

#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "drivers/flow_meter.hpp"
#include "drivers/output_line.hpp"

namespace tapd::drivers {

/// What is taken late, if at all.
template<typename Line>
class Late {
 public:
  /// Gives the line, off, or throws std::exception with the reason.
  using Open = std::function<std::unique_ptr<Line>()>;
  /// `why` is the reason of the first time, and `name` what the line is called until it is there.
  Late(std::string name, std::string why, Open open)
      : name_(std::move(name)), why_(std::move(why)), open_(std::move(open)) {}

  /// Null: not taken yet.
  [[nodiscard]] Line* get() const { return line_.get(); }
  [[nodiscard]] const std::string& why() const { return why_; }
  [[nodiscard]] tl::expected<void, std::string> take() {
    try {
      line_ = open_();
      return {};
    } catch (const std::exception& error) {
      why_ = error.what();
      return tl::unexpected(why_);
    }
  }
  [[nodiscard]] std::string describe() const {
    return line_ ? line_->describe() : name_ + " (not taken yet)";
  }

 private:
  std::string name_;
  std::string why_;
  Open open_;
  std::unique_ptr<Line> line_;
};

class LateOutput final : public OutputLine {
 public:
  LateOutput(std::string name, std::string why, Late<OutputLine>::Open open)
      : line_(std::move(name), std::move(why), std::move(open)) {}

  [[nodiscard]] tl::expected<void, std::string> drive(bool on) override;
  [[nodiscard]] tl::expected<bool, std::string> read() override;
  [[nodiscard]] tl::expected<void, std::string> retake() override;
  [[nodiscard]] std::string describe() const override { return line_.describe(); }

 private:
  Late<OutputLine> line_;
};

class LateFlowMeter final : public FlowMeter {
 public:
  LateFlowMeter(std::string name, std::string why, Late<FlowMeter>::Open open)
      : meter_(std::move(name), std::move(why), std::move(open)) {}

  [[nodiscard]] int descriptor() const override;
  /// Its fault is the reason, until `listen` has taken the line.
  [[nodiscard]] MeterReading read(SinceBoot now) override;
  [[nodiscard]] tl::expected<void, std::string> listen(bool on) override;
  [[nodiscard]] std::string describe() const override { return meter_.describe(); }

 private:
  Late<FlowMeter> meter_;
};

}  // namespace tapd::drivers
