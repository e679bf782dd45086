#include "sync/curl_options.hpp"

#include <filesystem>
#include <optional>
#include <stdexcept>

#include <fmt/format.h>

namespace tapd::sync {
namespace {

void require_file(const std::optional<std::string>& file, const char* what) {
  if (!file || std::filesystem::is_regular_file(*file)) return;
  throw std::runtime_error{fmt::format("{} {} is not there", what, *file)};
}

}  // namespace

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
