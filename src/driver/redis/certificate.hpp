#pragma once

#include <openssl/x509.h>

#include <string>

namespace nodepool::redis {

/// Why a server's certificate was refused, for people: what is wrong with it and what to do. `error`:
/// OpenSSL's number; `certificate`: the one at fault, may be null; `host`: the one that was asked for. Text
/// from the certificate is shortened, and shown without control characters.
std::string describe_refusal(int error, X509* certificate, const std::string& host);

}  // namespace nodepool::redis
