// The closing table in words and columns, from the verdict alone. Pure.
#pragma once

#include <string>
#include <vector>

#include "tests/demo/verdict.hpp"
#include "tests/demo/view.hpp"

namespace tapd::demo {

/// The table, the counts and the sentence at the end; none wider than picture_width columns, except
/// failures, which are whole.
[[nodiscard]] std::vector<std::string> closing_table(const Verdict& verdict, const Brush& brush);

}  // namespace tapd::demo
