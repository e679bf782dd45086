#include "daemon/toml_reader.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <sstream>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace tapd {
namespace {

/// How many letters must change to turn one word into the other (Levenshtein).
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t above = row[j];
      row[j] = std::min({above + 1, row[j - 1] + 1, diagonal + (a[i - 1] == b[j - 1] ? 0U : 1U)});
      diagonal = above;
    }
  }
  return row.back();
}

std::string_view kind_of(const toml::node& node) {
  switch (node.type()) {
    case toml::node_type::string:
      return "a text";
    case toml::node_type::integer:
      return "a whole number";
    case toml::node_type::floating_point:
      return "a number with decimals";
    case toml::node_type::boolean:
      return "true or false";
    case toml::node_type::array:
      return "a list";
    case toml::node_type::table:
      return "a table";
    case toml::node_type::date:
    case toml::node_type::time:
    case toml::node_type::date_time:
      return "a date or time";
    case toml::node_type::none:
      return "nothing";
  }
  return "something else";
}

/// One line without what would steer a terminal: what is cited from a file may hold anything.
std::string one_line(std::string_view text) {
  std::string line;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20U && byte != 0x7FU) {
      line += c;
    } else {
      line += c == '\n' ? "\\n" : fmt::format("\\x{:02x}", byte);
    }
  }
  return line;
}

}  // namespace

void Findings::add(const toml::source_region& where, std::string_view what) {
  lines_.push_back(fmt::format("{}:{}: {}", file_, where.begin.line, one_line(what)));
}

std::string Findings::text() const {
  return fmt::format("{}", fmt::join(lines_, "\n"));
}

TomlTable::TomlTable(const toml::table* table, std::string path, Findings& findings,
                     const toml::source_region& around)
    : table_{table},
      path_{std::move(path)},
      findings_{&findings},
      source_{table == nullptr ? around : table->source()} {}

const toml::node* TomlTable::node(std::string_view key) {
  known_.emplace_back(key);
  return table_ == nullptr ? nullptr : table_->get(key);
}

std::string TomlTable::called(std::string_view key) const {
  return path_.empty() ? std::string{key} : fmt::format("{}.{}", path_, key);
}

toml::source_region TomlTable::where(std::string_view key) const {
  const toml::node* found = table_ == nullptr || key.empty() ? nullptr : table_->get(key);
  return found == nullptr ? source_ : found->source();
}

void TomlTable::fault(std::string_view key, const std::string& what) {
  findings_->add(where(key), fmt::format("{}: {}", called(key), what));
}

void TomlTable::wrong_type(std::string_view key, const toml::node& node, std::string_view wanted) {
  fault(key, fmt::format("must be {}, but is {}", wanted, kind_of(node)));
}

std::optional<std::string> TomlTable::text(std::string_view key) {
  const toml::node* found = node(key);
  if (found == nullptr) return std::nullopt;
  if (const auto* value = found->as_string()) return value->get();
  wrong_type(key, *found, "a text in quotes");
  return std::nullopt;
}

std::string TomlTable::text(std::string_view key, std::string_view otherwise) {
  return text(key).value_or(std::string{otherwise});
}

std::string TomlTable::required_text(std::string_view key) {
  const bool there = table_ != nullptr && table_->get(key) != nullptr;
  const std::string value = text(key, "");
  if (!there) fault(key, "is missing");
  if (there && value.empty()) fault(key, "must not be empty");
  return value;
}

std::int64_t TomlTable::bounded(std::string_view key, std::int64_t value, Bounds bounds) {
  if (value >= bounds.least && value <= bounds.most) return value;
  fault(key, fmt::format("is {}, but must be {} to {}", value, bounds.least, bounds.most));
  return bounds.least;
}

std::int64_t TomlTable::whole(std::string_view key, std::int64_t otherwise, Bounds bounds) {
  const toml::node* found = node(key);
  if (found == nullptr) return otherwise;
  if (const auto* value = found->as_integer()) return bounded(key, value->get(), bounds);
  wrong_type(key, *found, "a whole number");
  return otherwise;
}

std::int64_t TomlTable::required_whole(std::string_view key, Bounds bounds) {
  if (table_ == nullptr || table_->get(key) == nullptr) fault(key, "is missing");
  return whole(key, bounds.least, bounds);
}

bool TomlTable::has(std::string_view key) const {
  return table_ != nullptr && table_->get(key) != nullptr;
}

std::int64_t TomlTable::thousandths(std::string_view key, std::int64_t otherwise, Bounds bounds) {
  const toml::node* found = node(key);
  if (found == nullptr) return otherwise;
  const auto value = found->value<double>();
  if (!value || !found->is_number()) {
    wrong_type(key, *found, "a number");
    return bounds.least;
  }
  const double least = static_cast<double>(bounds.least) / 1000;
  const double most = static_cast<double>(bounds.most) / 1000;
  if (!(*value >= least && *value <= most)) {  // also refuses nan
    fault(key, fmt::format("is {}, but must be {} to {}", *value, least, most));
    return bounds.least;
  }
  return std::llround(*value * 1000);
}

std::vector<std::array<std::int64_t, 2>> TomlTable::pairs_in_thousandths(std::string_view key) {
  constexpr double largest = 1e12;
  std::vector<std::array<std::int64_t, 2>> pairs;
  const toml::node* found = node(key);
  if (found == nullptr) return pairs;
  const auto wrong = [&] {
    fault(key, "must be a list of pairs of numbers, such as [[20, 5200], [100, 5450]]");
    return std::vector<std::array<std::int64_t, 2>>{};
  };
  const toml::array* list = found->as_array();
  if (list == nullptr) return wrong();
  for (const toml::node& entry : *list) {
    const toml::array* pair = entry.as_array();
    if (pair == nullptr || pair->size() != 2) return wrong();
    const auto first = pair->get(0)->value<double>();
    const auto second = pair->get(1)->value<double>();
    if (!first || !second || !(std::abs(*first) < largest) || !(std::abs(*second) < largest)) {
      return wrong();
    }
    pairs.push_back({std::llround(*first * 1000), std::llround(*second * 1000)});
  }
  return pairs;
}

bool TomlTable::flag(std::string_view key, bool otherwise) {
  const toml::node* found = node(key);
  if (found == nullptr) return otherwise;
  if (const auto* value = found->as_boolean()) return value->get();
  wrong_type(key, *found, "true or false");
  return otherwise;
}

std::size_t TomlTable::choice(std::string_view key, const std::vector<std::string_view>& words) {
  const auto value = text(key);
  if (!value) return 0;
  const auto found = std::find(words.begin(), words.end(), *value);
  if (found != words.end()) return static_cast<std::size_t>(found - words.begin());
  fault(key, fmt::format("is \"{}\", but must be one of: {}", *value, fmt::join(words, ", ")));
  return 0;
}

TomlTable TomlTable::table(std::string_view key) {
  const toml::node* found = node(key);
  const toml::table* inner = found == nullptr ? nullptr : found->as_table();
  if (found != nullptr && inner == nullptr) wrong_type(key, *found, "a table");
  return {inner, called(key), *findings_, source_};
}

std::vector<std::string> TomlTable::texts(std::string_view key) {
  std::vector<std::string> texts;
  const toml::node* found = node(key);
  if (found == nullptr) return texts;
  const toml::array* list = found->as_array();
  bool good = list != nullptr && !list->empty();
  if (good) {
    for (const toml::node& entry : *list) {
      texts.push_back(entry.value_exact<std::string>().value_or(""));
      good = good && !texts.back().empty();
    }
  }
  if (good) return texts;
  fault(key, "must be a list of texts, such as [\"one\", \"two\"]");
  return {};
}

std::vector<TomlTable> TomlTable::tables(std::string_view key) {
  std::vector<TomlTable> result;
  const toml::node* found = node(key);
  if (found == nullptr) return result;
  const toml::array* list = found->as_array();
  if (list == nullptr) {
    wrong_type(key, *found, fmt::format("written as [[{}]], once for each", key));
    return result;
  }
  for (const toml::node& entry : *list) {
    const std::string path = fmt::format("{} {}", key, result.size() + 1);
    if (entry.as_table() == nullptr) wrong_type(key, entry, "a table");
    result.emplace_back(entry.as_table(), path, *findings_, source_);
  }
  return result;
}

void TomlTable::refuse_unknown_keys() {
  if (table_ == nullptr) return;
  for (const auto& [key, value] : *table_) {
    const std::string_view name = key.str();
    if (std::find(known_.begin(), known_.end(), name) != known_.end()) continue;
    const auto nearest = std::min_element(
        known_.begin(), known_.end(),
        [&](const auto& a, const auto& b) { return distance(a, name) < distance(b, name); });
    const bool similar = nearest != known_.end() && distance(*nearest, name) <= 3;
    findings_->add(value.source(),
                   fmt::format("{}: unknown key{}", called(name),
                               similar ? fmt::format("; did you mean \"{}\"?", *nearest)
                                       : fmt::format("; known here: {}", fmt::join(known_, ", "))));
  }
}

}  // namespace tapd
