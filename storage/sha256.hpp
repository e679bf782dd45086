// SHA-256 as lower-case hex, by OpenSSL. Used for the chain of pours and for pages kept aside.
#pragma once

#include <string>
#include <string_view>

namespace tapd::storage {

/// 64 hex digits. Throws std::runtime_error when this OpenSSL has no SHA-256.
[[nodiscard]] std::string sha256(std::string_view bytes);

}  // namespace tapd::storage
