// The conformance kit: asks a venue server everything that tapd asks, rightly and wrongly, and says
// for each rule of the wire contract what was seen. It works on one card of a guest with money at
// one tap, books a few small pours on it and leaves no lock behind. Answers are read with tapd's
// own decoders: what they refuse, tapd refuses in the field. The program is a command line around
// it; its tests put a server with planted faults behind `Call`.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace tapd::conformance {

struct Answer {
  int status{0};  ///< 0: none; `body` says why.
  std::string body;
  std::map<std::string, std::string> headers;  ///< Names in lower case.
};
struct Question {
  bool post{true};
  std::string path;
  std::string body;
  std::map<std::string, std::string> headers;
};
/// Carries one question to the server.
using Call = std::function<Answer(const Question&)>;

/// What the server's vendor has prepared.
struct Bench {
  std::string token;
  std::string card_uid;  ///< Of an active guest with at least 10.00, in lower case.
  std::int32_t tap_id{1};
  std::int32_t other_tap_id{2};
  std::string run_id;  ///< Makes the ids of this run unlike those of every other, 8 hex digits.
};

enum class Verdict : std::uint8_t {
  ok,
  differs,  ///< Not as the contract wants it; tapd has a way around, which the remark names.
  failed,
};

struct Finding {
  std::string rule;
  std::string seen;
  Verdict verdict{Verdict::ok};
  std::string remark;  ///< What tapd does about it, or what to mend.
};

[[nodiscard]] std::vector<Finding> examine(const Call& call, const Bench& bench);

/// The findings as a table, with a sum below.
[[nodiscard]] std::string table_of(const std::vector<Finding>& findings);
/// No rule failed.
[[nodiscard]] bool passes(const std::vector<Finding>& findings);

}  // namespace tapd::conformance
