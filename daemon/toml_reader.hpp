// Reads one table of a TOML file and remembers which keys were asked for, so that the ones nobody
// asked for can be refused with the nearest key that exists. Findings are collected, not thrown.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <toml++/toml.h>

namespace tapd {

/// What was found wrong in a file, in reading order.
class Findings {
 public:
  explicit Findings(std::string file) : file_{std::move(file)} {}
  /// Adds "file:line: what" as one line, whatever `what` cites.
  void add(const toml::source_region& where, std::string_view what);
  [[nodiscard]] bool empty() const { return lines_.empty(); }
  [[nodiscard]] std::string text() const;

 private:
  std::string file_;
  std::vector<std::string> lines_;
};

/// A whole number's bounds, both included.
struct Bounds {
  std::int64_t least{0};
  std::int64_t most{0};
};

class TomlTable {
 public:
  /// `path` is what the table is called in messages ("server", "tap 2"). `table` may be null: a
  /// missing table is read as an empty one where the table `around` it stands.
  TomlTable(const toml::table* table, std::string path, Findings& findings,
            const toml::source_region& around = {});

  [[nodiscard]] std::optional<std::string> text(std::string_view key);
  [[nodiscard]] std::string text(std::string_view key, std::string_view otherwise);
  /// Finds fault when the key is missing.
  [[nodiscard]] std::string required_text(std::string_view key);
  [[nodiscard]] std::int64_t whole(std::string_view key, std::int64_t otherwise, Bounds bounds);
  [[nodiscard]] std::int64_t required_whole(std::string_view key, Bounds bounds);
  /// Written in the file.
  [[nodiscard]] bool has(std::string_view key) const;
  /// A number with up to three decimals, in thousandths.
  [[nodiscard]] std::int64_t thousandths(std::string_view key, std::int64_t otherwise,
                                         Bounds bounds);
  /// A list of pairs, [[1.5, 20], [2, 30]], in thousandths; a pair that is none is a finding.
  [[nodiscard]] std::vector<std::array<std::int64_t, 2>> pairs_in_thousandths(std::string_view key);
  /// A list of texts, ["a", "b"]; one that is empty or none is a finding.
  [[nodiscard]] std::vector<std::string> texts(std::string_view key);
  [[nodiscard]] bool flag(std::string_view key, bool otherwise);
  /// One of `words`; the first is the default.
  [[nodiscard]] std::size_t choice(std::string_view key,
                                   const std::vector<std::string_view>& words);
  [[nodiscard]] TomlTable table(std::string_view key);
  [[nodiscard]] std::vector<TomlTable> tables(std::string_view key);

  /// The line of a key, or of the table.
  [[nodiscard]] toml::source_region where(std::string_view key = {}) const;
  void fault(std::string_view key, const std::string& what);
  /// Refuses every key that was not asked for. Call last.
  void refuse_unknown_keys();

 private:
  [[nodiscard]] const toml::node* node(std::string_view key);
  [[nodiscard]] std::string called(std::string_view key) const;
  void wrong_type(std::string_view key, const toml::node& node, std::string_view wanted);
  [[nodiscard]] std::int64_t bounded(std::string_view key, std::int64_t value, Bounds bounds);

  const toml::table* table_;
  std::string path_;
  Findings* findings_;
  toml::source_region source_;
  std::vector<std::string> known_;
};

}  // namespace tapd
