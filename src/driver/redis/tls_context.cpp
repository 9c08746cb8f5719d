#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <sys/socket.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include "driver/redis/tls_native.hpp"

namespace nodepool::redis {
namespace {

Wire& wire_of(BIO* bio) {
  return *static_cast<Wire*>(BIO_get_data(bio));
}

bool may_go_on(int error) {
  return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
}

int write_wire(BIO* bio, const char* bytes, int size) {
  Wire& wire = wire_of(bio);
  BIO_clear_retry_flags(bio);
  const auto sent = ::send(wire.fd, bytes, static_cast<std::size_t>(size), MSG_NOSIGNAL);
  if (sent >= 0) return static_cast<int>(sent);
  if (may_go_on(errno)) {
    BIO_set_retry_write(bio);
  } else {
    wire.error = errno;
  }
  return -1;
}

int read_wire(BIO* bio, char* buffer, int size) {
  constexpr unsigned char kFirstType = 20;  // change_cipher_spec, alert, handshake, application_data
  constexpr unsigned char kLastType = 23;
  Wire& wire = wire_of(bio);
  BIO_clear_retry_flags(bio);
  const auto received = ::recv(wire.fd, buffer, static_cast<std::size_t>(size), 0);
  if (received > 0) {
    const auto type = static_cast<unsigned char>(*buffer);
    if (!std::exchange(wire.has_received, true)) wire.is_foreign = type < kFirstType || type > kLastType;
    return static_cast<int>(received);
  }
  if (received == 0) {
    wire.is_ended = true;
    return 0;
  }
  if (may_go_on(errno)) {
    BIO_set_retry_read(bio);
  } else {
    wire.error = errno;
  }
  return -1;
}

long control_wire(BIO* bio, int what, long /*number*/, void* /*pointer*/) {
  if (what == BIO_CTRL_FLUSH) return 1;  // nothing is kept back
  return what == BIO_CTRL_EOF && wire_of(bio).is_ended ? 1 : 0;
}

/// Nobody is there to be asked for a passphrase. Notes that one was wanted.
int refuse_passphrase(char* /*buffer*/, int /*size*/, int /*writing*/, void* wanted) {
  if (wanted != nullptr) *static_cast<bool*>(wanted) = true;
  return 0;
}

bool is_about_strength(int reason) {
  return reason == SSL_R_EE_KEY_TOO_SMALL || reason == SSL_R_CA_KEY_TOO_SMALL ||
         reason == SSL_R_CA_MD_TOO_WEAK;
}

/// Why OpenSSL could not use a file: the system's reason if there is one.
std::string reason_of_file() {
  std::string reason = "it is no PEM file of that kind";
  while (const unsigned long code = ERR_get_error()) {
    const bool is_too_weak = ERR_GET_LIB(code) == ERR_LIB_SSL && is_about_strength(ERR_GET_REASON(code));
    if (ERR_GET_LIB(code) == ERR_LIB_SYS) {
      reason = std::generic_category().message(ERR_GET_REASON(code));
      break;
    }
    // All else is a chain of "could not be read".
    if (is_too_weak) reason = ERR_reason_error_string(code);
  }
  ERR_clear_error();
  return reason;
}

tl::unexpected<Error> unusable(std::string_view what, const std::string& file) {
  return failure(ErrorCode::invalid_argument,
                 fmt::format("Redis options: {} '{}' cannot be used: {}", what, file, reason_of_file()));
}

Result<void> trust(SSL_CTX* context, const RedisTls& options) {
  if (!options.ca_file.empty()) {
    if (SSL_CTX_load_verify_locations(context, options.ca_file.c_str(), nullptr) != 1)
      return unusable("the file of authorities (ca)", options.ca_file);
    // Whoever is named in the file is trusted, be it a root or not.
    X509_STORE_set_flags(SSL_CTX_get_cert_store(context), X509_V_FLAG_PARTIAL_CHAIN);
  } else if (options.verify != TlsVerify::none && SSL_CTX_set_default_verify_paths(context) != 1) {
    return failure(
        ErrorCode::invalid_argument,
        fmt::format("Redis options: the system's authorities cannot be read ({}); name a file with "
                    "ca=FILE",
                    reason_of_file()));
  }
  return {};
}

Result<void> identify(SSL_CTX* context, const RedisTls& options) {
  const std::string& key = options.key_file;
  if (SSL_CTX_use_certificate_chain_file(context, options.certificate_file.c_str()) != 1)
    return unusable("the client's certificate (cert)", options.certificate_file);
  bool wanted_passphrase = false;
  SSL_CTX_set_default_passwd_cb_userdata(context, &wanted_passphrase);
  const bool used = SSL_CTX_use_PrivateKey_file(context, key.c_str(), SSL_FILETYPE_PEM) == 1;
  SSL_CTX_set_default_passwd_cb_userdata(context, nullptr);
  if (wanted_passphrase) {
    ERR_clear_error();
    return failure(ErrorCode::invalid_argument,
                   fmt::format("Redis options: the client's key (key) '{}' has a passphrase, and nobody is "
                               "asked for it: give a key without one, readable only for this user",
                               key));
  }
  if (used) return {};
  if (ERR_GET_LIB(ERR_peek_last_error()) == ERR_LIB_X509) {
    ERR_clear_error();
    return failure(ErrorCode::invalid_argument,
                   fmt::format("Redis options: the client's key (key) '{}' does not belong to its "
                               "certificate (cert) '{}'",
                               key, options.certificate_file));
  }
  return unusable("the client's key (key)", key);
}

/// What does not depend on the options.
bool prepare(SSL_CTX* context) {
  // An administrator may demand more in openssl.cnf, but not less.
  const bool is_new_enough = SSL_CTX_get_min_proto_version(context) >= TLS1_2_VERSION ||
                             SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1;
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_default_passwd_cb(context, refuse_passphrase);
  return is_new_enough;
}

}  // namespace

NativeMethod make_wire_method() {
  NativeMethod method(BIO_meth_new(BIO_TYPE_SOURCE_SINK, "nodepool socket"));
  if (method != nullptr) {
    BIO_meth_set_write(method.get(), write_wire);
    BIO_meth_set_read(method.get(), read_wire);
    BIO_meth_set_ctrl(method.get(), control_wire);
  }
  return method;
}

TlsContext::TlsContext(std::unique_ptr<Native> native) noexcept : native_(std::move(native)) {}
TlsContext::~TlsContext() = default;

Result<std::shared_ptr<const TlsContext>> TlsContext::load(const RedisTls& options) {
  // A pool may outlive main(): OpenSSL must not go before it.
  OPENSSL_init_ssl(OPENSSL_INIT_NO_ATEXIT, nullptr);
  ERR_clear_error();
  auto native = std::make_unique<Native>();
  native->context.reset(SSL_CTX_new(TLS_client_method()));
  native->socket = make_wire_method();
  native->verify = options.verify;
  native->has_certificate = !options.certificate_file.empty();
  SSL_CTX* context = native->context.get();
  if (context == nullptr || native->socket == nullptr || !prepare(context)) {
    return failure(ErrorCode::unsupported, fmt::format("TLS cannot be set up: {}", reason_of_file()));
  }
  if (auto trusted = trust(context, options); !trusted) return tl::unexpected(std::move(trusted.error()));
  if (native->has_certificate) {
    auto identified = identify(context, options);
    if (!identified) return tl::unexpected(std::move(identified.error()));
  }
  return std::make_shared<const TlsContext>(std::move(native));
}

Result<std::shared_ptr<const TlsContext>> TlsContext::load_if_wanted(const RedisTls& options) {
  return options.enabled ? load(options) : std::shared_ptr<const TlsContext>();
}

}  // namespace nodepool::redis
