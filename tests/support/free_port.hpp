// Finds a TCP port on the loopback address that nobody listens on. For servers that cannot pick a
// port themselves, or that must come back on the same one after a restart. The port is free at the
// moment of the answer, not reserved: who uses it must be ready to find it taken.
#pragma once

namespace tapd::test {

/// A port from the kernel's range for short-lived ports, free on 127.0.0.1 a moment ago. Throws
/// std::system_error when there is none.
[[nodiscard]] int free_port();

}  // namespace tapd::test
