// How another thread asks the control thread something and waits for the answer: the API's.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <future>
#include <memory>
#include <optional>
#include <utility>

#include "daemon/control_loop.hpp"

namespace tapd {

/// The control thread answers within a millisecond or it hangs; then the client is told so.
inline constexpr std::chrono::seconds control_patience{1};

/// What becomes of an order that nobody waits for any more.
enum class Late : std::uint8_t {
  withdrawn,          ///< It is not carried out, unless that has begun.
  done_all_the_same,  ///< What shuts a valve or closes a tap is never wrong.
};

/// Has `change` done by the control thread; nullopt when it does not answer.
template<typename Answer, typename Change>
[[nodiscard]] std::optional<Answer> order(ControlInbox& control, Change change,
                                          Late late = Late::withdrawn) {
  // Shared: when the wait is given up, the control thread may still answer.
  struct Wait {
    std::promise<Answer> promise;
    std::atomic<bool> over{false};  // Withdrawn here, or begun there: whoever comes first.
  };
  auto wait = std::make_shared<Wait>();
  auto future = wait->promise.get_future();
  const bool put = control.put(
      Order{[wait, change = std::move(change)](Controller& controller, const model::Moment& now) {
        if (!wait->over.exchange(true)) wait->promise.set_value(change(controller, now));
      }});
  if (!put) return std::nullopt;
  const auto answered = [&future] {
    return future.wait_for(control_patience) == std::future_status::ready;
  };
  if (answered()) return future.get();
  if (late == Late::done_all_the_same) return std::nullopt;
  // Begun at the last moment: it ends within a tick.
  if (!wait->over.exchange(true) || !answered()) return std::nullopt;
  return future.get();
}

/// The same for a look.
template<typename Answer, typename Look>
[[nodiscard]] std::optional<Answer> ask(ControlInbox& control, Look look) {
  return order<Answer>(
      control, [look = std::move(look)](const Controller& controller, const model::Moment&) {
        return look(controller);
      });
}

}  // namespace tapd
