// Questions over tapd's own HTTP transport, one after the other.
#pragma once

#include <string>

#include "tests/conformance/kit.hpp"

namespace tapd::conformance {

/// `ca_file` empty: the system's authorities. Throws what the transport throws.
[[nodiscard]] Call http_call(const std::string& url, const std::string& ca_file = {});

}  // namespace tapd::conformance
