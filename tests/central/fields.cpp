#include "tests/central/fields.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <limits>
#include <nlohmann/json.hpp>

namespace tapd::central {
namespace {

using nlohmann::json;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_lower_hex(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'f');
}
bool is_control(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
}
char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

/// True when `text` looks like `pattern`, where 9 stands for any digit.
bool looks_like(std::string_view text, std::string_view pattern) {
  return std::ranges::equal(
      text, pattern, [](char c, char wanted) { return wanted == '9' ? is_digit(c) : c == wanted; });
}

int number(std::string_view digits) {
  int value = 0;
  for (const char c : digits) value = value * 10 + (c - '0');
  return value;
}

}  // namespace

Fields::Fields(const json& object) : object_{object} {
  if (!object.is_object()) faults_.push_back({.field = "", .message = "must be an object"});
}

const json* Fields::find(const char* name) const {
  if (!object_.is_object()) return nullptr;
  const auto found = object_.find(name);
  return found == object_.end() || found->is_null() ? nullptr : &*found;
}

const json* Fields::need(const char* name) {
  const json* const value = find(name);
  if (value == nullptr && object_.is_object()) complain(name, "is missing");
  return value;
}

void Fields::complain(const char* name, const std::string& message) {
  faults_.push_back({.field = name, .message = message});
}

std::string Fields::text(const char* name, Length length) {
  if (need(name) == nullptr) return {};
  return optional_text(name, length).value_or("");
}

std::optional<std::string> Fields::optional_text(const char* name, Length length) {
  const json* const value = find(name);
  if (value == nullptr) return std::nullopt;
  const auto* const text = value->get_ptr<const json::string_t*>();
  if (text == nullptr || text->size() < length.shortest || text->size() > length.longest) {
    complain(name,
             fmt::format("must be a text of {} to {} bytes", length.shortest, length.longest));
    return std::nullopt;
  }
  if (std::ranges::any_of(*text, is_control)) {
    complain(name, "must not contain control characters");
    return std::nullopt;
  }
  return *text;
}

std::int64_t Fields::integer(const char* name, Range range) {
  if (need(name) == nullptr) return 0;
  return optional_integer(name, range).value_or(0);
}

std::optional<std::int64_t> Fields::optional_integer(const char* name, Range range) {
  const json* const value = find(name);
  if (value == nullptr) return std::nullopt;
  // A number past 63 bits would wrap around in the conversion.
  const bool fits = value->is_number_integer() &&
                    !(value->is_number_unsigned() &&
                      value->get<std::uint64_t>() > std::uint64_t{int64_not_negative.largest});
  const std::int64_t number = fits ? value->get<std::int64_t>() : 0;
  if (!fits || number < range.smallest || number > range.largest) {
    complain(name,
             fmt::format("must be a whole number from {} to {}", range.smallest, range.largest));
    return std::nullopt;
  }
  return number;
}

bool Fields::boolean(const char* name) {
  const json* const value = need(name);
  if (value == nullptr) return false;
  if (!value->is_boolean()) {
    complain(name, "must be true or false");
    return false;
  }
  return value->get<bool>();
}

std::optional<std::string> Fields::optional_uuid(const char* name) {
  auto text = optional_text(name, {.shortest = 0, .longest = 100});
  if (!text) return std::nullopt;
  std::ranges::transform(*text, text->begin(), lower);
  if (!is_uuid(*text)) {
    complain(name, "must be a UUID");
    return std::nullopt;
  }
  return text;
}

std::string Fields::card_uid(const char* name) {
  std::string uid = text(name, {.shortest = 8, .longest = 20});
  if (uid.size() % 2 != 0 || !std::ranges::all_of(uid, is_lower_hex)) {
    complain(name, "must be lower-case hex digits in pairs");
  }
  return uid;
}

std::string Fields::summary() const {
  std::string line;
  for (const auto& [field, message] : faults_) {
    if (!line.empty()) line += "; ";
    if (!field.empty()) line.append(field).append(": ");
    line += message;
  }
  return line;
}

std::optional<json> parse_body(const std::string& body) {
  json parsed = json::parse(body, nullptr, false);
  if (parsed.is_discarded()) return std::nullopt;
  return parsed;
}

bool is_uuid(std::string_view text) {
  constexpr std::string_view shape = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
  return std::ranges::equal(text, shape, [](char c, char wanted) {
    return wanted == 'x' ? is_lower_hex(c) : c == wanted;
  });
}

bool is_utc_time(std::string_view text) {
  constexpr std::string_view shape = "9999-99-99T99:99:99";
  if (text.size() <= shape.size() || !text.ends_with('Z')) return false;
  if (!looks_like(text.substr(0, shape.size()), shape)) return false;
  const std::string_view fraction = text.substr(shape.size(), text.size() - shape.size() - 1);
  constexpr std::string_view longest_fraction = ".999999";
  if (fraction.size() == 1 || fraction.size() > longest_fraction.size()) return false;
  if (!looks_like(fraction, longest_fraction.substr(0, fraction.size()))) return false;
  const std::chrono::year_month_day date{
      std::chrono::year{number(text.substr(0, 4))},
      std::chrono::month{static_cast<unsigned>(number(text.substr(5, 2)))},
      std::chrono::day{static_cast<unsigned>(number(text.substr(8, 2)))}};
  return date.ok() && number(text.substr(0, 4)) >= 1970 && number(text.substr(11, 2)) < 24 &&
         number(text.substr(14, 2)) < 60 && number(text.substr(17, 2)) < 60;
}

}  // namespace tapd::central
