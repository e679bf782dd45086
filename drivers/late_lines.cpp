#include "drivers/late_lines.hpp"

namespace tapd::drivers {

tl::expected<void, std::string> LateOutput::drive(bool on) {
  if (OutputLine* const line = line_.get()) return line->drive(on);
  return tl::unexpected(line_.why());
}

tl::expected<bool, std::string> LateOutput::read() {
  if (OutputLine* const line = line_.get()) return line->read();
  return tl::unexpected(line_.why());
}

tl::expected<void, std::string> LateOutput::retake() {
  if (OutputLine* const line = line_.get()) return line->retake();
  return line_.take();
}

int LateFlowMeter::descriptor() const {
  const FlowMeter* const meter = meter_.get();
  return meter != nullptr ? meter->descriptor() : -1;
}

MeterReading LateFlowMeter::read(SinceBoot now) {
  if (FlowMeter* const meter = meter_.get()) return meter->read(now);
  MeterReading reading;
  reading.fault = meter_.why();
  return reading;
}

tl::expected<void, std::string> LateFlowMeter::listen(bool on) {
  if (FlowMeter* const meter = meter_.get()) return meter->listen(on);
  if (!on) return {};
  return meter_.take();
}

}  // namespace tapd::drivers
