// Reads the fields of a JSON object that came from outside and collects what is wrong with them,
// instead of stopping at the first wrong one. Used for every body and every pour row. A field that
// is wrong reads as an empty or zero value, which nobody may use before looking at faults().
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/central/reply.hpp"

namespace tapd::central {

/// The limits of an integer field, both included.
struct Range {
  std::int64_t smallest{0};
  std::int64_t largest{0};
};
inline constexpr Range int32_not_negative{0, 2'147'483'647};
inline constexpr Range int64_not_negative{0, 9'223'372'036'854'775'807};
/// tap_id: the number painted on the tap.
inline constexpr Range tap_numbers{1, 999};

/// The limits of a text field in bytes, both included.
struct Length {
  std::size_t shortest{0};
  std::size_t longest{0};
};

/// The fields of one object. `null` counts as not there. Texts hold no control characters.
class Fields {
 public:
  /// Anything but an object is a fault, and then every field is missing. Keeps a reference.
  explicit Fields(const nlohmann::json& object);

  std::string text(const char* name, Length length);
  std::optional<std::string> optional_text(const char* name, Length length);
  /// Whole numbers only: 3.0 and "3" are faults.
  std::int64_t integer(const char* name, Range range);
  std::optional<std::int64_t> optional_integer(const char* name, Range range);
  bool boolean(const char* name);
  /// A UUID in its canonical form, in lower case whatever it was.
  std::optional<std::string> optional_uuid(const char* name);
  /// A UID: lower-case hex digits in pairs, 4 to 10 bytes (contract, section 1).
  std::string card_uid(const char* name);

  /// Notes a fault that the caller found.
  void complain(const char* name, const std::string& message);
  [[nodiscard]] const std::vector<Fault>& faults() const { return faults_; }
  [[nodiscard]] bool good() const { return faults_.empty(); }
  /// All faults in one line: "volume_ml: must be ...; tap_id: is missing".
  [[nodiscard]] std::string summary() const;

 private:
  [[nodiscard]] const nlohmann::json* find(const char* name) const;
  const nlohmann::json* need(const char* name);

  const nlohmann::json& object_;
  std::vector<Fault> faults_;
};

/// The body as JSON, or nothing when it is none (not UTF-8, cut off, trailing text).
[[nodiscard]] std::optional<nlohmann::json> parse_body(const std::string& body);

[[nodiscard]] bool is_uuid(std::string_view text);

/// "2026-11-21T10:00:00.000Z": a real date and time, UTC, up to six decimals or none.
[[nodiscard]] bool is_utc_time(std::string_view text);

}  // namespace tapd::central
