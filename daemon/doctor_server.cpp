// The doctor's question to the venue server: does it answer, with a certificate that lasts, and
// does it take the token?
#include <array>
#include <ctime>
#include <fstream>
#include <iomanip>
#include <memory>
#include <sstream>

#include <curl/curl.h>
#include <fmt/format.h>

#include "daemon/doctor.hpp"

namespace tapd {
namespace {

using Handle = std::unique_ptr<CURL, decltype(&curl_easy_cleanup)>;
using Headers = std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)>;

/// The body is of no interest.
std::size_t drop(const char* /*data*/, std::size_t size, std::size_t count, void* /*to*/) {
  return size * count;
}

std::string token_of(const Config& config) {
  std::filesystem::path file = config.server.token_file;
  if (!file.empty() && !file.has_parent_path()) {
    file = std::filesystem::path{"/etc/tapd/credentials"} / file;
  }
  std::ifstream in{file};
  std::string token;
  std::getline(in, token);
  return token;
}

/// The end of the first certificate's life, as the server showed it.
std::string expiry_of(CURL* handle) {
  curl_certinfo* chain = nullptr;
  if (curl_easy_getinfo(handle, CURLINFO_CERTINFO, &chain) != CURLE_OK || chain == nullptr ||
      chain->num_of_certs < 1) {
    return {};
  }
  constexpr std::string_view key = "Expire date:";
  for (const curl_slist* line = chain->certinfo[0]; line != nullptr; line = line->next) {
    const std::string_view text{line->data};
    if (text.starts_with(key)) return std::string{text.substr(key.size())};
  }
  return {};
}

Finding certificate_finding(const std::string& expiry, model::WallTime now) {
  const auto days = days_until(expiry, now);
  if (!days)
    return {Health::doubtful, "the end of the server's certificate cannot be read: " + expiry};
  constexpr std::int64_t soon = 21;
  const std::string what =
      fmt::format("the server's certificate ends in {} days ({})", *days, expiry);
  if (*days >= soon) return {Health::good, what};
  return {*days < 0 ? Health::bad : Health::doubtful, what,
          "renew it at the venue; with a wrong clock here it only seems so"};
}

Finding status_finding(const Config& config, long status) {
  const std::string what = fmt::format("the server answers {} on {}", status, config.server.url);
  constexpr long unauthorized = 401;
  constexpr long forbidden = 403;
  constexpr long server_error = 500;
  if (status == unauthorized || status == forbidden) {
    return {Health::bad, what + ": it does not take the token",
            "get this controller's token from the venue and write it into server.token_file"};
  }
  if (status >= server_error) {
    return {Health::doubtful, what, "the server itself has a problem: ask who runs it"};
  }
  return {Health::good, what};
}

}  // namespace

std::optional<std::int64_t> days_until(const std::string& date, model::WallTime now) {
  std::tm parts{};
  std::istringstream in{date};
  in.imbue(std::locale::classic());
  in >> std::get_time(&parts, "%b %d %H:%M:%S %Y");
  if (in.fail()) return std::nullopt;
  const auto at = std::chrono::sys_seconds{std::chrono::seconds{::timegm(&parts)}};
  return std::chrono::floor<std::chrono::days>(at - now).count();
}

Findings check_server(const Config& config, model::WallTime now) {
  if (config.server.url.empty()) {
    return {{Health::doubtful, "no server is configured: every pour waits in the queue",
             "set server.url and server.token_file"}};
  }
  const Handle handle{curl_easy_init(), &curl_easy_cleanup};
  if (!handle) return {{Health::doubtful, "libcurl could not be started"}};
  const std::string url =
      fmt::format("{}/api/controllers/{}/snapshot", config.server.url, config.controller_id);
  const std::string bearer = "Authorization: Bearer " + token_of(config);
  const Headers headers{curl_slist_append(nullptr, bearer.c_str()), &curl_slist_free_all};
  std::array<char, CURL_ERROR_SIZE> why{};
  constexpr long patience_ms = 5'000;
  curl_easy_setopt(handle.get(), CURLOPT_URL, url.c_str());
  curl_easy_setopt(handle.get(), CURLOPT_HTTPHEADER, headers.get());
  curl_easy_setopt(handle.get(), CURLOPT_TIMEOUT_MS, patience_ms);
  curl_easy_setopt(handle.get(), CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(handle.get(), CURLOPT_PROXY, "");
  curl_easy_setopt(handle.get(), CURLOPT_CERTINFO, 1L);
  curl_easy_setopt(handle.get(), CURLOPT_ERRORBUFFER, why.data());
  curl_easy_setopt(handle.get(), CURLOPT_WRITEFUNCTION, &drop);
  if (!config.server.ca_file.empty()) {
    curl_easy_setopt(handle.get(), CURLOPT_CAINFO, config.server.ca_file.c_str());
  }
  if (const CURLcode code = curl_easy_perform(handle.get()); code != CURLE_OK) {
    const std::string words = why[0] != '\0' ? why.data() : curl_easy_strerror(code);
    return {
        {Health::bad, fmt::format("the server does not answer on {}: {}", config.server.url, words),
         "look at network, name and certificate; guests pour from the cached balances meanwhile"}};
  }
  long status = 0;
  curl_easy_getinfo(handle.get(), CURLINFO_RESPONSE_CODE, &status);
  Findings findings{status_finding(config, status)};
  if (const std::string expiry = expiry_of(handle.get()); !expiry.empty()) {
    findings.push_back(certificate_finding(expiry, now));
  }
  return findings;
}

}  // namespace tapd
