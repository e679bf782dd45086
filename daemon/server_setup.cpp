#include "daemon/server_setup.hpp"

#include <cstdlib>
#include <fstream>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "daemon/app.hpp"
#include "sync/curl_transport.hpp"

namespace tapd {
// What systemd/tapd.service names in LoadCredential=tapd:... (systemd.exec(5)).
std::filesystem::path secret_file(const std::filesystem::path& named, Secrets from) {
  if (named.empty() || named.has_parent_path()) return named;
  if (from == Secrets::at_the_source) {
    return std::filesystem::path{"/etc/tapd/credentials"} / named;
  }
  const char* folder = std::getenv("CREDENTIALS_DIRECTORY");
  if (folder == nullptr) {
    throw std::runtime_error{fmt::format(
        "{}: a name without a folder is a credential of systemd (from /etc/tapd/credentials), and "
        "tapd was not started by it: write the whole path",
        named.string())};
  }
  return std::filesystem::path{folder} / ("tapd_" + named.string());
}

std::string token_in(const std::filesystem::path& file) {
  std::ifstream in{file};
  std::string token;
  if (in) std::getline(in, token);
  token.erase(token.find_last_not_of(" \t\r") + 1);
  return token;
}

namespace {

bool is_credential(const std::filesystem::path& named) {
  return !named.empty() && !named.has_parent_path();
}

std::string read_secret(const std::filesystem::path& named) {
  if (named.empty()) return {};
  const std::filesystem::path file = secret_file(named, Secrets::handed_over);
  std::string token = token_in(file);
  if (token.empty()) {
    throw std::runtime_error{fmt::format(
        "{}: no token can be read there (server.token_file): put the venue's token into {}, one "
        "line, readable by {} only",
        file.string(), secret_file(named, Secrets::at_the_source).string(),
        is_credential(named) ? "root" : "tapd")};
  }
  return token;
}

/// What makes tapd look again when the files are right.
std::string remedy(const ServerConfig& server) {
  for (const auto& named :
       {server.token_file, server.client_certificate_file, server.client_key_file}) {
    if (is_credential(named)) {
      return "correct it in /etc/tapd/credentials, then systemctl restart tapd: credentials are "
             "handed over at a start only, systemctl reload tapd does not do it";
    }
  }
  return "correct it, then systemctl reload tapd";
}

}  // namespace

std::string server_trouble(const Config& config) {
  if (config.server.url.empty()) return {};
  try {
    if (const std::string fault = sync::fault_of(engine_options(config)); !fault.empty()) {
      return fmt::format("[server]: {}; {}", fault, remedy(config.server));
    }
    (void)make_transport(config);
    return {};
  } catch (const std::exception& error) {
    return fmt::format("[server]: {}; {}", error.what(), remedy(config.server));
  }
}

sync::EngineOptions engine_options(const Config& config) {
  sync::EngineOptions options;
  options.controller_id = config.controller_id;
  options.firmware_version = version();
  options.token = read_secret(config.server.token_file);
  options.batch_size = config.server.batch_size;
  options.attempt_cap = config.server.attempt_cap;
  options.authorize_deadline = config.server.authorize_deadline;
  options.request_deadline = config.server.request_deadline;
  options.snapshot_interval = config.server.snapshot_interval;
  options.longest_backoff = config.server.longest_backoff;
  return options;
}

std::unique_ptr<sync::Transport> make_transport(
    const Config& config, Secrets from, std::function<void(const std::string&)> on_certificate) {
  sync::CurlOptions options;
  options.base_url = config.server.url;
  if (!config.server.ca_file.empty()) options.ca_file = config.server.ca_file.string();
  if (!config.server.client_certificate_file.empty()) {
    options.client_certificate_file =
        secret_file(config.server.client_certificate_file, from).string();
    options.client_key_file = secret_file(config.server.client_key_file, from).string();
  }
  options.user_agent = fmt::format("tapd/{}", version());
  options.on_certificate = std::move(on_certificate);
  return std::make_unique<sync::CurlTransport>(std::move(options));
}

}  // namespace tapd
