// The journal's messages, their ids and the two catalogs that explain them.
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <string>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include "daemon/messages.hpp"
#include "daemon/repeats.hpp"

using tapd::Message;

namespace {

std::set<Message> all() {
  std::set<Message> messages;
  for (std::size_t i = 0; i < tapd::message_count; ++i) messages.insert(static_cast<Message>(i));
  return messages;
}

struct Entry {
  std::string name;  ///< The comment above it.
  std::string subject;
  std::size_t words{0};  ///< Characters of explanation.
};

/// A catalog's entries by id. The language stands in the file's name.
std::map<std::string, Entry> read_catalog(const std::string& file) {
  std::ifstream in{std::string{TAPD_CATALOGS} + "/" + file};
  REQUIRE(in);
  const std::regex head{"-- ([0-9a-f]{32})"};
  std::map<std::string, Entry> entries;
  std::string line;
  std::string name;
  Entry* now = nullptr;
  while (std::getline(in, line)) {
    std::smatch match;
    if (line.starts_with("# ")) {
      name = line.substr(2);
    } else if (std::regex_match(line, match, head)) {
      INFO(line);
      CHECK(!entries.contains(match[1]));
      now = &entries[match[1]];
      now->name = name;
    } else if (now != nullptr && line.starts_with("Subject: ")) {
      now->subject = line;
    } else if (now != nullptr && !line.starts_with("Defined-By") &&
               !line.starts_with("Documentation")) {
      now->words += line.size();
    }
  }
  return entries;
}

tapd::JournalLine denied(const std::string& text) {
  return {.message = Message::card_denied, .level = tapd::Level::warning, .text = text};
}

}  // namespace

TEST_CASE("every message has an id of its own, of 32 small hexadecimal digits", "[journal]") {
  std::set<std::string_view> ids;
  for (const Message message : all()) {
    const std::string_view id = message_id(message);
    INFO(to_text(message));
    CHECK(id.size() == 32);
    CHECK(id.find_first_not_of("0123456789abcdef") == std::string_view::npos);
    CHECK(ids.insert(id).second);
  }
}

TEST_CASE("both catalogs explain every message, and nothing else", "[journal]") {
  const std::string file = GENERATE("tapd.catalog", "tapd.ru.catalog");
  INFO(file);
  const auto entries = read_catalog(file);
  CHECK(entries.size() == tapd::message_count);
  for (const Message message : all()) {
    INFO(to_text(message));
    const auto found = entries.find(std::string{message_id(message)});
    REQUIRE(found != entries.end());
    CHECK(found->second.name == to_text(message));
    CHECK(!found->second.subject.empty());
    CHECK(found->second.words >= 20);
  }
}

TEST_CASE("what was said within a minute is held back, and counted in the next line", "[journal]") {
  tapd::Repeats repeats;
  const auto at = [](int seconds) { return tapd::model::SinceBoot{std::chrono::seconds{seconds}}; };
  CHECK(repeats.pass(denied("tap 1: no"), at(1)).has_value());
  CHECK(!repeats.pass(denied("tap 1: no"), at(2)).has_value());
  CHECK(!repeats.pass(denied("tap 1: no"), at(60)).has_value());
  CHECK(repeats.pass(denied("tap 2: no"), at(60)).has_value());
  const auto again = repeats.pass(denied("tap 1: no"), at(61));
  REQUIRE(again);
  CHECK(again->text == "tap 1: no (and 2 times more in the 60 s before)");
  CHECK(repeats.pass(denied("tap 1: no"), at(200))->text == "tap 1: no");
}

TEST_CASE("a line about a pour, a valve or a change is never held back", "[journal]") {
  tapd::Repeats repeats;
  const auto message =
      GENERATE(Message::pour_ended, Message::valve_opened, Message::tap_locked,
               Message::tap_unlocked, Message::server_unreachable, Message::server_reachable,
               Message::pour_failed, Message::fault_stuck_valve, Message::emergency_stop);
  for (int i = 0; i < 5; ++i) {
    CHECK(repeats.pass({.message = message, .text = "the same"}, {}).has_value());
  }
}

TEST_CASE("the memory of what was said is bounded", "[journal]") {
  tapd::Repeats repeats;
  for (std::size_t i = 0; i < tapd::Repeats::most_remembered + 10; ++i) {
    CHECK(repeats.pass(denied("text " + std::to_string(i)), tapd::model::SinceBoot{i}));
  }
  CHECK(repeats.pass(denied("text 0"), tapd::model::SinceBoot{1'000}));  // forgotten: said again
  CHECK(!repeats.pass(denied("text 200"), tapd::model::SinceBoot{1'000}));
}
