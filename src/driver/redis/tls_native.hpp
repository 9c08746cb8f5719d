#pragma once

#include <openssl/bio.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <memory>

#include "driver/redis/tls.hpp"

namespace nodepool::redis {

/// Frees what OpenSSL has made, by the function for it.
template <auto release>
struct Releases {
  template <class Object>
  void operator()(Object* object) const noexcept {
    release(object);
  }
};
using NativeContext = std::unique_ptr<SSL_CTX, Releases<&SSL_CTX_free>>;
using NativeStream = std::unique_ptr<SSL, Releases<&SSL_free>>;
using NativeMethod = std::unique_ptr<BIO_METHOD, Releases<&BIO_meth_free>>;
using NativeCertificate = std::unique_ptr<X509, Releases<&X509_free>>;

struct TlsContext::Native {
  NativeContext context;
  NativeMethod socket;  ///< How TLS reads from and writes to a socket of ours.
  TlsVerify verify = TlsVerify::full;
  bool has_certificate = false;
};

/// The socket under a stream, and what was seen of it.
struct Wire {
  int fd = -1;
  int error = 0;              ///< The system's, of what has failed.
  bool is_ended = false;      ///< The peer has closed.
  bool is_foreign = false;    ///< What came first is no TLS.
  bool has_received = false;  ///< Anything at all.
};

/// The method of BIOs whose data is a `Wire`. OpenSSL's own would raise SIGPIPE.
NativeMethod make_wire_method();

}  // namespace nodepool::redis
