// A good configuration for tests to spoil, and what is found in one.
#pragma once

#include <string>

#include <catch2/catch_test_macros.hpp>

#include "daemon/config.hpp"

namespace tapd::test {

inline const std::string good = R"([controller]
id = "bar-1"

[server]
url = "http://127.0.0.1:8000/"
authorize = "cached"

[policy]
largest_pour_ml = 500

[[tap]]
id = 1
driver = "gpio"
price_per_litre = "12.90"
meter = { line = "GPIO17", pulses_per_litre = 5598.4 }
valve = { line = "GPIO22", active = "low" }
reader = { device = "/dev/spidev0.0" }

[[tap]]
id = 2
driver = "sim"
mode = "tap-to-start"
meter = { pulses_per_litre = 450 }
)";

inline std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const auto at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

inline std::string findings(const std::string& text) {
  try {
    [[maybe_unused]] const Config config = parse_config(text, "tapd.toml");
  } catch (const ConfigError& error) {
    return error.what();
  }
  return {};
}

}  // namespace tapd::test
