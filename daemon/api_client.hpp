// Asks a running tapd over its Unix socket: for tapctl and for tests. Blocks; any thread, one call
// at a time per object.
#pragma once

#include <filesystem>
#include <string>

#include <tl/expected.hpp>

namespace tapd {

struct ApiAnswer {
  int status{0};
  std::string body;
};

class ApiClient {
 public:
  explicit ApiClient(std::filesystem::path socket);
  /// An error says why nobody answered and what to do. `path` begins with "/".
  [[nodiscard]] tl::expected<ApiAnswer, std::string> get(const std::string& path) const;
  [[nodiscard]] tl::expected<ApiAnswer, std::string> post(const std::string& path,
                                                          const std::string& body) const;

 private:
  [[nodiscard]] tl::expected<ApiAnswer, std::string> ask(const std::string& path,
                                                         const std::string* body) const;
  std::filesystem::path socket_;
};

}  // namespace tapd
