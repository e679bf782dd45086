// Stand-ins for lines that could not be taken when tapd started: the chip of one tap is unplugged,
// and its neighbours are to be served all the same. Each answers every command with the reason, and
// takes the real line when it is told to take it anew. Used like what they stand for.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "drivers/flow_meter.hpp"
#include "drivers/output_line.hpp"

namespace tapd::drivers {

class LateOutput final : public OutputLine {
 public:
  /// `open` gives the line, off, or throws std::exception with the reason. `why` is that of the
  /// first time, and `name` what the line is called until then.
  using Open = std::function<std::unique_ptr<OutputLine>()>;
  LateOutput(std::string name, std::string why, Open open);

  [[nodiscard]] tl::expected<void, std::string> drive(bool on) override;
  [[nodiscard]] tl::expected<bool, std::string> read() override;
  [[nodiscard]] tl::expected<void, std::string> retake() override;
  [[nodiscard]] std::string describe() const override;

 private:
  std::string name_;
  std::string why_;
  Open open_;
  std::unique_ptr<OutputLine> line_;  // null: not taken yet
};

class LateFlowMeter final : public FlowMeter {
 public:
  /// As LateOutput's.
  using Open = std::function<std::unique_ptr<FlowMeter>()>;
  LateFlowMeter(std::string name, std::string why, Open open);

  [[nodiscard]] int descriptor() const override;
  /// Its fault is the reason, until `listen` has taken the line.
  [[nodiscard]] MeterReading read(SinceBoot now) override;
  [[nodiscard]] tl::expected<void, std::string> listen(bool on) override;
  [[nodiscard]] std::string describe() const override;

 private:
  std::string name_;
  std::string why_;
  Open open_;
  std::unique_ptr<FlowMeter> meter_;  // null: not taken yet
};

}  // namespace tapd::drivers
