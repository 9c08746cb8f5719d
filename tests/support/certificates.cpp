#include "support/certificates.hpp"

#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <fstream>
#include <stdexcept>

namespace nodepool::test {
namespace {

template <auto release>
struct Releases {
  template <class Object>
  void operator()(Object* object) const noexcept {
    release(object);
  }
};
using Key = std::unique_ptr<EVP_PKEY, Releases<&EVP_PKEY_free>>;
using KeyMaker = std::unique_ptr<EVP_PKEY_CTX, Releases<&EVP_PKEY_CTX_free>>;
using Certificate = std::unique_ptr<X509, Releases<&X509_free>>;
using Extension = std::unique_ptr<X509_EXTENSION, Releases<&X509_EXTENSION_free>>;
using File = std::unique_ptr<std::FILE, Releases<&std::fclose>>;

void must(bool done, const char* what) {
  if (!done) throw std::runtime_error(std::string("no certificate for the test: ") + what);
}

Key make_key() {
  EVP_PKEY* key = nullptr;
  const KeyMaker maker(EVP_PKEY_CTX_new_id(EVP_PKEY_EC, nullptr));
  must(maker != nullptr && EVP_PKEY_keygen_init(maker.get()) == 1 &&
           EVP_PKEY_CTX_set_ec_paramgen_curve_nid(maker.get(), NID_X9_62_prime256v1) == 1 &&
           EVP_PKEY_keygen(maker.get(), &key) == 1,
       "its key");
  return Key(key);
}

void extend(X509* certificate, int kind, const std::string& value) {
  if (value.empty()) return;
  const Extension extension(X509V3_EXT_conf_nid(nullptr, nullptr, kind, value.c_str()));
  must(extension != nullptr && X509_add_ext(certificate, extension.get(), -1) == 1, value.c_str());
}

/// Seconds from now at which it begins and ends to be valid.
std::pair<long, long> span_of(CertificateAuthority::Validity validity) {
  constexpr long kDay = 86'400;
  switch (validity) {
    case CertificateAuthority::Validity::now:
      return {-kDay, kDay};
    case CertificateAuthority::Validity::over:
      return {-2 * kDay, -kDay};
    case CertificateAuthority::Validity::not_yet:
      return {kDay, 2 * kDay};
  }
  return {};
}

File open_file(const std::string& path) {
  File file(std::fopen(path.c_str(), "we"));
  must(file != nullptr, path.c_str());
  return file;
}

}  // namespace

struct CertificateAuthority::Native {
  Key key = make_key();
  Certificate certificate{X509_new()};

  /// Without a signature.
  Native(const std::string& name, long number, Validity validity) {
    X509* raw = certificate.get();
    const auto [begin, end] = span_of(validity);
    const auto* text = reinterpret_cast<const unsigned char*>(name.c_str());
    must(X509_set_version(raw, 2) == 1 && ASN1_INTEGER_set(X509_get_serialNumber(raw), number) == 1 &&
             X509_gmtime_adj(X509_getm_notBefore(raw), begin) != nullptr &&
             X509_gmtime_adj(X509_getm_notAfter(raw), end) != nullptr &&
             X509_NAME_add_entry_by_NID(X509_get_subject_name(raw), NID_commonName, MBSTRING_UTF8, text, -1,
                                        -1, 0) == 1 &&
             X509_set_pubkey(raw, key.get()) == 1,
         "its content");
  }
  void sign_by(const Native& issuer) const {
    must(X509_set_issuer_name(certificate.get(), X509_get_subject_name(issuer.certificate.get())) == 1 &&
             X509_sign(certificate.get(), issuer.key.get(), EVP_sha256()) > 0,
         "its signature");
  }
};

CertificateAuthority::CertificateAuthority(const std::string& name)
    : native_(std::make_unique<Native>(name, 1, Validity::now)) {
  extend(native_->certificate.get(), NID_basic_constraints, "critical,CA:TRUE");
  native_->sign_by(*native_);
  own_ = write(*native_);
}

CertificateAuthority::~CertificateAuthority() = default;

CertificateFiles CertificateAuthority::write(const Native& made) {
  const std::string stem = folder_.path() + "/" + std::to_string(++count_);
  const CertificateFiles files{stem + ".crt", stem + ".key"};
  must(PEM_write_X509(open_file(files.certificate).get(), made.certificate.get()) == 1, "its file");
  must(PEM_write_PrivateKey(open_file(files.key).get(), made.key.get(), nullptr, nullptr, 0, nullptr,
                            nullptr) == 1,
       "its key's file");
  return files;
}

CertificateFiles CertificateAuthority::issue(const std::string& hosts, Validity validity) {
  const Native made("a test", count_ + 1, validity);
  extend(made.certificate.get(), NID_subject_alt_name, hosts);
  made.sign_by(*native_);
  return write(made);
}

CertificateFiles CertificateAuthority::issue_self_signed(const std::string& hosts) {
  const Native made("a loner", count_ + 1, Validity::now);
  extend(made.certificate.get(), NID_subject_alt_name, hosts);
  made.sign_by(made);
  return write(made);
}

std::string CertificateAuthority::with_passphrase(const std::string& key_file) const {
  const File file(std::fopen(key_file.c_str(), "re"));
  must(file != nullptr, key_file.c_str());
  const Key key(PEM_read_PrivateKey(file.get(), nullptr, nullptr, nullptr));
  std::string phrase = "a passphrase";
  const std::string path = key_file + ".locked";
  must(key != nullptr && PEM_write_PrivateKey(open_file(path).get(), key.get(), EVP_aes_128_cbc(), nullptr, 0,
                                              nullptr, phrase.data()) == 1,
       "its locked key");
  return path;
}

}  // namespace nodepool::test
