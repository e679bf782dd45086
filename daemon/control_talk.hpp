// How another thread asks the control thread something and waits for the answer: the API's.
#pragma once

#include <chrono>
#include <future>
#include <memory>
#include <optional>
#include <utility>

#include "daemon/control_loop.hpp"

namespace tapd {

/// The control thread answers within a millisecond or it hangs; then the client is told so.
inline constexpr std::chrono::seconds control_patience{1};

/// Has `change` done by the control thread; nullopt when it does not answer. It may still do it.
template<typename Answer, typename Change>
[[nodiscard]] std::optional<Answer> order(ControlInbox& control, Change change) {
  // Shared: when the wait is given up, the control thread may still answer.
  auto promise = std::make_shared<std::promise<Answer>>();
  auto future = promise->get_future();
  const bool put = control.put(Order{
      [promise, change = std::move(change)](Controller& controller, const model::Moment& now) {
        promise->set_value(change(controller, now));
      }});
  if (!put || future.wait_for(control_patience) != std::future_status::ready) return std::nullopt;
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
