// What can be wrong with the transport's options, found before the first request. Used by the
// transport's constructor; throws what that promises.
#pragma once

#include <string>

#include "sync/curl_transport.hpp"

namespace tapd::sync {

/// "host:port" of the base URL, for messages; throws for a URL that the transport does not take.
[[nodiscard]] std::string authority_of(const std::string& base_url);
[[nodiscard]] std::string without_trailing_slash(std::string url);
/// Throws when a file that the options name is not there, or stands without its other half.
void check_files(const CurlOptions& options);

}  // namespace tapd::sync
