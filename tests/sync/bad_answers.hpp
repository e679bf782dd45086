// Answers of a venue server, good ones and every way to spoil them: each field missing, of another
// type, absurdly large, negative, a text that looks like a number, nested without end, not UTF-8.
// The tables of bad_answers_test run over them, and the fuzzer starts from them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace tapd::sync::test {

/// A whole answer with every field of the contract.
struct GoodAnswer {
  std::string endpoint;
  std::string body;
};
[[nodiscard]] std::vector<GoodAnswer> good_answers();

/// A spoilt answer; `how` is for the message of a failed test.
struct BadAnswer {
  std::string how;
  std::string body;
};
/// Every value of the answer replaced by every bad one, and left out.
[[nodiscard]] std::vector<BadAnswer> spoilt_fields(const std::string& body);
/// Bodies that are no answer of any endpoint: portals, cut and endless JSON, bytes.
[[nodiscard]] std::vector<BadAnswer> not_answers();

/// Reads the body as an answer of the endpoint. What is wrong with the outcome, not with the body:
/// an error that names neither endpoint nor reason, or a value past the limits of the books. Empty:
/// nothing.
[[nodiscard]] std::string wrong_reading(const std::string& endpoint, std::string_view body);
/// Whether the body is read as an answer.
[[nodiscard]] bool is_readable(const std::string& endpoint, std::string_view body);

}  // namespace tapd::sync::test
