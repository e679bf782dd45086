// What the configuration says about the venue server, as sync needs it: options, secrets from their
// files, the transport. Reads files; called once at a start.
#pragma once

#include <memory>

#include "daemon/config.hpp"
#include "sync/engine.hpp"
#include "sync/transport.hpp"

namespace tapd {

/// Both throw std::runtime_error, naming the file, when a secret cannot be read.
[[nodiscard]] sync::EngineOptions engine_options(const Config& config);
[[nodiscard]] std::unique_ptr<sync::Transport> make_transport(const Config& config);

}  // namespace tapd
