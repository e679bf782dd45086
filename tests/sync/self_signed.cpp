#include "tests/sync/self_signed.hpp"

#include <cstdio>
#include <stdexcept>

#include <openssl/pem.h>
#include <openssl/x509v3.h>

namespace tapd::sync::test {
namespace {

constexpr long hour = 3600;

void require(bool holds, const char* what) {
  if (!holds) throw std::runtime_error{what};
}

void add_extension(X509* certificate, int kind, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* const extension = X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str());
  require(extension != nullptr, "certificate extension");
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

}  // namespace

SelfSigned::SelfSigned(const std::string& ip_address, std::chrono::hours valid_for)
    : key_{EVP_EC_gen("P-256")}, certificate_{X509_new()} {
  require(key_ && certificate_, "key and certificate");
  X509* const certificate = certificate_.get();
  X509_set_version(certificate, X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate), -48 * hour);
  X509_gmtime_adj(X509_getm_notAfter(certificate),
                  static_cast<long>(std::chrono::seconds{valid_for}.count()));
  X509_set_pubkey(certificate, key_.get());
  X509_NAME* const name = X509_get_subject_name(certificate);
  const std::string text = "tapd test venue";
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(text.c_str()), -1, -1, 0);
  X509_set_issuer_name(certificate, name);
  add_extension(certificate, NID_basic_constraints, "critical,CA:TRUE");
  add_extension(certificate, NID_subject_alt_name, "IP:" + ip_address);
  require(X509_sign(certificate, key_.get(), EVP_sha256()) > 0, "certificate signature");
}

std::string SelfSigned::write(const std::filesystem::path& file) const {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> out{std::fopen(file.c_str(), "w"),
                                                            &std::fclose};
  require(out && PEM_write_X509(out.get(), certificate_.get()) == 1, "certificate file");
  return file.string();
}

std::string SelfSigned::write_key(const std::filesystem::path& file) const {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> out{std::fopen(file.c_str(), "w"),
                                                            &std::fclose};
  require(out && PEM_write_PrivateKey(out.get(), key_.get(), nullptr, nullptr, 0, nullptr,
                                      nullptr) == 1,
          "key file");
  return file.string();
}

}  // namespace tapd::sync::test
