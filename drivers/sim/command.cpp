#include "drivers/sim/command.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <span>
#include <vector>

#include "drivers/sim/words.hpp"

namespace tapd::drivers::sim {
namespace {

constexpr std::int64_t most_number = 999;
constexpr double most_ml_per_s = 1'000;
constexpr double most_keg_ml = 1'000'000;
constexpr double most_noise_per_s = 50'000;

using Words = std::span<const std::string_view>;
template<typename Value>
using Parsed = tl::expected<Value, std::string>;
using Action = Parsed<CommandAction>;

Parsed<double> amount(std::string_view word, const char* what, double most) {
  const auto number = number_in<double>(word);
  if (number && *number >= 0 && *number <= most) return *number;
  return tl::unexpected(fmt::format("\"{}\" is not {} from 0 to {}", word, what, most));
}

std::optional<std::uint8_t> hex_digit(char letter) {
  if (letter >= '0' && letter <= '9') return static_cast<std::uint8_t>(letter - '0');
  if (letter >= 'a' && letter <= 'f') return static_cast<std::uint8_t>(letter - 'a' + 10);
  if (letter >= 'A' && letter <= 'F') return static_cast<std::uint8_t>(letter - 'A' + 10);
  return std::nullopt;
}

Parsed<Uid> uid_in(std::string_view word) {
  const auto wrong = [word] {
    return tl::unexpected(
        fmt::format("\"{}\" is not a card UID: that is 8, 14 or 20 hexadecimal digits", word));
  };
  if (word.size() != 8 && word.size() != 14 && word.size() != 20) return wrong();
  Uid uid;
  for (std::size_t i = 0; i < word.size(); i += 2) {
    const auto high = hex_digit(word[i]);
    const auto low = hex_digit(word[i + 1]);
    if (!high || !low) return wrong();
    uid.bytes.at(uid.size++) = static_cast<std::uint8_t>(*high * 16U + *low);
  }
  return uid;
}

/// For commands that choose between words.
struct Choice {
  std::string_view word;
  CommandAction action;
};

Action choose(std::string_view word, std::initializer_list<Choice> choices) {
  std::string known;
  for (const Choice& choice : choices) {
    if (choice.word == word) return choice.action;
    known += fmt::format("{}{}", known.empty() ? "" : ", ", choice.word);
  }
  return tl::unexpected(fmt::format("\"{}\" is none of: {}", word, known));
}

Action parse_card(Words words) {
  if (words[0] == "none") return LiftCards{};
  return uid_in(words[0]).map([](const Uid& uid) { return CommandAction{LayCard{uid}}; });
}

Action parse_two_cards(Words words) {
  const auto first = uid_in(words[0]);
  if (!first) return tl::unexpected(first.error());
  const auto second = uid_in(words[1]);
  if (!second) return tl::unexpected(second.error());
  if (*first == *second) return tl::unexpected(std::string{"two cards have two different UIDs"});
  return LayTwoCards{*first, *second};
}

Action parse_handle(Words words) {
  if (words[0] == "auto") return PullWithCard{};
  return amount(words[0], "a flow in ml/s", most_ml_per_s).map([](double flow) {
    return CommandAction{PullHandle{flow}};
  });
}

Action parse_keg(Words words) {
  return amount(words[0], "a content in ml", most_keg_ml).map([](double ml) {
    return CommandAction{ConnectKeg{ml}};
  });
}

Action parse_foam(Words words) {
  return choose(words[0], {{"on", Foam{true}}, {"off", Foam{false}}});
}

Action parse_leak(Words words) {
  return amount(words[0], "a flow in ml/s", most_ml_per_s).map([](double flow) {
    return CommandAction{Leak{flow}};
  });
}

Action parse_valve(Words words) {
  return choose(words[0], {{"ok", ValveCondition::ok},
                           {"stuck-open", ValveCondition::stuck_open},
                           {"stuck-shut", ValveCondition::stuck_shut}});
}

Action parse_flicker(Words words) {
  const auto silence = amount(words[0], "a share of silent looks", 1);
  if (!silence) return tl::unexpected(silence.error());
  const auto garble = words.size() > 1 ? amount(words[1], "a share of garbled looks", 1) : 0.0;
  if (!garble) return tl::unexpected(garble.error());
  if (*silence + *garble > 1) {
    return tl::unexpected(std::string{"the two shares are more than 1 together"});
  }
  return Flicker{*silence, *garble};
}

Action parse_meter(Words words) {
  if (words[0] != "noise") {
    if (words.size() > 1) return tl::unexpected(std::string{"only \"noise\" takes a number"});
    return choose(
        words[0],
        {{"ok", MeterCondition{}}, {"silent", MeterCondition{.silent = true}}, {"noise RATE", {}}});
  }
  if (words.size() < 2) return tl::unexpected(std::string{"\"noise\" needs pulses a second"});
  return amount(words[1], "a number of pulses a second", most_noise_per_s).map([](double rate) {
    return CommandAction{MeterCondition{.noise_per_s = rate}};
  });
}

Action parse_reader(Words words) {
  return choose(words[0], {{"ok", ReaderCondition::ok},
                           {"hang", ReaderCondition::hang},
                           {"bad-check", ReaderCondition::bad_check}});
}

struct Verb {
  std::string_view name;
  std::string_view usage;
  std::size_t least_words;  ///< After the tap's number.
  std::size_t most_words;
  Action (*parse)(Words);
};

constexpr std::array verbs{
    Verb{"card", "card TAP UID|none", 1, 1, parse_card},
    Verb{"two-cards", "two-cards TAP UID UID", 2, 2, parse_two_cards},
    Verb{"handle", "handle TAP ML_PER_S|auto", 1, 1, parse_handle},
    Verb{"keg", "keg TAP ML", 1, 1, parse_keg},
    Verb{"foam", "foam TAP on|off", 1, 1, parse_foam},
    Verb{"leak", "leak TAP ML_PER_S", 1, 1, parse_leak},
    Verb{"valve", "valve TAP ok|stuck-open|stuck-shut", 1, 1, parse_valve},
    Verb{"flicker", "flicker TAP SILENT_SHARE [GARBLED_SHARE]", 1, 2, parse_flicker},
    Verb{"meter", "meter TAP ok|silent|noise PULSES_PER_S", 1, 2, parse_meter},
    Verb{"reader", "reader TAP ok|hang|bad-check", 1, 1, parse_reader},
};

std::string usage_of_all() {
  std::string text;
  for (const Verb& verb : verbs) text += fmt::format("{}\n", verb.usage);
  return text;
}

std::string names_of_all() {
  std::string text;
  for (const Verb& verb : verbs) text += fmt::format("{}{}", text.empty() ? "" : ", ", verb.name);
  return text;
}

std::string hex(const Uid& uid) {
  std::string text;
  for (std::size_t i = 0; i < uid.size; ++i) text += fmt::format("{:02x}", uid.bytes.at(i));
  return text;
}

/// Verb and arguments of each action, for to_text.
struct Spell {
  using Parts = std::pair<std::string_view, std::string>;
  Parts operator()(const LayCard& lay) const { return {"card", hex(lay.uid)}; }
  Parts operator()(const LiftCards& /*lift*/) const { return {"card", "none"}; }
  Parts operator()(const LayTwoCards& two) const {
    return {"two-cards", fmt::format("{} {}", hex(two.first), hex(two.second))};
  }
  Parts operator()(const PullHandle& pull) const { return {"handle", number(pull.ml_per_s)}; }
  Parts operator()(const PullWithCard& /*pull*/) const { return {"handle", "auto"}; }
  Parts operator()(const ConnectKeg& keg) const { return {"keg", number(keg.ml)}; }
  Parts operator()(const Foam& foam) const { return {"foam", foam.on ? "on" : "off"}; }
  Parts operator()(const Leak& leak) const { return {"leak", number(leak.ml_per_s)}; }
  Parts operator()(ValveCondition valve) const {
    switch (valve) {
      case ValveCondition::stuck_open:
        return {"valve", "stuck-open"};
      case ValveCondition::stuck_shut:
        return {"valve", "stuck-shut"};
      case ValveCondition::ok:
        break;
    }
    return {"valve", "ok"};
  }
  Parts operator()(const Flicker& flicker) const {
    return {"flicker",
            fmt::format("{} {}", number(flicker.silence_rate), number(flicker.garble_rate))};
  }
  Parts operator()(const MeterCondition& meter) const {
    if (meter.silent) return {"meter", "silent"};
    if (meter.noise_per_s > 0) return {"meter", fmt::format("noise {}", number(meter.noise_per_s))};
    return {"meter", "ok"};
  }
  Parts operator()(ReaderCondition reader) const {
    switch (reader) {
      case ReaderCondition::hang:
        return {"reader", "hang"};
      case ReaderCondition::bad_check:
        return {"reader", "bad-check"};
      case ReaderCondition::ok:
        break;
    }
    return {"reader", "ok"};
  }
  /// The shortest text in plain notation that is read as the same number.
  static std::string number(double value) {
    constexpr std::size_t longest = 400;
    std::array<char, longest> text{};
    const auto written =
        std::to_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed);
    return {text.data(), written.ptr};
  }
};

}  // namespace

tl::expected<Command, std::string> parse_command(std::string_view line) {
  const std::vector<std::string_view> words = words_of(line);
  if (words.empty()) {
    return tl::unexpected(fmt::format("a command is missing: one of {}", names_of_all()));
  }
  const auto* const verb = std::find_if(verbs.begin(), verbs.end(),
                                        [&](const Verb& known) { return known.name == words[0]; });
  if (verb == verbs.end()) {
    return tl::unexpected(
        fmt::format("\"{}\" is no command; it is one of {}", words[0], names_of_all()));
  }
  const auto wrong = [verb](const std::string& what) {
    return tl::unexpected(fmt::format("{}; the command is: {}", what, verb->usage));
  };
  if (words.size() < 2 + verb->least_words) return wrong("something is missing");
  if (words.size() > 2 + verb->most_words) {
    return wrong(fmt::format("\"{}\" is too much", words[2 + verb->most_words]));
  }
  const auto tap = number_in<std::int64_t>(words[1]);
  if (!tap || *tap < 1 || *tap > most_number) {
    return wrong(fmt::format("\"{}\" is not a tap's number from 1 to {}", words[1], most_number));
  }
  const Action action = verb->parse(Words{words}.subspan(2));
  if (!action) return wrong(action.error());
  return Command{*tap, *action};
}

std::string to_text(const Command& command) {
  const auto [verb, arguments] = std::visit(Spell{}, command.action);
  return fmt::format("{} {} {}", verb, command.tap, arguments);
}

std::string_view command_usage() {
  static const std::string text = usage_of_all();
  return text;
}

}  // namespace tapd::drivers::sim
