#include "drivers/line_valve.hpp"

#include <fmt/format.h>

#include <utility>

namespace tapd::drivers {

LineValve::LineValve(std::unique_ptr<OutputLine> line) : line_(std::move(line)) {
  // A pin that does not follow is told by the first command of whoever serves here: that is this
  // tap's trouble, and no reason to take its neighbours' beer away.
  static_cast<void>(line_->drive(false));
}

LineValve::~LineValve() {
  // Nobody is left to be told of a failure.
  static_cast<void>(line_->drive(false));
}

tl::expected<void, std::string> LineValve::obey(bool open) {
  if (auto driven = line_->drive(open); !driven) return driven;
  const auto level = line_->read();
  if (!level) return tl::unexpected(level.error());
  if (*level == open) return {};
  return tl::unexpected(
      fmt::format("{}: driven {} but the pin reads {}: is it shorted, or driven by something else?",
                  describe(), open ? "open" : "shut", *level ? "open" : "shut"));
}

tl::expected<void, std::string> LineValve::open() {
  auto done = obey(true);
  if (done) return done;
  if (auto undone = shut(); !undone)
    return tl::unexpected(done.error() + "; then " + undone.error());
  return done;
}

tl::expected<void, std::string> LineValve::shut() {
  return obey(false);
}

tl::expected<void, std::string> LineValve::retake() {
  if (auto taken = line_->retake(); !taken) return taken;
  return shut();
}

std::string LineValve::describe() const {
  return line_->describe();
}

}  // namespace tapd::drivers
