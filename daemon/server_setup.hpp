// What the configuration says about the venue server, as sync needs it: options, secrets from their
// files, the transport. Reads files; called at a start, and by the doctor.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "daemon/config.hpp"
#include "sync/engine.hpp"
#include "sync/transport.hpp"

namespace tapd {

/// Where a secret that the configuration names without a folder is read from.
enum class Secrets : std::uint8_t {
  handed_over,    ///< The credentials that systemd gives tapd (LoadCredential=tapd:...).
  at_the_source,  ///< Where systemd takes them from, for who looks from outside: the doctor.
};
/// A path with a folder stays as it is. Throws std::runtime_error when nothing was handed over.
[[nodiscard]] std::filesystem::path secret_file(const std::filesystem::path& named, Secrets from);
/// The token in this file: its first line, without the blanks with which an editor may have ended
/// it. Empty when there is none or it cannot be read.
[[nodiscard]] std::string token_in(const std::filesystem::path& file);

/// Why the configured server cannot be asked, and what to do: a file that [server] names is not
/// there or is no use. Empty: it can be, or there is none.
[[nodiscard]] std::string server_trouble(const Config& config);
/// Both throw std::runtime_error, naming the file, when a secret cannot be read.
[[nodiscard]] sync::EngineOptions engine_options(const Config& config);
/// `on_certificate`: see sync::CurlOptions.
[[nodiscard]] std::unique_ptr<sync::Transport> make_transport(
    const Config& config, Secrets from = Secrets::handed_over,
    std::function<void(const std::string&)> on_certificate = {});

}  // namespace tapd
