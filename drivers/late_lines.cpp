#include "drivers/late_lines.hpp"

#include <exception>
#include <utility>

namespace tapd::drivers {

LateOutput::LateOutput(std::string name, std::string why, Open open)
    : name_(std::move(name)), why_(std::move(why)), open_(std::move(open)) {}

tl::expected<void, std::string> LateOutput::drive(bool on) {
  if (!line_) return tl::unexpected(why_);
  return line_->drive(on);
}

tl::expected<bool, std::string> LateOutput::read() {
  if (!line_) return tl::unexpected(why_);
  return line_->read();
}

tl::expected<void, std::string> LateOutput::retake() {
  if (line_) return line_->retake();
  try {
    line_ = open_();
    return {};
  } catch (const std::exception& error) {
    why_ = error.what();
    return tl::unexpected(why_);
  }
}

std::string LateOutput::describe() const {
  return line_ ? line_->describe() : name_ + " (not taken yet)";
}

LateFlowMeter::LateFlowMeter(std::string name, std::string why, Open open)
    : name_(std::move(name)), why_(std::move(why)), open_(std::move(open)) {}

int LateFlowMeter::descriptor() const {
  return meter_ ? meter_->descriptor() : -1;
}

MeterReading LateFlowMeter::read(SinceBoot now) {
  if (meter_) return meter_->read(now);
  MeterReading reading;
  reading.fault = why_;
  return reading;
}

tl::expected<void, std::string> LateFlowMeter::listen(bool on) {
  if (meter_) return meter_->listen(on);
  if (!on) return {};
  try {
    meter_ = open_();
    return {};
  } catch (const std::exception& error) {
    why_ = error.what();
    return tl::unexpected(why_);
  }
}

std::string LateFlowMeter::describe() const {
  return meter_ ? meter_->describe() : name_ + " (not taken yet)";
}

}  // namespace tapd::drivers
