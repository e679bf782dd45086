#include "daemon/state_stream.hpp"

namespace tapd {

StateStream::StateStream(Look look)
    : look_{std::move(look)}, thread_{[this](const std::stop_token& stop) { run(stop); }} {}

StreamSource StateStream::listen() {
  const std::lock_guard lock{guard_};
  // Nobody has looked since the last one left: what is kept is how it was then.
  if (listeners_.use_count() == 1) {
    lines_.clear();
    alive_ = {};
  }
  changed_.notify_all();
  return [this, held = listeners_](std::uint64_t& seen) { return after(seen); };
}

/// What a client has not seen, at most one line for each tap; it is told nothing twice.
std::string StateStream::after(std::uint64_t& seen) {
  const std::lock_guard lock{guard_};
  std::string text;
  for (const Line& line : lines_) {
    if (line.version > seen) text += line.text + "\n";
  }
  if (alive_.version > seen) text += alive_.text + "\n";
  seen = version_;
  return text;
}

void StateStream::run(const std::stop_token& stop) {
  while (wait_for_listeners(stop)) {
    take(look_());
    std::unique_lock lock{guard_};
    changed_.wait_for(lock, stop, between_looks, [] { return false; });
  }
}

/// False: it is time to stop.
bool StateStream::wait_for_listeners(const std::stop_token& stop) {
  std::unique_lock lock{guard_};
  // The one that is this object's own is no listener.
  changed_.wait(lock, stop, [this] { return listeners_.use_count() > 1; });
  return !stop.stop_requested();
}

/// Keeps what is new; now and then, with nothing new, a sign of life.
void StateStream::take(const std::optional<std::vector<std::string>>& lines) {
  const std::lock_guard lock{guard_};
  const std::uint64_t before = version_;
  if (lines) lines_.resize(lines->size());
  for (std::size_t tap = 0; lines && tap < lines->size(); ++tap) {
    if (lines_[tap].text == (*lines)[tap]) continue;
    lines_[tap] = {.version = ++version_, .text = (*lines)[tap]};
  }
  if (version_ == before && ++quiet_looks_ < between_signs_of_life / between_looks) return;
  if (version_ == before) alive_ = {.version = ++version_, .text = R"({"alive":true})"};
  quiet_looks_ = 0;
}

}  // namespace tapd
