#include "sync/curl_transport.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstring>
#include <map>
#include <stdexcept>
#include <string_view>
#include <utility>

#include <curl/curl.h>
#include <fmt/format.h>

#include "sync/curl_options.hpp"

namespace tapd::sync {
namespace {

using std::chrono::milliseconds;

/// Owns what one of libcurl's own functions frees.
template<auto free_with>
struct FreedBy {
  template<typename Thing>
  void operator()(Thing* thing) const {
    free_with(thing);
  }
};
using Multi = std::unique_ptr<CURLM, FreedBy<curl_multi_cleanup>>;
using Easy = std::unique_ptr<CURL, FreedBy<curl_easy_cleanup>>;
using HeaderList = std::unique_ptr<curl_slist, FreedBy<curl_slist_free_all>>;

// libcurl's own global state: once per process, before the first handle.
void initialise_curl() {
  static const CURLcode done = curl_global_init(CURL_GLOBAL_DEFAULT);
  if (done != CURLE_OK) {
    throw std::runtime_error{fmt::format("libcurl does not start: {}", curl_easy_strerror(done))};
  }
}

bool is_clean(const std::string& text) {
  return std::none_of(text.begin(), text.end(),
                      [](unsigned char c) { return c < 0x20U || c == 0x7FU; });
}

/// One request in flight. Curl holds its address.
struct Transfer {
  RequestId id{0};
  Easy easy;
  HeaderList headers;
  std::string url;
  std::string body;
  milliseconds deadline{};
  const CurlOptions* options{nullptr};
  HttpResponse response;
  std::size_t header_bytes{0};
  std::size_t header_count{0};
  bool head_complete{false};       ///< The blank line after the headers came.
  const char* too_large{nullptr};  ///< What was too large.
  std::array<char, CURL_ERROR_SIZE> error{};
};

std::string_view trimmed(std::string_view text) {
  const std::size_t start = text.find_first_not_of(" \t\r\n");
  if (start == std::string_view::npos) return {};
  return text.substr(start, text.find_last_not_of(" \t\r\n") + 1 - start);
}

std::string lower(std::string_view text) {
  std::string result{text};
  std::transform(result.begin(), result.end(), result.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return result;
}

void keep_header(Transfer& transfer, std::string_view line) {
  // An interim answer (100, 103) has a head of its own: forget it when the next one begins.
  if (line.starts_with("HTTP/")) {
    transfer.response.headers.clear();
    transfer.head_complete = false;
    return;
  }
  if (trimmed(line).empty()) transfer.head_complete = true;
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) return;
  const std::string name = lower(trimmed(line.substr(0, colon)));
  const std::string_view value = trimmed(line.substr(colon + 1));
  const auto [place, fresh] = transfer.response.headers.emplace(name, value);
  if (!fresh) place->second.append(", ").append(value);
}

extern "C" {

// Answering less than it was given makes curl end the transfer.
std::size_t tapd_curl_header(char* data, std::size_t size, std::size_t count, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  const std::size_t bytes = size * count;
  transfer.header_bytes += bytes;
  ++transfer.header_count;
  if (transfer.header_bytes > transfer.options->largest_headers ||
      transfer.header_count > transfer.options->most_headers) {
    transfer.too_large = "its headers";
    return 0;
  }
  try {
    keep_header(transfer, std::string_view{data, bytes});
  } catch (const std::exception&) {
    transfer.too_large = "its headers";
    return 0;
  }
  return bytes;
}

std::size_t tapd_curl_body(char* data, std::size_t size, std::size_t count, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  const std::size_t bytes = size * count;
  std::string& body = transfer.response.body;
  if (bytes > transfer.options->largest_body - body.size()) {
    transfer.too_large = "its body";
    return 0;
  }
  try {
    body.append(data, bytes);
  } catch (const std::exception&) {
    transfer.too_large = "its body";
    return 0;
  }
  return bytes;
}

}  // extern "C"

template<typename Value>
void set(const Easy& easy, CURLoption option, Value value) {
  const CURLcode code = curl_easy_setopt(easy.get(), option, value);
  if (code == CURLE_OK) return;
  throw std::runtime_error{fmt::format("libcurl refuses option {}: {}", static_cast<int>(option),
                                       curl_easy_strerror(code))};
}

void set_policy(Transfer& transfer) {
  const Easy& easy = transfer.easy;
  const CurlOptions& options = *transfer.options;
  set(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  set(easy, CURLOPT_FOLLOWLOCATION, 0L);
  set(easy, CURLOPT_PROXY, "");  // Nor one from the environment.
  set(easy, CURLOPT_NOSIGNAL, 1L);
  set(easy, CURLOPT_QUICK_EXIT, 1L);  // A name lookup that hangs must not hold up the end.
  set(easy, CURLOPT_USERAGENT, options.user_agent.c_str());
  set(easy, CURLOPT_ACCEPT_ENCODING, "gzip, deflate");
  set(easy, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_2TLS));
  set(easy, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  if (options.ca_file) set(easy, CURLOPT_CAINFO, options.ca_file->c_str());
  if (options.client_certificate_file) {
    set(easy, CURLOPT_SSLCERT, options.client_certificate_file->c_str());
    set(easy, CURLOPT_SSLKEY, options.client_key_file->c_str());
  }
  if (options.on_certificate) set(easy, CURLOPT_CERTINFO, 1L);
  set(easy, CURLOPT_TCP_KEEPALIVE, 1L);
  set(easy, CURLOPT_MAXAGE_CONN, static_cast<long>(options.longest_idle.count()));
  set(easy, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(options.connect_timeout.count()));
  set(easy, CURLOPT_MAXFILESIZE_LARGE, static_cast<curl_off_t>(options.largest_body));
}

void set_request(Transfer& transfer, const HttpRequest& request) {
  const Easy& easy = transfer.easy;
  set(easy, CURLOPT_URL, transfer.url.c_str());
  set(easy, CURLOPT_TIMEOUT_MS, static_cast<long>(transfer.deadline.count()));
  set(easy, CURLOPT_ERRORBUFFER, transfer.error.data());
  set(easy, CURLOPT_HEADERFUNCTION, &tapd_curl_header);
  set(easy, CURLOPT_HEADERDATA, &transfer);
  set(easy, CURLOPT_WRITEFUNCTION, &tapd_curl_body);
  set(easy, CURLOPT_WRITEDATA, &transfer);
  set(easy, CURLOPT_PRIVATE, &transfer);
  if (request.method == HttpRequest::Method::post) {
    set(easy, CURLOPT_POST, 1L);
    set(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(transfer.body.size()));
    set(easy, CURLOPT_POSTFIELDS, transfer.body.c_str());
  }
  const auto append = [&transfer](const std::string& line) {
    curl_slist* const longer = curl_slist_append(transfer.headers.get(), line.c_str());
    if (longer == nullptr) throw std::runtime_error{"no memory for a header"};
    // NOLINTNEXTLINE(bugprone-unused-return-value): the longer list holds the one before
    (void)transfer.headers.release();
    transfer.headers.reset(longer);
  };
  append("Expect:");  // Small bodies need no leave from the server first.
  for (const auto& [name, value] : request.headers) {
    if (!is_clean(name) || !is_clean(value)) {
      throw std::runtime_error{fmt::format("header {} holds a control character", name)};
    }
    append(fmt::format("{}: {}", name, value));
  }
  set(easy, CURLOPT_HTTPHEADER, transfer.headers.get());
}

bool is_tls(CURLcode code) {
  return code == CURLE_SSL_CONNECT_ERROR || code == CURLE_PEER_FAILED_VERIFICATION ||
         code == CURLE_SSL_CERTPROBLEM || code == CURLE_SSL_CIPHER ||
         code == CURLE_SSL_CACERT_BADFILE || code == CURLE_SSL_ISSUER_ERROR ||
         code == CURLE_SSL_INVALIDCERTSTATUS || code == CURLE_USE_SSL_FAILED;
}

bool is_no_link(CURLcode code) {
  return code == CURLE_COULDNT_RESOLVE_HOST || code == CURLE_COULDNT_CONNECT ||
         code == CURLE_INTERFACE_FAILED;
}

// What the operating system said, for a connection that was refused or not routed.
std::string os_reason(const Transfer& transfer) {
  long os_errno = 0;
  curl_easy_getinfo(transfer.easy.get(), CURLINFO_OS_ERRNO, &os_errno);
  if (os_errno == 0) return {};
  std::string reason = lower(std::strerror(static_cast<int>(os_errno)));
  return reason;
}

bool was_connected(const Transfer& transfer) {
  curl_off_t sent_after_us = 0;
  curl_easy_getinfo(transfer.easy.get(), CURLINFO_PRETRANSFER_TIME_T, &sent_after_us);
  return sent_after_us > 0;
}

TransportError::Kind kind_of(const Transfer& transfer, CURLcode code) {
  using Kind = TransportError::Kind;
  if (transfer.too_large != nullptr || code == CURLE_FILESIZE_EXCEEDED) return Kind::too_large;
  if (is_tls(code)) return Kind::tls;
  if (is_no_link(code)) return Kind::no_link;
  if (code == CURLE_OPERATION_TIMEDOUT) {
    return was_connected(transfer) ? Kind::timeout : Kind::no_link;
  }
  return Kind::other;
}

std::string reason_of(const Transfer& transfer, CURLcode code) {
  if (transfer.too_large != nullptr) {
    return fmt::format("the answer is too large: {}", transfer.too_large);
  }
  if (code == CURLE_FILESIZE_EXCEEDED) return "the answer is too large: its body";
  if (code == CURLE_OPERATION_TIMEDOUT) {
    return was_connected(transfer)
               ? fmt::format("no answer within {} ms", transfer.deadline.count())
               : std::string{"no connection in time"};
  }
  if (code == CURLE_COULDNT_CONNECT) {
    if (const std::string reason = os_reason(transfer); !reason.empty()) return reason;
  }
  const bool detailed = transfer.error.front() != '\0';
  return detailed ? transfer.error.data() : curl_easy_strerror(code);
}

// The end of the first certificate's life, as the server showed it.
void tell_certificate(const Transfer& transfer) {
  curl_certinfo* chain = nullptr;
  if (curl_easy_getinfo(transfer.easy.get(), CURLINFO_CERTINFO, &chain) != CURLE_OK ||
      chain == nullptr || chain->num_of_certs < 1) {
    return;
  }
  constexpr std::string_view key = "Expire date:";
  for (const curl_slist* line = chain->certinfo[0]; line != nullptr; line = line->next) {
    const std::string_view text{line->data};
    if (text.starts_with(key)) {
      transfer.options->on_certificate(std::string{trimmed(text.substr(key.size()))});
    }
  }
}

HttpOutcome outcome_of(Transfer& transfer, CURLcode code, const std::string& authority) {
  if (code != CURLE_OK) {
    return tl::make_unexpected(TransportError{
        kind_of(transfer, code), fmt::format("{} ({})", reason_of(transfer, code), authority)});
  }
  if (!transfer.head_complete) {
    return tl::make_unexpected(TransportError{
        TransportError::Kind::other, fmt::format("cut within the headers ({})", authority)});
  }
  long status = 0;
  curl_easy_getinfo(transfer.easy.get(), CURLINFO_RESPONSE_CODE, &status);
  transfer.response.status = static_cast<int>(status);
  return std::move(transfer.response);
}

}  // namespace

struct CurlTransport::Implementation {
  CurlOptions options;
  std::string authority;
  Multi multi;
  std::map<CURL*, std::unique_ptr<Transfer>> transfers;
  std::vector<std::pair<RequestId, TransportError>> failed_to_start;

  void begin(RequestId id, const HttpRequest& request);
  void drop(CURL* easy);
  std::vector<Completion> collect();
};

void CurlTransport::Implementation::begin(RequestId id, const HttpRequest& request) {
  auto transfer = std::make_unique<Transfer>();
  transfer->id = id;
  transfer->easy.reset(curl_easy_init());
  if (!transfer->easy) throw std::runtime_error{"libcurl has no handle left"};
  transfer->options = &options;
  transfer->url = options.base_url + request.path;
  if (!request.query.empty()) transfer->url += "?" + request.query;
  transfer->body = request.body;
  transfer->deadline = std::max(request.deadline, milliseconds{1});
  set_policy(*transfer);
  set_request(*transfer, request);
  CURL* const easy = transfer->easy.get();
  const auto placed = transfers.emplace(easy, std::move(transfer)).first;
  if (const CURLMcode code = curl_multi_add_handle(multi.get(), easy); code != CURLM_OK) {
    transfers.erase(placed);
    throw std::runtime_error{curl_multi_strerror(code)};
  }
}

void CurlTransport::Implementation::drop(CURL* easy) {
  curl_multi_remove_handle(multi.get(), easy);
  transfers.erase(easy);
}

std::vector<Completion> CurlTransport::Implementation::collect() {
  std::vector<Completion> completions;
  for (auto& [id, error] : std::exchange(failed_to_start, {})) {
    completions.push_back({id, tl::unexpected<TransportError>{std::move(error)}});
  }
  int running = 0;
  curl_multi_perform(multi.get(), &running);
  int left = 0;
  while (const CURLMsg* message = curl_multi_info_read(multi.get(), &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    CURL* const easy = message->easy_handle;
    const CURLcode code = message->data.result;
    Transfer& transfer = *transfers.at(easy);
    if (options.on_certificate) tell_certificate(transfer);
    completions.push_back({transfer.id, outcome_of(transfer, code, authority)});
    drop(easy);
  }
  return completions;
}

CurlTransport::CurlTransport(CurlOptions options) : self_{std::make_unique<Implementation>()} {
  initialise_curl();
  self_->authority = authority_of(options.base_url);
  options.base_url = without_trailing_slash(options.base_url);
  check_files(options);
  self_->options = std::move(options);
  self_->multi.reset(curl_multi_init());
  if (!self_->multi) throw std::runtime_error{"libcurl has no memory for a multi handle"};
}

CurlTransport::~CurlTransport() {
  while (!self_->transfers.empty()) self_->drop(self_->transfers.begin()->first);
}

void CurlTransport::start(RequestId id, const HttpRequest& request) {
  try {
    if (!request.path.starts_with('/') || !is_clean(request.path) || !is_clean(request.query)) {
      throw std::runtime_error{"the path does not begin with '/'"};
    }
    self_->begin(id, request);
  } catch (const std::exception& error) {
    // The error comes out of wait like any other: the caller has one way to hear of outcomes.
    self_->failed_to_start.emplace_back(
        id, TransportError{TransportError::Kind::other,
                           fmt::format("{} ({})", error.what(), self_->authority)});
  }
}

std::vector<Completion> CurlTransport::wait(milliseconds at_most) {
  std::vector<Completion> completions = self_->collect();
  if (!completions.empty()) return completions;
  constexpr milliseconds longest_poll{60'000};
  const milliseconds bounded = std::clamp(at_most, milliseconds{0}, longest_poll);
  curl_multi_poll(self_->multi.get(), nullptr, 0, static_cast<int>(bounded.count()), nullptr);
  return self_->collect();
}

void CurlTransport::wake() noexcept {
  curl_multi_wakeup(self_->multi.get());
}

}  // namespace tapd::sync
