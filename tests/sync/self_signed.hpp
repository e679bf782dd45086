// A key and a certificate that signs itself, for a TLS server of a test.
#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>

#include <openssl/evp.h>
#include <openssl/x509.h>

namespace tapd::sync::test {

class SelfSigned {
 public:
  /// For a server at this IP address, valid from two days ago until `valid_for` from now.
  explicit SelfSigned(const std::string& ip_address,
                      std::chrono::hours valid_for = std::chrono::hours{24});

  [[nodiscard]] X509* certificate() const { return certificate_.get(); }
  [[nodiscard]] EVP_PKEY* key() const { return key_.get(); }
  /// Writes the certificate as PEM; answers the path.
  [[nodiscard]] std::string write(const std::filesystem::path& file) const;
  /// The same for the key.
  [[nodiscard]] std::string write_key(const std::filesystem::path& file) const;

 private:
  struct Free {
    void operator()(X509* certificate) const { X509_free(certificate); }
    void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  };
  std::unique_ptr<EVP_PKEY, Free> key_;
  std::unique_ptr<X509, Free> certificate_;
};

}  // namespace tapd::sync::test
