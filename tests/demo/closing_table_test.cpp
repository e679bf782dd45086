#include "tests/demo/closing_table.hpp"

#include <catch2/catch_test_macros.hpp>

using namespace tapd::demo;

namespace {

Verdict a_verdict() {
  Verdict verdict;
  const Column tap{.tap = 1,
                   .pours = 3,
                   .cut_off = 1,
                   .ran_ul = 740'449,
                   .recorded_ml = 700,
                   .too_much_allowed_ul = 6'300,
                   .too_little_allowed_ul = 56'300,
                   .charged_here_cents = 728,
                   .charged_there_cents = 728};
  verdict.columns.assign(4, tap);
  verdict.columns.push_back(tap);
  verdict.columns.back().tap = 0;
  return verdict;
}

std::string text_of(const Verdict& verdict, const Brush& brush) {
  std::string text;
  for (const std::string& line : closing_table(verdict, brush)) text += line + "\n";
  return text;
}

}  // namespace

TEST_CASE("the closing table is as narrow as the picture", "[demo][table]") {
  for (const bool colour : {false, true}) {
    for (const std::string& line : closing_table(a_verdict(), {.utf8 = true, .colour = colour})) {
      CAPTURE(line);
      CHECK(columns(line) <= picture_width);
    }
  }
}

TEST_CASE("the closing table shows the figures of the verdict, exactly rounded", "[demo][table]") {
  const std::string text = text_of(a_verdict(), {});
  for (const char* figure :
       {" 740.4", " 700", " -40.4", " -5.46", " +6.3", " -56.3", " 7.28", " 0.00"}) {
    CAPTURE(figure, text);
    CHECK(text.find(figure) != std::string::npos);
  }
}

TEST_CASE("only books that agree are said to agree", "[demo][table]") {
  Verdict verdict = a_verdict();
  CHECK(text_of(verdict, {}).find("ALL BOOKS AGREE") != std::string::npos);
  verdict.failures = {"tap 1: a cent is missing"};
  const std::string text = text_of(verdict, {});
  CHECK(text.find("ALL BOOKS AGREE") == std::string::npos);
  CHECK(text.find("FAILED: tap 1: a cent is missing") != std::string::npos);
}
