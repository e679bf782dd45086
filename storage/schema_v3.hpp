// Version 3 of the schema: a pour stands in the index of the chain only once it has its place
// there. Before, an open pour stood there without a number, far from the last one: in a ledger of
// many pours each beginning and each end wrote one page more than in an empty one.
#pragma once

#include <string>

namespace tapd::storage {

[[nodiscard]] std::string schema_v3_up();
[[nodiscard]] std::string schema_v3_down();

}  // namespace tapd::storage
