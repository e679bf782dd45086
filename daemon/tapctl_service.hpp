// One act of staff at a tap, from the opened valve to what ran: for the commands of tapctl.
#pragma once

#include <cstdint>
#include <string>

#include "daemon/api_client.hpp"
#include "daemon/tapctl_talk.hpp"

namespace tapd {

struct ServiceWish {
  int tap{0};
  std::string kind;  ///< As POST /service calls it.
  std::int64_t seconds{0};
  std::int64_t ml{0};
  bool enter_ends{false};  ///< A line on stdin shuts the valve.
};

/// Opens the valve and follows what runs, on the terminal if there is one, until tapd has shut it:
/// after the time, the volume, Enter where asked for, Ctrl-C, or when the terminal is gone. A tapd
/// that answers nothing is asked to shut it again and again. Answers tapd's `last_service`, or the
/// exit code after saying what is wrong.
[[nodiscard]] tl::expected<nlohmann::json, int> carry_out_service(const ApiClient& client,
                                                                  const ServiceWish& wish);

}  // namespace tapd
