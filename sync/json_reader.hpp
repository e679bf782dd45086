// Reads one JSON answer strictly: a Reader is a value in it together with the way to it, so that an
// error can name the field. Only the wire_*.cpp files include this (it brings in nlohmann). Reading
// throws Malformed, which `decoded` turns into a value at the edge of the wire.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include <nlohmann/json.hpp>

#include "sync/wire.hpp"

namespace tapd::sync {

/// Bounds of what is parsed at all: a Pi has little memory, and a JSON value costs more than its
/// bytes.
struct JsonLimits {
  std::size_t bytes;
  std::size_t values;  ///< Objects, lists and scalars together, counted before parsing.
};
inline constexpr std::size_t deepest_json = 32;
inline constexpr JsonLimits small_answer{1U << 20U, 50'000};
inline constexpr JsonLimits snapshot_answer{16U << 20U, 600'000};

/// Thrown inside the wire only.
class Malformed : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Parses or throws Malformed.
[[nodiscard]] nlohmann::json parse_bounded(std::string_view body, const JsonLimits& limits);

/// Any bytes as one line of printable ASCII, at most `most` characters, for messages.
[[nodiscard]] std::string printable(std::string_view text, std::size_t most = 120);

/// A value and where it stands. Each knows its whole way, so that a child may outlive its parent;
/// the document must outlive them all.
class Reader {
 public:
  explicit Reader(const nlohmann::json& root) : value_{&root} {}

  /// The field of an object; Malformed when this is no object or the field is missing.
  [[nodiscard]] Reader at(const char* name) const;
  /// The same; none when it is missing or null.
  [[nodiscard]] std::optional<Reader> maybe(const char* name) const;
  /// How many elements the list has; Malformed for anything but a list or past `most`.
  [[nodiscard]] std::size_t list_size(std::size_t most) const;
  [[nodiscard]] Reader element(std::size_t index) const;

  [[nodiscard]] std::int64_t integer(std::int64_t least, std::int64_t most) const;
  /// The same, but what is honest and larger than we count with is `most`: one rich guest or one
  /// large tank is no reason to refuse what is told of all the others.
  [[nodiscard]] std::int64_t integer_cut_to(std::int64_t least, std::int64_t most) const;
  /// Past this nobody meant what is told.
  static constexpr std::int64_t largest_said = 1'000'000'000'000;
  /// Minor units, either way, and millilitres: both cut to what we count with.
  [[nodiscard]] model::Money money() const;
  [[nodiscard]] model::Volume volume() const;
  [[nodiscard]] bool flag() const;
  /// Text as it is; longer than `most` bytes is malformed.
  [[nodiscard]] std::string text(std::size_t most) const;
  /// Text for people: control characters become blanks and it is cut to `most` bytes at a
  /// character, because a long name is no reason to refuse a snapshot.
  [[nodiscard]] std::string label(std::size_t most) const;
  /// A UUID in its canonical form, made lower-case.
  [[nodiscard]] std::string uuid() const;

  [[nodiscard]] const nlohmann::json& value() const { return *value_; }
  [[noreturn]] void fail(std::string_view why) const;

 private:
  struct Step {
    const char* name;  ///< None: an element of a list.
    std::size_t index;
  };
  /// No answer of the contract is deeper.
  static constexpr std::size_t longest_way = 6;

  [[nodiscard]] Reader child(const nlohmann::json& value, Step step) const;
  [[nodiscard]] std::string way() const;

  const nlohmann::json* value_;
  std::array<Step, longest_way> steps_{};
  std::size_t depth_{0};
};

/// A canonical UUID of either case.
[[nodiscard]] bool is_uuid(std::string_view text);

/// Parses `body` and lets `read(Reader)` make the value; whatever goes wrong becomes Unreadable.
template<typename T, typename Read>
[[nodiscard]] Decoded<T> decoded(const char* where, std::string_view body, const JsonLimits& limits,
                                 Read&& read) {
  try {
    const nlohmann::json root = parse_bounded(body, limits);
    return std::forward<Read>(read)(Reader{root});
  } catch (const std::exception& error) {
    return tl::make_unexpected(Unreadable{where, error.what()});
  }
}

}  // namespace tapd::sync
