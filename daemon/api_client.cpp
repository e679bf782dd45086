#include "daemon/api_client.hpp"

#include <memory>
#include <utility>

#include <curl/curl.h>
#include <fmt/format.h>

namespace tapd {
namespace {

constexpr long patience_ms = 5'000;
constexpr std::size_t largest_answer = std::size_t{16} * 1024 * 1024;

std::size_t collect(char* data, std::size_t size, std::size_t count, void* into) {
  auto& body = *static_cast<std::string*>(into);
  if (body.size() + size * count > largest_answer) return 0;
  body.append(data, size * count);
  return size * count;
}

std::string explain(CURLcode code, const std::filesystem::path& socket) {
  if (code == CURLE_COULDNT_CONNECT) {
    return fmt::format(
        "nobody listens on {}: is tapd running (systemctl status tapd), and may you use the socket "
        "(group tapd)?",
        socket.string());
  }
  return fmt::format("{}: {}", socket.string(), curl_easy_strerror(code));
}

}  // namespace

ApiClient::ApiClient(std::filesystem::path socket) : socket_{std::move(socket)} {}

tl::expected<ApiAnswer, std::string> ApiClient::get(const std::string& path) const {
  return ask(path, nullptr);
}

tl::expected<ApiAnswer, std::string> ApiClient::post(const std::string& path,
                                                     const std::string& body) const {
  return ask(path, &body);
}

tl::expected<ApiAnswer, std::string> ApiClient::ask(const std::string& path,
                                                    const std::string* body) const {
  const std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> handle{curl_easy_init(),
                                                                   &curl_easy_cleanup};
  if (!handle) return tl::unexpected<std::string>{"libcurl could not be started"};
  ApiAnswer answer;
  const std::string url = "http://tapd" + path;
  curl_easy_setopt(handle.get(), CURLOPT_UNIX_SOCKET_PATH, socket_.c_str());
  curl_easy_setopt(handle.get(), CURLOPT_URL, url.c_str());
  curl_easy_setopt(handle.get(), CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(handle.get(), CURLOPT_TIMEOUT_MS, patience_ms);
  curl_easy_setopt(handle.get(), CURLOPT_WRITEFUNCTION, &collect);
  curl_easy_setopt(handle.get(), CURLOPT_WRITEDATA, &answer.body);
  if (body != nullptr) {
    curl_easy_setopt(handle.get(), CURLOPT_POSTFIELDSIZE, static_cast<long>(body->size()));
    curl_easy_setopt(handle.get(), CURLOPT_POSTFIELDS, body->c_str());
  }
  if (const CURLcode code = curl_easy_perform(handle.get()); code != CURLE_OK) {
    return tl::unexpected{explain(code, socket_)};
  }
  long status = 0;
  curl_easy_getinfo(handle.get(), CURLINFO_RESPONSE_CODE, &status);
  answer.status = static_cast<int>(status);
  return answer;
}

}  // namespace tapd
