// The part of the configuration about serving limits and the cards that lift them.
#pragma once

#include "daemon/core/policy.hpp"
#include "daemon/toml_reader.hpp"

namespace tapd {

/// Reads `service_cards`, `lift_s` and each [[policy.serving_limit]]; finds fault with what could
/// never limit anything.
void read_serving(TomlTable& policy, PolicyRules& rules);

}  // namespace tapd
