// An integer in which no product of two 64-bit integers overflows, for tests that compare with
// exact arithmetic. 32-bit boards have no __int128; clang, which builds for them, has its own.
#pragma once

namespace tapd::test {

#ifdef __SIZEOF_INT128__
__extension__ using Wide = __int128;
#else
__extension__ using Wide = _BitInt(128);
#endif

}  // namespace tapd::test
