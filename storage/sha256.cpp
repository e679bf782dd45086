#include "storage/sha256.hpp"

#include <array>
#include <iterator>
#include <stdexcept>

#include <fmt/format.h>
#include <openssl/evp.h>

namespace tapd::storage {

std::string sha256(std::string_view bytes) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  if (EVP_Digest(bytes.data(), bytes.size(), digest.data(), &size, EVP_sha256(), nullptr) != 1) {
    throw std::runtime_error{"SHA-256 is not available in this OpenSSL"};
  }
  std::string hex;
  for (std::size_t i = 0; i < size; ++i) {
    fmt::format_to(std::back_inserter(hex), "{:02x}", digest.at(i));
  }
  return hex;
}

}  // namespace tapd::storage
