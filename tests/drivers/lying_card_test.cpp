// A card that lies on the reader and that nobody has laid on.
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include "presence_table.hpp"

namespace tapd::drivers {
namespace {

using namespace test;

}  // namespace
}  // namespace tapd::drivers
