#pragma once

#include <memory>
#include <string>

#include "support/process.hpp"

namespace nodepool::test {

/// Two files in PEM form.
struct CertificateFiles {
  std::string certificate;
  std::string key;
};

/// An authority of this test's own, whose certificates and keys (P-256) lie in a temporary folder as long as
/// it lives. Throws std::runtime_error if something cannot be made.
class CertificateAuthority {
 public:
  enum class Validity { now, over, not_yet };

  explicit CertificateAuthority(const std::string& name);
  ~CertificateAuthority();
  CertificateAuthority(const CertificateAuthority&) = delete;
  CertificateAuthority& operator=(const CertificateAuthority&) = delete;

  /// The authority's own certificate.
  [[nodiscard]] const std::string& file() const noexcept { return own_.certificate; }
  /// A new certificate for such hosts, as "DNS:localhost,IP:127.0.0.1"; empty: for a client.
  [[nodiscard]] CertificateFiles issue(const std::string& hosts, Validity validity = Validity::now);
  /// One that nobody but its own key has signed.
  [[nodiscard]] CertificateFiles issue_self_signed(const std::string& hosts);
  /// The same key, but with a passphrase.
  [[nodiscard]] std::string with_passphrase(const std::string& key_file) const;

 private:
  struct Native;
  [[nodiscard]] CertificateFiles write(const Native& made);

  TemporaryFolder folder_;
  std::unique_ptr<Native> native_;
  int count_ = 0;  ///< Of certificates made.
  CertificateFiles own_;
};

}  // namespace nodepool::test
