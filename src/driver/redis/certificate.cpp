#include "driver/redis/certificate.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <openssl/asn1.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <memory>
#include <string_view>
#include <vector>

namespace nodepool::redis {
namespace {

constexpr std::size_t kLongestText = 100;
constexpr int kMostNames = 8;

std::string_view text_of(const ASN1_STRING* string) {
  const auto size = static_cast<std::size_t>(std::max(ASN1_STRING_length(string), 0));
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(string)), size};
}

/// The text comes from whoever has answered.
std::string printable_name(std::string_view text) {
  std::string shown(text.substr(0, kLongestText));
  std::ranges::replace_if(
      shown, [](char byte) { return byte < ' ' || byte > '~'; }, '?');
  return shown;
}

std::string common_name(const X509_NAME* name) {
  const int at = name == nullptr ? -1 : X509_NAME_get_index_by_NID(name, NID_commonName, -1);
  if (at < 0) return {};
  return printable_name(text_of(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at))));
}

std::string address_of(std::string_view bytes) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const int family = bytes.size() == sizeof(in_addr) ? AF_INET : AF_INET6;
  if (family == AF_INET6 && bytes.size() != sizeof(in6_addr)) return "?";
  return ::inet_ntop(family, bytes.data(), text.data(), text.size()) == nullptr ? "?" : text.data();
}

/// Whom the certificate is for: "'redis.example', '10.0.0.1'".
std::string names_of(const X509* certificate) {
  std::vector<std::string> names;
  const auto release = [](GENERAL_NAMES* list) { GENERAL_NAMES_free(list); };
  const std::unique_ptr<GENERAL_NAMES, decltype(release)> found(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)),
      release);
  const int count = found == nullptr ? 0 : sk_GENERAL_NAME_num(found.get());
  for (int index = 0; index < std::min(count, kMostNames); ++index) {
    int type = 0;
    const void* value = GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(found.get(), index), &type);
    const auto* text = static_cast<const ASN1_STRING*>(value);
    if (type == GEN_DNS) names.push_back(fmt::format("'{}'", printable_name(text_of(text))));
    if (type == GEN_IPADD) names.push_back(fmt::format("'{}'", address_of(text_of(text))));
  }
  if (count > kMostNames) names.emplace_back("...");
  const std::string name = names.empty() ? common_name(X509_get_subject_name(certificate)) : std::string();
  if (!name.empty()) names.push_back(fmt::format("'{}'", name));
  return names.empty() ? "nobody" : fmt::format("{}", fmt::join(names, ", "));
}

std::string date_of(const ASN1_TIME* time) {
  std::tm date{};
  if (time == nullptr || ASN1_TIME_to_tm(time, &date) != 1) return "an unreadable date";
  return fmt::format("{:04}-{:02}-{:02} {:02}:{:02} UTC", date.tm_year + 1900, date.tm_mon + 1, date.tm_mday,
                     date.tm_hour, date.tm_min);
}

}  // namespace

std::string describe_refusal(int error, X509* certificate, const std::string& host) {
  if (certificate == nullptr) return "it shows no certificate";
  switch (error) {
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return fmt::format(
          "its certificate is for another host: asked for '{}', it names {}; ask for it by a name of its "
          "certificate, or give it a certificate with this one",
          host, names_of(certificate));
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return fmt::format(
          "its certificate, or one above it, for {}, has expired on {}: it needs a new one (or this "
          "machine's clock is wrong)",
          names_of(certificate), date_of(X509_get0_notAfter(certificate)));
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return fmt::format(
          "its certificate, or one above it, for {}, is not valid before {}: is this machine's clock right?",
          names_of(certificate), date_of(X509_get0_notBefore(certificate)));
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
      return fmt::format(
          "its certificate, for {}, is signed by itself and not known here: give it with ca=FILE",
          names_of(certificate));
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
      return fmt::format(
          "its certificate comes from an authority that is not trusted here, '{}': give its CA with ca=FILE",
          common_name(X509_get_issuer_name(certificate)));
  }
  return fmt::format("its certificate, for {}, was refused: {}", names_of(certificate),
                     X509_verify_cert_error_string(error));
}

}  // namespace nodepool::redis
