// What happened, in order: everything goes into a hash, by which two runs of one seed are compared,
// and, when asked for, onto the terminal as lines.
#pragma once

#include <cstdint>
#include <cstdio>
#include <string_view>

#include <fmt/format.h>

#include "agenda.hpp"

namespace tapd::simulation {

class Trace {
 public:
  Trace(const Agenda& agenda, bool prints) : agenda_{agenda}, prints_{prints} {}

  /// A line: what happened, in words.
  template<typename... Values>
  void say(fmt::format_string<Values...> words, Values&&... values) {
    text_.clear();
    fmt::format_to(std::back_inserter(text_), words, std::forward<Values>(values)...);
    take({text_.data(), text_.size()});
  }
  /// Something that is too frequent for a line.
  void count(std::uint64_t what) {
    mix(static_cast<std::uint64_t>(agenda_.now().count()));
    mix(what);
  }
  [[nodiscard]] std::uint64_t hash() const { return hash_; }

 private:
  void take(std::string_view line);
  void mix(std::uint64_t word) {
    hash_ = (hash_ ^ word) * 0x9FB21C651E98DF25U;
    hash_ ^= hash_ >> 35U;
  }

  const Agenda& agenda_;
  bool prints_;
  std::uint64_t hash_{0x9E3779B97F4A7C15U};
  fmt::memory_buffer text_;
};

/// "3d 17:04:12.550": how a time is written in traces and failures.
[[nodiscard]] std::string clock_text(Time time);

}  // namespace tapd::simulation
