#include "daemon/config.hpp"

#include <string>

#include <fmt/format.h>
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/matchers/catch_matchers_exception.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "config_text.hpp"

namespace tapd::test {

using Catch::Matchers::ContainsSubstring;

TEST_CASE("a good configuration is read as written", "[config]") {
  const Config config = parse_config(good, "tapd.toml");
  CHECK(config.controller_id == "bar-1");
  CHECK(config.server.url == "http://127.0.0.1:8000");
  CHECK(config.server.authorize == AuthorizeMode::cached);
  CHECK(config.policy.largest_pour == model::Volume::millilitres(500));
  REQUIRE(config.taps.size() == 2);
  CHECK(config.taps[0].meter.milli_pulses_per_litre == 5'598'400);
  CHECK(config.taps[0].valve_line.active_low);
  CHECK(config.taps[0].own_price == model::LitrePrice{1290});
  CHECK(config.taps[1].simulated);
  CHECK(config.taps[1].rules.mode == SessionMode::tap_to_start);
}

TEST_CASE("a tap waits for the cache as well, however long the server may take", "[config]") {
  CHECK(parse_config(good, "tapd.toml").taps[0].rules.authorize_timeout ==
        std::chrono::milliseconds{3'000});
  const std::string slow = replaced(good, "authorize = \"cached\"", "authorize_deadline_ms = 4000");
  const Config config = parse_config(slow, "tapd.toml");
  for (const TapConfig& tap : config.taps) {
    CHECK(tap.rules.authorize_timeout > config.server.authorize_deadline + std::chrono::seconds{1});
  }
}

TEST_CASE("without a word in [policy] each limit has its default", "[config][policy]") {
  const PolicyRules rules =
      parse_config(replaced(good, "largest_pour_ml = 500", ""), "tapd.toml").policy;
  CHECK(rules.largest_pour == model::Volume::millilitres(1'000));
  CHECK(rules.dearest_pour == model::largest_amount);
  CHECK(rules.smallest_start == model::Volume::millilitres(50));
  CHECK(rules.oldest_balance == std::chrono::hours{72});
  CHECK(rules.sell_offline);
  CHECK(rules.offline.per_guest == model::Money{5'000});
  CHECK(rules.offline.pours_per_guest == 10);
  CHECK(rules.offline.controller == model::Money{200'000});
  CHECK(rules.serving_limits.empty());
  CHECK(rules.service_cards.empty());
  CHECK(rules.late_refusal == model::Volume::millilitres(30));
}

TEST_CASE("a bad configuration is refused with file, line, key and what would be right",
          "[config]") {
  struct Bad {
    std::string from, to, at, says;
  };
  const Bad bad = GENERATE(values<Bad>({
      {"id = \"bar-1\"", "id = 7",
       "tapd.toml:2:", "controller.id: must be a text in quotes, but is a whole number"},
      {"id = \"bar-1\"", "", "tapd.toml:1:", "controller.id: is missing"},
      {"id = \"bar-1\"", "id = \"Bar 1\"",
       "tapd.toml:2:", "controller.id: must be 1 to 50 letters"},
      {"authorize = \"cached\"", "authorise = \"cached\"",
       "tapd.toml:6:", "server.authorise: unknown key; did you mean \"authorize\"?"},
      {"authorize = \"cached\"", "authorize = \"always\"",
       "tapd.toml:6:", "must be one of: online-first, cached"},
      {"url = \"http://127.0.0.1:8000/\"", "url = \"ftp://x\"",
       "tapd.toml:5:", "server.url: must begin with http:// or https://"},
      {"authorize = \"cached\"", "client_certificate_file = \"/etc/tapd/own.pem\"", "tapd.toml",
       "server.client_key_file: is missing"},
      {"authorize = \"cached\"", "client_key_file = \"/etc/tapd/own.key\"", "tapd.toml",
       "server.client_certificate_file: is missing"},
      {"largest_pour_ml = 500", "largest_pour_ml = \"500\"",
       "tapd.toml:9:", "policy.largest_pour_ml: must be a whole number, but is a text"},
      {"largest_pour_ml = 500", "largest_pour_ml = -1",
       "tapd.toml:9:", "is -1, but must be 10 to 100000"},
      {"largest_pour_ml = 500", "offline_spend_per_guest = \"1,50\"",
       "tapd.toml:9:", "\"1,50\" is not an amount of money: only digits and one point"},
      {"largest_pour_ml = 500", "offline_exposure = 100",
       "tapd.toml:9:", "policy.offline_exposure: must be a text in quotes"},
      {"largest_pour_ml = 500", "offline_pours_per_guest = 0",
       "tapd.toml:9:", "is 0, but must be 1 to 1000"},
      {"largest_pour_ml = 500", "largest_pour_ml = 40", "tapd.toml:8:", "nobody could ever pour"},
      {"pulses_per_litre = 5598.4", "pulses_per_litre = -450",
       "tapd.toml:15:", "tap 1.meter.pulses_per_litre: is -450, but must be 1 to 1000000"},
      {"pulses_per_litre = 5598.4", "pulses_per_litre = nan",
       "tapd.toml:15:", "pulses_per_litre: is nan"},
      {"pulses_per_litre = 450", "pulses_per_liter = 450",
       "tapd.toml:23:", "did you mean \"pulses_per_litre\"?"},
      {"price_per_litre = \"12.90\"", "price_per_litre = \"-12.90\"",
       "tapd.toml:14:", "tap 1.price_per_litre: "},
      {"price_per_litre = \"12.90\"", "price_per_litre = 12.90",
       "tapd.toml:14:", "must be a text in quotes, but is a number with decimals"},
      {"line = \"GPIO22\"", "line = \"GPIO17\"", "tapd.toml:11:",
       "line GPIO17 is used twice: as the meter of tap 1 and as the valve of tap 1"},
      {"id = 2", "id = 1", "tapd.toml:19:", "tap 1 is used twice"},
      {"id = 2", "id = 0", "tapd.toml:20:", "tap 2.id: is 0, but must be 1 to 999"},
      {"driver = \"gpio\"", "driver = \"usb\"", "tapd.toml:13:", "must be one of: gpio, sim"},
      {"device = \"/dev/spidev0.0\"", "", "tapd.toml:17:", "tap 1.reader.device: is missing"},
      {"device = \"/dev/spidev0.0\"", "device = \"/dev/spidev0.0\", reset_chip = \"pinctrl-rp1\"",
       "tapd.toml:17:", "tap 1.reader.reset_chip: needs reset_line"},
      {"device = \"/dev/spidev0.0\"", "device = \"/dev/spidev0.0\", reset_line = \"GPIO17\"",
       "tapd.toml:11:",
       "line GPIO17 is used twice: as the meter of tap 1 and as the reader's reset of tap 1"},
      {"device = \"/dev/spidev0.0\"", "device = \"/dev/spidev0.0\", reset_line = 25",
       "tapd.toml:17:", "tap 1.reader.reset_line: must be a text in quotes"},
      {"[policy]", "[policy", "tapd.toml:8:", "is not TOML here"},
      {"largest_pour_ml = 500", "sell_offline = tru", "tapd.toml:9:", "saw 'tru\\n'"},
      {"largest_pour_ml = 500", "\"sell\\u001b[2J\" = 1",
       "tapd.toml:9:", "policy.sell\\x1b[2J: un"},
      {"valve = { line = \"GPIO22\", active = \"low\" }", "",
       "tapd.toml:11:", "tap 1.valve.line: is missing"},
      {"[controller]\nid = \"bar-1\"", "", "tapd.toml:1:", "controller.id: is missing"},
      {"[policy]", "[polcy]", "tapd.toml:8:", "polcy: unknown key; did you mean \"policy\"?"},
      {"[[tap]]", "[tap]", "tapd.toml:", ""},
  }));
  const std::string text = findings(replaced(good, bad.from, bad.to));
  CAPTURE(bad.to);
  CHECK_THAT(text, ContainsSubstring(bad.at) && ContainsSubstring(bad.says));
}

TEST_CASE("what a tap drives besides its valve is read as written", "[config]") {
  std::string text = replaced(good, "active = \"low\" }",
                              "active = \"low\", chip = \"pinctrl-rp1\", keep_alive_line = "
                              "\"GPIO23\", keep_alive_hz = 50 }\nindicator = { red = \"GPIO5\", "
                              "buzzer = \"GPIO6\", active = \"low\" }");
  text = replaced(text, "id = \"bar-1\"", "id = \"bar-1\"\nrequire_safe_kill = true");
  const Config config = parse_config(text, "tapd.toml");
  CHECK(config.require_safe_kill);
  const TapConfig& tap = config.taps[0];
  REQUIRE(tap.keep_alive);
  CHECK(tap.keep_alive->line.name == "GPIO23");
  CHECK(tap.keep_alive->line.chip == "pinctrl-rp1");
  CHECK_FALSE(tap.keep_alive->line.active_low);
  CHECK(tap.keep_alive->hz == 50);
  REQUIRE(tap.lamps[0]);
  CHECK(tap.lamps[0]->name == "GPIO5");
  CHECK(tap.lamps[0]->active_low);
  CHECK_FALSE(tap.lamps[1]);
  CHECK(tap.lamps[3]->name == "GPIO6");
  const Config plain = parse_config(good, "tapd.toml");
  CHECK_FALSE(plain.require_safe_kill);
  CHECK_FALSE(plain.taps[0].keep_alive);
}

TEST_CASE("what a tap drives is refused with what would be right", "[config]") {
  struct Bad {
    std::string valve_extra, says;
  };
  const Bad bad = GENERATE(values<Bad>({
      {", keep_alive_line = \"\" }", "keep_alive_line: is empty: leave the key out"},
      {", keep_alive_hz = 50 }", "keep_alive_hz: is of no use without keep_alive_line"},
      {", keep_alive_line = \"GPIO23\", keep_alive_hz = 1 }", "is 1, but must be 2 to 200"},
      {", keep_alive_line = \"GPIO23\", keep_alive_hz = 201 }", "is 201, but must be 2 to 200"},
      {", keep_alive_line = \"GPIO17\" }",
       "line GPIO17 is used twice: as the meter of tap 1 and as the keep-alive of tap 1"},
      {" }\nindicator = { red = \"GPIO17\" }", "as the lamp (red) of tap 1"},
      {" }\nindicator = { red = \"GPIO5\", blue = \"GPIO5\" }", "line GPIO5 is used twice"},
      {" }\nindicator = { yellow = \"GPIO5\" }", "tap 1.indicator.yellow: unknown key"},
      {" }\nindicator = { red = \"\" }", "indicator.red: is empty: leave the key out"},
      {" }\nindicator = { red = 5 }", "indicator.red: must be a text in quotes"},
      {" }\nindicator = { red = \"GPIO5\", active = \"lo\" }", "must be one of: high, low"},
  }));
  CAPTURE(bad.valve_extra);
  const std::string text =
      replaced(good, "active = \"low\" }", "active = \"low\"" + bad.valve_extra);
  CHECK_THAT(findings(text), ContainsSubstring("tapd.toml:1") && ContainsSubstring(bad.says));
}

TEST_CASE("two taps on one pin are refused, and both are named", "[config]") {
  CHECK_THAT(findings(std::string{good} +
                      "[[tap]]\nid = 3\nmeter = { line = \"GPIO17\", pulses_per_litre = 450 }\n"
                      "valve = { line = \"GPIO23\" }\nreader = { device = \"/dev/spidev0.1\" }\n"),
             ContainsSubstring(
                 "line GPIO17 is used twice: as the meter of tap 1 and as the meter of tap 3"));
}

// A name without a chip means any chip: it is the same pin, unless there are two of the name, which
// is refused when the lines are opened.
TEST_CASE("two taps on one pin are refused also when only one of them names the chip", "[config]") {
  CHECK_THAT(
      findings(std::string{good} +
               "[[tap]]\nid = 3\n"
               "meter = { line = \"GPIO22\", chip = \"pinctrl-rp1\", pulses_per_litre = 450 }\n"
               "valve = { line = \"GPIO23\" }\nreader = { device = \"/dev//spidev0.0\" }\n"),
      ContainsSubstring("line GPIO22 of pinctrl-rp1 is used twice: as the valve of tap 1 and as "
                        "the meter of tap 3") &&
          ContainsSubstring("reader /dev/spidev0.0 is used twice"));
  const std::string two_chips =
      replaced(replaced(good, "line = \"GPIO17\"", "line = \"GPIO4\", chip = \"one\""),
               "line = \"GPIO22\"", "line = \"GPIO4\", chip = \"other\"");
  CHECK(findings(two_chips).empty());
}

// Each passed, and the bar stood still or poured for nothing.
TEST_CASE("values that fit alone and not together are refused", "[config]") {
  struct Bad {
    std::string from, to, says;
  };
  const Bad bad = GENERATE(values<Bad>({
      {"mode = \"tap-to-start\"", "longest_tail_ms = 300\ntail_quiet_ms = 150",
       "longest_tail_ms: must be 200 ms more than tail_quiet_ms"},
      {"mode = \"tap-to-start\"", "longest_tail_ms = 100", "must be 300 to 6000"},
      {"pulses_per_litre = 450", "model = \"sf800\", shortest_interval_us = 2000",
       "shortest_interval_us: is 2000, but at 2030 Hz an edge comes sooner"},
      {"pulses_per_litre = 450",
       "pulses_per_litre = 5600, shortest_interval_us = 2000, most_ml_per_s = 100",
       "shortest_interval_us: is 2000, but at 100 ml/s (most_ml_per_s) an edge comes sooner"},
      {"[policy]", "[policy]\nlargest_pour_price = \"0\"", "must be more than nothing"},
      {"[[tap]]\nid = 1", "[[policy.serving_limit]]\nper_pour_ml = 30\n[[tap]]\nid = 1",
       "smallest_start_ml: is more than a serving_limit allows"},
  }));
  CAPTURE(bad.to);
  CHECK_THAT(findings(replaced(good, bad.from, bad.to)), ContainsSubstring(bad.says));
}

TEST_CASE("every finding of a file is told at once", "[config]") {
  std::string text = replaced(good, "id = \"bar-1\"", "id = 7");
  text = replaced(text, "id = 2", "id = 1000");
  text = replaced(text, "active = \"low\"", "activ = \"low\"");
  CHECK_THAT(findings(text), ContainsSubstring("controller.id") && ContainsSubstring("tap 2.id") &&
                                 ContainsSubstring("activ: unknown key"));
}

TEST_CASE("a file that cannot be read is named", "[config]") {
  CHECK_THROWS_WITH(read_config("/nowhere/tapd.toml"),
                    ContainsSubstring("/nowhere/tapd.toml") && ContainsSubstring("No such file"));
}

TEST_CASE("how the books are kept is read, with safe defaults", "[config]") {
  const Config usual = parse_config(good, "tapd.toml");
  CHECK(usual.storage.books.backup_file == usual.state_dir / "tapd.backup.db");
  CHECK(usual.storage.books.backup_interval == std::chrono::hours{6});
  CHECK(usual.storage.books.keep_confirmed == std::chrono::hours{24 * 90});
  CHECK_FALSE(usual.storage.start_empty_after_loss);
  CHECK(usual.storage.medium_blocks == 16'384);
  const Config set = parse_config(
      replaced(good, "[policy]",
               "[storage]\nbackup_file = \"/mnt/stick/tapd.db\"\nbackup_interval_hours = 0\n"
               "keep_confirmed_days = 7\nstart_empty_after_loss = true\nblock_kib = 4\n[policy]"),
      "tapd.toml");
  CHECK(set.storage.books.backup_file == "/mnt/stick/tapd.db");
  CHECK(set.storage.books.backup_interval == std::chrono::hours{0});
  CHECK(set.storage.books.keep_confirmed == std::chrono::hours{24 * 7});
  CHECK(set.storage.start_empty_after_loss);
  CHECK(set.storage.medium_blocks == 4'096);
}

TEST_CASE("impossible ways to keep the books are refused", "[config]") {
  const auto with = [](const std::string& line) {
    return findings(replaced(good, "[policy]", "[storage]\n" + line + "\n[policy]"));
  };
  CHECK_THAT(with("keep_confirmed_days = 0"), ContainsSubstring("keep_confirmed_days"));
  CHECK_THAT(with("backup_interval_hours = 169"), ContainsSubstring("backup_interval_hours"));
  for (const char* ledger : {"/var/lib/tapd/tapd.db", "/var/lib/tapd/./tapd.db",
                             "//var/lib//tapd/tapd.db", "/var/lib/tapd/../tapd/tapd.db"}) {
    CHECK_THAT(with(fmt::format("backup_file = \"{}\"", ledger)),
               ContainsSubstring("is the ledger itself"));
  }
  CHECK_THAT(with("backup_file = \"tapd.db\""), ContainsSubstring("whole path"));
  CHECK_THAT(with("backup_file = \"\""), ContainsSubstring("whole path"));
  CHECK_THAT(with("block_kib = 8"), ContainsSubstring("storage.block_kib: is 16"));
  CHECK_THAT(with("block_kib = 64"), ContainsSubstring("must be 4 to 16"));
  CHECK_THAT(with("start_empty_after_loss = 1"), ContainsSubstring("start_empty_after_loss"));
}

TEST_CASE("serving limits and what lifts them are read", "[config][serving]") {
  const Config usual = parse_config(good, "tapd.toml");
  CHECK(usual.policy.serving_limits.empty());
  CHECK(usual.policy.service_cards.empty());
  CHECK(usual.policy.lift_for == std::chrono::seconds{30});
  CHECK(usual.taps[0].rules.late_refusal == model::Volume::millilitres(30));
  const Config set =
      parse_config(replaced(good, "[policy]",
                            "[policy]\nservice_cards = [\"04AB7815CD6B80\"]\nlift_s = 60\n"
                            "late_refusal_ml = 0\n"
                            "serving_limit = [{styles = [\"lager\", \"ipa\"], per_pour_ml = 500,"
                            " window_ml = 1500, window_min = 120}, {per_pour_ml = 700}]\n"),
                   "tapd.toml");
  REQUIRE(set.policy.serving_limits.size() == 2);
  const ServingLimit& beer = set.policy.serving_limits.front();
  CHECK(beer.styles == std::vector<std::string>{"lager", "ipa"});
  CHECK(beer.per_pour == model::Volume::millilitres(500));
  CHECK(beer.in_window == model::Volume::millilitres(1'500));
  CHECK(beer.window == std::chrono::minutes{120});
  CHECK(set.policy.serving_limits.back().styles.empty());
  CHECK_FALSE(set.policy.serving_limits.back().in_window);
  REQUIRE(set.policy.service_cards.size() == 1);
  CHECK(set.policy.service_cards.front().text() == "04ab7815cd6b80");
  CHECK(usual.policy.staff_guests.empty());
  const Config staff = parse_config(
      replaced(good, "[policy]", "[policy]\nstaff_guests = [\"a-guest\", \"another\"]\n"),
      "tapd.toml");
  CHECK(staff.policy.staff_guests ==
        std::vector{model::GuestId{"a-guest"}, model::GuestId{"another"}});
  CHECK(set.policy.lift_for == std::chrono::seconds{60});
  CHECK(set.taps[1].rules.late_refusal == model::Volume{});
}

TEST_CASE("serving limits that limit nothing are refused", "[config][serving]") {
  struct Bad {
    std::string line, says;
  };
  const Bad bad = GENERATE(values<Bad>({
      {"serving_limit = [{}]", "per_pour_ml: is missing"},
      {"serving_limit = [{window_ml = 500}]", "window_min: is missing"},
      {"serving_limit = [{window_min = 60, per_pour_ml = 300}]", "window_ml: is missing"},
      {"serving_limit = [{per_pour_ml = 0}]", "per_pour_ml: is 0, but must be 10"},
      {"serving_limit = [{window_ml = 500, window_min = 1441}]", "must be 0 to 1440"},
      {"serving_limit = [{styles = [], per_pour_ml = 300}]", "must be a list of texts"},
      {"serving_limit = [{style = \"ipa\", per_pour_ml = 300}]", "style: unknown key"},
      {"service_cards = [\"no card\"]", "service_cards"},
      {"service_cards = \"04ab7815cd6b80\"", "must be a list of texts"},
      {"staff_guests = \"a-guest\"", "must be a list of texts"},
      {"staff_guests = [\"a-guest \"]", "staff_guests: \"a-guest \" has a blank in it"},
      {"staff_guests = [\"\"]", "staff_guests: must be a list of texts"},
      {"lift_s = 4", "lift_s: is 4, but must be 5 to 300"},
      {"late_refusal_ml = 1001", "late_refusal_ml: is 1001, but must be 0 to 1000"},
  }));
  CAPTURE(bad.line);
  CHECK_THAT(findings(replaced(good, "[policy]", "[policy]\n" + bad.line)),
             ContainsSubstring(bad.says));
}

}  // namespace tapd::test
