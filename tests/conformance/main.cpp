// tapd-conformance: checks a venue server against the wire contract and prints a table.
#include <cstdio>
#include <exception>
#include <random>
#include <string>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "tests/conformance/http_call.hpp"
#include "tests/conformance/kit.hpp"

namespace {

int run(int argc, char** argv) {
  CLI::App app{
      "Checks a venue server against tapd's wire contract. Prepare an active guest with at least "
      "10.00 and a card, and two taps with kegs; a few small pours are booked on that card."};
  std::string url;
  std::string ca_file;
  tapd::conformance::Bench bench;
  app.add_option("url", url, "http://host:port")->required();
  app.add_option("token", bench.token, "the X-Internal-Token")->required();
  app.add_option("--card", bench.card_uid, "the card's UID, lower-case hex")
      ->default_val("04ab7815cd6b80");
  app.add_option("--tap", bench.tap_id, "where to pour")->capture_default_str();
  app.add_option("--other-tap", bench.other_tap_id, "another tap")->capture_default_str();
  app.add_option("--ca-file", ca_file, "PEM of the venue's own authority");
  CLI11_PARSE(app, argc, argv);
  bench.run_id = fmt::format("{:08x}", std::random_device{}());
  const auto findings =
      tapd::conformance::examine(tapd::conformance::http_call(url, ca_file), bench);
  fmt::print("{}", tapd::conformance::table_of(findings));
  return tapd::conformance::passes(findings) ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    fmt::print(stderr, "tapd-conformance: {}\n", error.what());
    return 2;
  }
}
