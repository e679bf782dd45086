// All that is known of the evening at one moment, as the parts last told it, and how it is painted.
// The director keeps it; painting is pure.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "tests/demo/answers.hpp"
#include "tests/demo/cast.hpp"
#include "tests/demo/guest.hpp"
#include "tests/demo/story.hpp"
#include "tests/demo/view.hpp"

namespace tapd::demo {

struct Evening {
  Cast cast{};
  std::chrono::milliseconds elapsed{};
  Scene scene{};
  std::size_t scene_number{0};  ///< From 1.
  std::size_t scenes{0};
  std::vector<Guest> guests{};
  std::vector<EventLine> events{};
  Status status{};  ///< The last that tapd told, also when it is dead.
  bool tapd_up{false};
  bool server_up{false};
  std::int64_t booked_pours{0};  ///< As PostgreSQL counts them.
  std::int64_t booked_cents{0};
  std::map<std::string, PourRecord> pours{};        ///< Finished ones by id, as last told.
  std::map<std::int64_t, std::string> last_pour{};  ///< Tap to id.

  [[nodiscard]] const TapStatus* tap(std::int64_t number) const;
};

[[nodiscard]] Picture paint(const Evening& evening);

/// "Ann, 302 ml, 3.92, receipt 7K3F2Q1A".
[[nodiscard]] std::string in_words(const PourRecord& pour, const Cast& cast);

}  // namespace tapd::demo
