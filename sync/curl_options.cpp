#include "sync/curl_options.hpp"

#include <filesystem>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string_view>

#include <curl/curl.h>
#include <fmt/format.h>

namespace tapd::sync {
namespace {

void require_file(const std::optional<std::string>& file, const char* what) {
  if (!file || std::filesystem::is_regular_file(*file)) return;
  throw std::runtime_error{fmt::format("{} {} is not there", what, *file)};
}

std::string url_part(CURLU* url, CURLUPart part, unsigned flags = 0) {
  char* text = nullptr;
  if (curl_url_get(url, part, &text, flags) != CURLUE_OK || text == nullptr) return {};
  std::string copy{text};
  curl_free(text);
  return copy;
}

}  // namespace

std::string authority_of(const std::string& base_url) {
  const std::unique_ptr<CURLU, decltype(&curl_url_cleanup)> url{curl_url(), &curl_url_cleanup};
  const auto refuse = [&base_url](std::string_view why) {
    throw std::invalid_argument{fmt::format("server URL \"{}\": {}", base_url, why)};
  };
  if (!url || curl_url_set(url.get(), CURLUPART_URL, base_url.c_str(), 0) != CURLUE_OK) {
    refuse("is not a URL such as http://venue-server:8000");
  }
  const std::string scheme = url_part(url.get(), CURLUPART_SCHEME);
  if (scheme != "http" && scheme != "https") refuse("must begin with http:// or https://");
  if (!url_part(url.get(), CURLUPART_USER).empty()) {
    refuse("must not hold a user or password; the token is a setting of its own");
  }
  if (!url_part(url.get(), CURLUPART_QUERY).empty() ||
      !url_part(url.get(), CURLUPART_FRAGMENT).empty()) {
    refuse("must end before '?' and '#'");
  }
  return fmt::format("{}:{}", url_part(url.get(), CURLUPART_HOST),
                     url_part(url.get(), CURLUPART_PORT, CURLU_DEFAULT_PORT));
}

std::string without_trailing_slash(std::string url) {
  while (!url.empty() && url.back() == '/') url.pop_back();
  return url;
}

void check_files(const CurlOptions& options) {
  require_file(options.ca_file, "CA file");
  require_file(options.client_certificate_file, "client certificate");
  require_file(options.client_key_file, "client key");
  if (options.client_certificate_file.has_value() != options.client_key_file.has_value()) {
    throw std::runtime_error{"a client certificate needs its key, and a key its certificate"};
  }
}

}  // namespace tapd::sync
