#include "sync/json_reader.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <set>
#include <vector>

#include <fmt/format.h>

namespace tapd::sync {
namespace {

using nlohmann::json;

/// A first pass over the text that builds nothing: bounds depth and number of values before they
/// cost memory, and finds a key that appears twice in one object, where the library would silently
/// keep the last value. Its function names are the parser's.
class Survey final : public nlohmann::json_sax<json> {
 public:
  explicit Survey(std::size_t most_values) : most_values_{most_values} {}

  [[nodiscard]] const std::string& complaint() const { return complaint_; }

  bool null() override { return value(); }
  bool boolean(bool) override { return value(); }
  bool number_integer(number_integer_t) override { return value(); }
  bool number_unsigned(number_unsigned_t) override { return value(); }
  bool number_float(number_float_t, const string_t&) override { return value(); }
  bool string(string_t&) override { return value(); }
  bool binary(binary_t&) override { return value(); }
  bool start_object(std::size_t) override {
    keys_.emplace_back();
    return down();
  }
  bool end_object() override {
    keys_.pop_back();
    return up();
  }
  bool start_array(std::size_t) override { return down(); }
  bool end_array() override { return up(); }
  bool key(string_t& name) override {
    if (keys_.back().insert(std::move(name)).second) return true;
    return complain("an object has one key twice");
  }
  bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception&) override {
    return complain("not JSON");
  }

 private:
  bool complain(std::string what) {
    complaint_ = std::move(what);
    return false;
  }
  bool value() {
    if (++values_ <= most_values_) return true;
    return complain(fmt::format("more than {} values", most_values_));
  }
  bool down() {
    if (++depth_ <= deepest_json) return value();
    return complain(fmt::format("nested deeper than {} levels", deepest_json));
  }
  bool up() {
    --depth_;
    return true;
  }

  std::size_t most_values_;
  std::size_t values_{0};
  std::size_t depth_{0};
  std::vector<std::set<std::string>> keys_;
  std::string complaint_;
};

bool looks_like_html(std::string_view body) {
  const std::size_t start = body.find_first_not_of(" \t\r\n");
  return start != std::string_view::npos && body[start] == '<';
}

bool is_continuation(char c) {
  return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U;
}

}  // namespace

json parse_bounded(std::string_view body, const JsonLimits& limits) {
  if (body.empty()) throw Malformed{"the answer is empty"};
  if (body.size() > limits.bytes) {
    throw Malformed{fmt::format("{} bytes are more than {}", body.size(), limits.bytes)};
  }
  if (looks_like_html(body)) throw Malformed{"a web page instead of JSON"};
  Survey survey{limits.values};
  if (!json::sax_parse(body, &survey)) {
    throw Malformed{fmt::format("{}: \"{}\"", survey.complaint(), printable(body, 60))};
  }
  json root = json::parse(body, nullptr, false);
  if (root.is_discarded()) throw Malformed{"not JSON"};
  return root;
}

std::string printable(std::string_view text, std::size_t most) {
  std::string line;
  for (const char c : text) {
    if (line.size() >= most) break;
    line.push_back(c >= ' ' && c <= '~' ? c : (c == '\n' || c == '\t' || c == '\r' ? ' ' : '?'));
  }
  return line;
}

Reader Reader::at(const char* name) const {
  if (!value_->is_object()) fail("not an object");
  const auto found = value_->find(name);
  if (found == value_->end()) fail(fmt::format("\"{}\" is missing", name));
  return child(*found, {name, 0});
}

std::optional<Reader> Reader::maybe(const char* name) const {
  if (!value_->is_object()) fail("not an object");
  const auto found = value_->find(name);
  if (found == value_->end() || found->is_null()) return std::nullopt;
  return child(*found, {name, 0});
}

std::size_t Reader::list_size(std::size_t most) const {
  if (!value_->is_array()) fail("not a list");
  if (value_->size() > most) fail(fmt::format("{} entries, at most {}", value_->size(), most));
  return value_->size();
}

Reader Reader::element(std::size_t index) const {
  return child((*value_)[index], {nullptr, index});
}

std::int64_t Reader::integer(std::int64_t least, std::int64_t most) const {
  if (!value_->is_number_integer()) fail("not a whole number");
  // The library keeps what does not fit a signed integer as an unsigned one.
  const bool too_large = value_->is_number_unsigned() &&
                         value_->get<std::uint64_t>() > static_cast<std::uint64_t>(INT64_MAX);
  const std::int64_t number = too_large ? most : value_->get<std::int64_t>();
  if (too_large || number < least || number > most) {
    fail(fmt::format("{} is not between {} and {}", printable(value_->dump(), 24), least, most));
  }
  return number;
}

std::int64_t Reader::integer_cut_to(std::int64_t least, std::int64_t most) const {
  return std::min(integer(least, largest_said), most);
}

model::Money Reader::money() const {
  const std::int64_t most = model::largest_amount.minor_units();
  return model::Money{std::max(integer_cut_to(-largest_said, most), -most)};
}

model::Volume Reader::volume() const {
  return model::Volume::millilitres(integer_cut_to(0, model::Volume::largest().in_millilitres()));
}

bool Reader::flag() const {
  if (!value_->is_boolean()) fail("neither true nor false");
  return value_->get<bool>();
}

std::string Reader::text(std::size_t most) const {
  if (!value_->is_string()) fail("not a text");
  const auto& text = value_->get_ref<const std::string&>();
  if (text.size() > most) fail(fmt::format("a text of {} bytes, at most {}", text.size(), most));
  return text;
}

std::string Reader::label(std::size_t most) const {
  if (!value_->is_string()) fail("not a text");
  std::string text = value_->get<std::string>();
  if (text.size() > most) {
    std::size_t end = most;
    while (end > 0 && is_continuation(text[end])) --end;
    text.resize(end);
  }
  const auto is_control = [](unsigned char c) { return c < 0x20U || c == 0x7FU; };
  std::replace_if(text.begin(), text.end(), is_control, ' ');
  return text;
}

std::string Reader::uuid() const {
  constexpr std::size_t uuid_length = 36;
  std::string id = text(uuid_length);
  if (!is_uuid(id)) fail(fmt::format("\"{}\" is not a UUID", printable(id, uuid_length)));
  std::transform(id.begin(), id.end(), id.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return id;
}

Reader Reader::child(const nlohmann::json& value, Step step) const {
  if (depth_ == longest_way) throw std::logic_error{"tapd reads deeper than its way is long"};
  Reader child = *this;
  child.value_ = &value;
  child.steps_.at(child.depth_++) = step;
  return child;
}

std::string Reader::way() const {
  std::string way;
  for (std::size_t i = 0; i < depth_; ++i) {
    const Step& step = steps_.at(i);
    if (step.name == nullptr) {
      way += fmt::format("[{}]", step.index);
    } else {
      way += fmt::format("{}{}", way.empty() ? "" : ".", step.name);
    }
  }
  return way;
}

void Reader::fail(std::string_view why) const {
  std::string message = way();
  if (!message.empty()) message += ": ";
  throw Malformed{message.append(why)};
}

bool is_uuid(std::string_view text) {
  constexpr std::string_view form = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
  return std::equal(text.begin(), text.end(), form.begin(), form.end(), [](char c, char like) {
    return like == '-' ? c == '-' : std::isxdigit(static_cast<unsigned char>(c)) != 0;
  });
}

}  // namespace tapd::sync
